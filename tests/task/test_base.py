"""Every kind of task: missing labels count for nothing, and figures are in the right unit."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from sklearn import metrics as sk
from torch import Tensor, nn
from torchmetrics import MeanAbsoluteError, MeanSquaredError
from torchmetrics.classification import (
    BinaryAUROC,
    BinaryF1Score,
    MulticlassAccuracy,
    MulticlassCohenKappa,
    MulticlassF1Score,
    MultilabelF1Score,
)

from mtl_cli.basis.errors import Problem
from mtl_cli.head.linear import Linear
from mtl_cli.loss.corn import CORN
from mtl_cli.loss.focal import FocalLoss
from mtl_cli.task.base import Parts, Task
from mtl_cli.task.binary import Binary
from mtl_cli.task.class_index import ClassIndex
from mtl_cli.task.multiclass import Multiclass
from mtl_cli.task.multilabel import Multilabel
from mtl_cli.task.ordinal import Ordinal
from mtl_cli.task.regression import Regression

B = 14


def make(kind: type[Task], loss: Any, metrics: dict[str, Any] | None = None, **own: Any) -> Task:
    weight = own.pop("weight", 1.0)
    if kind is Regression:
        own = {"num_outputs": 1, "standardize": False} | own
    return kind(Parts("x", "image", Linear, loss, metrics or {}, {}, weight), **own)


@dataclass
class Kind:
    """A kind of task with the shapes of its output and target, and each entry's loss by hand."""

    task: Task
    output: tuple[int, ...]
    target: tuple[int, ...]

    def __post_init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        self.logits = 2 * torch.randn(B, *self.output, generator=generator)
        shape = (B, *self.target)
        if isinstance(self.task, ClassIndex):
            self.labels = torch.randint(self.task.num_classes, shape, generator=generator)
        elif isinstance(self.task, Regression):
            self.labels = 3 + 2 * torch.randn(shape, generator=generator)
        else:
            self.labels = torch.randint(2, shape, generator=generator).float()

    def without(self, missing: Tensor) -> Tensor:
        """The labels, those at a mask missing."""
        value = -1 if isinstance(self.task, ClassIndex) else torch.nan
        return self.labels.masked_fill(missing, value)

    def entries(self) -> Tensor:
        """The loss of each label, in float64, in the target's shape."""
        z, y = self.logits.double(), self.labels
        if isinstance(self.task, Multiclass):
            return -z.log_softmax(1).gather(1, y.unsqueeze(1)).squeeze(1)
        if isinstance(self.task, Ordinal):
            z = torch.cat([z, torch.full_like(z[:, :1], -torch.inf)], 1)  # none is above the last
            on, stop = z.sigmoid(), (-z).sigmoid()
            chances = torch.stack([on[:, :k].prod(1) * stop[:, k] for k in range(z.shape[1])], 1)
            return -chances.gather(1, y.unsqueeze(1)).squeeze(1).log()
        z = z.reshape(y.shape)
        if isinstance(self.task, Regression):
            return (z - y) ** 2
        return torch.log1p(torch.exp(-(2 * y - 1) * z))


MEANS = {"mse": MeanSquaredError(), "mae": MeanAbsoluteError()}
CLASSES = {
    "accuracy": MulticlassAccuracy(num_classes=3, average="micro"),
    "f1": MulticlassF1Score(num_classes=3, average="macro"),
}
RANKS = {"mae": MeanAbsoluteError(), "kappa": MulticlassCohenKappa(4, weights="quadratic")}
BOTH = {"f1": BinaryF1Score(), "auroc": BinaryAUROC()}
LABELS = {"f1": MultilabelF1Score(num_labels=3, ignore_index=-1)}
MSE, CE, BCE = nn.MSELoss(), nn.CrossEntropyLoss(), nn.BCEWithLogitsLoss()

KINDS = {
    "regression": Kind(make(Regression, MSE, MEANS), (1,), ()),
    "regression column": Kind(make(Regression, MSE, MEANS), (1,), (1,)),
    "regression of 3": Kind(make(Regression, MSE, MEANS, num_outputs=3), (3,), (3,)),
    "regression map": Kind(make(Regression, MSE, MEANS), (1, 4, 5), (4, 5)),
    "regression maps": Kind(make(Regression, MSE, MEANS, num_outputs=2), (2, 4, 5), (2, 4, 5)),
    "binary": Kind(make(Binary, BCE, BOTH), (1,), ()),
    "binary map": Kind(make(Binary, BCE, BOTH), (1, 4, 5), (4, 5)),
    "multiclass": Kind(make(Multiclass, CE, CLASSES, num_classes=3), (3,), ()),
    "multiclass map": Kind(make(Multiclass, CE, CLASSES, num_classes=3), (3, 4, 5), (4, 5)),
    "ordinal": Kind(make(Ordinal, CORN(None), RANKS, num_classes=4), (3,), ()),
    "ordinal map": Kind(make(Ordinal, CORN(None), RANKS, num_classes=4), (3, 4, 5), (4, 5)),
    "multilabel": Kind(make(Multilabel, BCE, LABELS, num_labels=3), (3,), (3,)),
}
each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def figures(task: Task, output: Tensor, target: Tensor, complete: bool) -> dict[str, float]:
    """The loss and the metrics of one batch."""
    loss, _ = task.loss(output, target, complete)
    found = {"loss": loss.item()}
    for name, metric in task.metrics.items():
        metric.reset()
        metric.update(*task.score(output, target, complete))
        found[name] = metric.compute().item()
    return found


def scikit_learn(kind: Kind, keep: Tensor) -> dict[str, float]:
    """The metrics of the labels at a mask."""
    z, y = kind.logits, kind.labels
    if isinstance(kind.task, Multiclass):
        true, said = y[keep], z.argmax(1)[keep]
        return {
            "accuracy": sk.accuracy_score(true, said),
            "f1": sk.f1_score(true, said, average="macro"),
        }
    if isinstance(kind.task, Ordinal):
        true, said = y[keep], (z.sigmoid().cumprod(1) > 0.5).sum(1)[keep]
        kappa = sk.cohen_kappa_score(true, said, weights="quadratic")
        return {"mae": sk.mean_absolute_error(true, said), "kappa": kappa}
    z = z.reshape(y.shape)
    if isinstance(kind.task, Regression):
        return {
            "mse": sk.mean_squared_error(y[keep], z[keep]),
            "mae": sk.mean_absolute_error(y[keep], z[keep]),
        }
    if isinstance(kind.task, Multilabel):
        columns = range(y.shape[1])
        of = [sk.f1_score(y[:, k][keep[:, k]], z[:, k][keep[:, k]] > 0) for k in columns]
        return {"f1": float(np.mean(of))}
    return {
        "f1": sk.f1_score(y[keep], z[keep] > 0),
        "auroc": sk.roc_auc_score(y[keep], z[keep]),
    }


@each_kind
@pytest.mark.parametrize("complete", [True, False])
def test_loss_and_metrics_are_those_by_hand_and_of_scikit_learn(kind, complete):
    found = figures(kind.task, kind.logits, kind.labels, complete)
    expected = scikit_learn(kind, torch.ones_like(kind.labels, dtype=torch.bool))
    assert found == pytest.approx({"loss": kind.entries().mean().item()} | expected, rel=1e-5)
    assert kind.task.loss(kind.logits, kind.labels, complete)[1] == kind.labels.numel()


@each_kind
def test_examples_without_a_label_count_for_nothing(kind):
    keep = torch.tensor([1, 2, 5, 6, 7, 9, 10, 13])
    missing = torch.ones(B, dtype=torch.bool)
    missing[keep] = False
    target = kind.without(missing.view(B, *[1] * len(kind.target)))
    found = figures(kind.task, kind.logits, target, complete=False)
    alone = figures(kind.task, kind.logits[keep], kind.labels[keep], complete=True)
    assert found == pytest.approx(alone, rel=1e-6)


@each_kind
def test_single_labels_that_are_missing_count_for_nothing(kind):
    missing = torch.rand(kind.labels.shape, generator=torch.Generator().manual_seed(1)) < 0.3
    assert 0 < missing.sum() < missing.numel()
    found = figures(kind.task, kind.logits, kind.without(missing), complete=False)
    expected = {"loss": kind.entries()[~missing].mean().item()} | scikit_learn(kind, ~missing)
    assert found == pytest.approx(expected, rel=1e-5)
    count = kind.task.loss(kind.logits, kind.without(missing))[1]
    assert count == (~missing).sum()


@each_kind
def test_missing_labels_get_no_gradient(kind):
    missing = torch.zeros(kind.labels.shape, dtype=torch.bool)
    missing[::3] = True
    output = kind.logits.clone().requires_grad_()
    kind.task.loss(output, kind.without(missing))[0].backward()
    assert output.grad.isfinite().all()
    assert (output.grad[::3] == 0).all()
    reached = output.grad[1::3] != 0
    # Of ordered classes a label says nothing of those that are above it.
    assert (reached.any(1) if isinstance(kind.task, Ordinal) else reached).all()


@each_kind
def test_a_batch_without_labels_says_so(kind):
    missing = torch.ones_like(kind.labels, dtype=torch.bool)
    assert kind.task.loss(kind.logits, kind.without(missing))[1] == 0


@each_kind
def test_a_made_up_target_fits_the_loss(kind):
    target = kind.task.example_target(4)
    kind.task.check_targets(target)
    loss, count = kind.task.loss(torch.randn(4, kind.task.out_features), target, complete=True)
    assert loss.isfinite()
    assert count == target.numel()


@pytest.mark.parametrize(
    ("loss", "entries"),
    [
        (
            nn.BCEWithLogitsLoss(pos_weight=torch.tensor([1.0, 5.0, 0.2])),
            lambda y, e: e * torch.where(y == 1, torch.tensor([1.0, 5.0, 0.2]), 1.0),
        ),
        (
            nn.BCEWithLogitsLoss(weight=torch.tensor([1.0, 5.0, 0.2])),
            lambda y, e: e * torch.tensor([1.0, 5.0, 0.2]),
        ),
        (
            FocalLoss(2.0, torch.tensor([0.25, 0.75])),
            lambda y, e: e * (1 - torch.exp(-e)) ** 2 * torch.where(y == 1, 0.75, 0.25),
        ),
    ],
    ids=["pos_weight", "weight", "focal"],
)
def test_a_weight_for_each_label_stays_with_its_label(loss, entries):
    kind = KINDS["multilabel"]
    task = make(Multilabel, loss, num_labels=3)
    expected = entries(kind.labels, kind.entries())
    missing = torch.rand(kind.labels.shape, generator=torch.Generator().manual_seed(1)) < 0.3
    whole = task.loss(kind.logits, kind.labels, complete=True)[0]
    assert whole.item() == pytest.approx(expected.mean().item(), rel=1e-5)
    some = task.loss(kind.logits, kind.without(missing))[0]
    assert some.item() == pytest.approx(expected[~missing].mean().item(), rel=1e-5)


def test_a_weight_for_each_class_weighs_the_labelled_examples_alone():
    weight = torch.tensor([1.0, 4.0, 0.5])
    kind = KINDS["multiclass"]
    task = make(Multiclass, nn.CrossEntropyLoss(weight=weight), num_classes=3)
    missing = torch.arange(B) % 3 == 0
    of = weight[kind.labels][~missing]
    expected = (of * kind.entries()[~missing]).sum() / of.sum()
    loss, _ = task.loss(kind.logits, kind.without(missing))
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


STANDARDIZED = {
    "one number": ((1,), ()),
    "a column": ((1,), (1,)),
    "three numbers": ((3,), (3,)),
    "a map": ((1, 4, 5), (4, 5)),
    "two maps": ((2, 4, 5), (2, 4, 5)),
}


@pytest.mark.parametrize(("output", "target"), STANDARDIZED.values(), ids=STANDARDIZED)
def test_a_standardized_loss_is_in_deviations_and_metrics_in_the_targets_unit(output, target):
    outputs = output[0]
    task = make(Regression, MSE, MEANS, num_outputs=outputs, standardize=True)
    units = torch.tensor([10.0, 0.1, 3.0])[:outputs].view(-1, *[1] * (len(output) - 1))
    y = (units * torch.randn(B, *output) + 100 * units).reshape(B, *target)
    y[2] = y[5] = torch.nan
    task.fit(y)
    columns = y.double().numpy().reshape(B, outputs, -1)
    mean = np.nanmean(columns, (0, 2)).reshape(1, outputs, 1)
    deviation = np.nanstd(columns, (0, 2)).reshape(1, outputs, 1)
    z = torch.randn(B, *output)
    said = z.double().numpy().reshape(columns.shape) * deviation + mean
    labelled = ~np.isnan(columns)
    in_deviations = (said - columns) / deviation
    found = figures(task, z, y, complete=False)
    expected = {
        "loss": np.mean(in_deviations[labelled] ** 2),
        "mse": sk.mean_squared_error(columns[labelled], said[labelled]),
        "mae": sk.mean_absolute_error(columns[labelled], said[labelled]),
    }
    assert found == pytest.approx(expected, rel=1e-3)


def test_the_unit_is_kept_with_the_weights():
    task, other = (make(Regression, MSE, MEANS, num_outputs=2, standardize=True) for _ in range(2))
    y, z = torch.randn(B, 2) * 7 + 3, torch.randn(B, 2)
    task.fit(y)
    other.load_state_dict(task.state_dict())
    assert figures(other, z, y, True) == figures(task, z, y, True)


def test_metrics_are_no_part_of_the_state():
    assert not make(Multiclass, CE, CLASSES, num_classes=3).state_dict()


def test_a_constant_or_wholly_missing_target_keeps_its_unit():
    task = make(Regression, MSE, num_outputs=2, standardize=True)
    y = torch.stack([torch.full((B,), 4.0), torch.full((B,), torch.nan)], 1)
    task.fit(y)
    assert task.scale.tolist() == [1, 1]
    loss, count = task.loss(torch.zeros(B, 2), y)
    assert (loss.item(), count) == (0, B)


def test_without_standardize_fitting_changes_nothing():
    kind = KINDS["regression"]
    before = figures(kind.task, kind.logits, kind.labels, True)
    kind.task.fit(100 * kind.labels)
    assert figures(kind.task, kind.logits, kind.labels, True) == before


@each_kind
def test_predictions_are_probabilities_or_values(kind):
    said = kind.task.predict(kind.logits)
    if isinstance(kind.task, Regression):
        assert torch.equal(said, kind.logits)
    else:
        assert said.min() >= 0
        assert said.max() <= 1
        assert not isinstance(kind.task, Multiclass) or torch.allclose(
            said.sum(1), torch.ones(()), atol=1e-6
        )


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("binary", 2.0),
        ("binary", 0.5),
        ("binary", -1.0),
        ("binary map", torch.inf),
        ("multilabel", 3.0),
        ("multiclass", 3),
        ("multiclass", -2),
        ("multiclass map", 255),
    ],
)
def test_a_label_that_the_task_cannot_have_is_refused(name, wrong):
    kind = KINDS[name]
    target = kind.labels.clone()
    target[3] = wrong
    with pytest.raises(Problem, match=rf"^tasks\.x .*\n  found: {wrong}\n  try:   \S"):
        kind.task.check_targets(target)


@each_kind
def test_missing_labels_and_all_valid_ones_are_taken(kind):
    missing = torch.zeros(kind.labels.shape, dtype=torch.bool)
    missing[0] = True
    kind.task.check_targets(kind.without(missing))
    kind.task.check_targets(kind.labels[:0])


@pytest.mark.parametrize("wrong", [[0, 7, 3], [-2, 1, 0], [-5, 9, 2]])
def test_the_advised_number_of_classes_takes_the_largest_label_and_is_no_smaller(wrong):
    with pytest.raises(Problem) as error:
        make(Multiclass, CE, num_classes=3).check_targets(torch.tensor(wrong))
    advice = str(error.value).partition("num_classes=")[2]
    assert not advice or int(advice) == max(3, *[label + 1 for label in wrong])
    assert advice or max(wrong) < 3


@pytest.mark.parametrize(
    ("kind", "own"),
    [
        (Regression, {"num_outputs": 0}),
        (Regression, {"num_outputs": 1.0}),
        (Regression, {"standardize": "yes"}),
        (Multiclass, {"num_classes": 1}),
        (Multilabel, {"num_labels": 0}),
        (Binary, {"weight": -1}),
        (Binary, {"weight": "much"}),
        (Binary, {"weight": torch.nan}),
    ],
)
def test_a_wrong_option_is_told_by_its_path(kind, own):
    (option,) = own
    with pytest.raises(Problem, match=rf"^tasks\.x\.{option} must be"):
        make(kind, nn.Identity(), **own)


class Of(nn.Module):
    """A loss from a function of the error."""

    def __init__(self, of):
        super().__init__()
        self.of = of

    def forward(self, output, target):
        return self.of(output - target).mean()


REGRESSION_LOSSES = {
    "mse": MSE,
    "absolute": nn.L1Loss(),
    "huber": nn.HuberLoss(delta=0.01),
    "smooth": nn.SmoothL1Loss(),
    "summed": nn.MSELoss(reduction="sum"),
    "counts": nn.PoissonNLLLoss(),
    "quantile 0.9": Of(lambda e: torch.maximum(-0.9 * e, 0.1 * e)),
    "quantile 0.01": Of(lambda e: torch.maximum(-0.01 * e, 0.99 * e)),
    "insensitive near 0": Of(lambda e: (e.abs() - 0.1).clamp(min=0)),
    "negative": Of(lambda e: e**2 / 0.02 - 3),
    "bounded": Of(lambda e: 1 - torch.exp(-(e**2))),
    "logarithmic": Of(lambda e: torch.log1p(e**2)),
}
OTHER_LOSSES = {
    "bce": BCE,
    "bce of probabilities": nn.BCELoss(),
    "focal": FocalLoss(2.0, None),
    "focal, no focus": FocalLoss(0.0, None),
    "focal, by class": FocalLoss(2.0, torch.tensor([0.25, 0.75])),
    "margin": nn.SoftMarginLoss(),
    "cross-entropy": CE,
    "less where further away": Of(lambda e: -(e**2)),
}


@pytest.mark.parametrize("num_outputs", [1, 3])
@pytest.mark.parametrize("loss", REGRESSION_LOSSES.values(), ids=REGRESSION_LOSSES)
def test_a_loss_that_grows_away_from_the_label_fits_a_regression(loss, num_outputs):
    make(Regression, loss, num_outputs=num_outputs).try_loss()


@pytest.mark.parametrize("num_outputs", [1, 3])
@pytest.mark.parametrize("loss", OTHER_LOSSES.values(), ids=OTHER_LOSSES)
def test_a_loss_that_does_not_grow_away_from_the_label_fits_no_regression(loss, num_outputs):
    rule = rf"^tasks\.x\.loss must fit a regression task\.\n  found: {type(loss).__name__}: \S"
    with pytest.raises(Problem, match=rule) as error:
        make(Regression, loss, num_outputs=num_outputs).try_loss()
    assert str(error.value).endswith("try:   tasks.x.loss=mse")


def test_a_loss_given_as_a_word_is_answered_with_the_words_to_type():
    with pytest.raises(Problem, match=r"try:   tasks\.x\.loss=focal$"):
        make(Binary, "focal")


def test_the_head_makes_as_many_outputs_as_the_task_reads():
    numbers = {name: kind.task.out_features for name, kind in KINDS.items()}
    assert numbers == {name: kind.output[0] for name, kind in KINDS.items()}


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (MulticlassF1Score(5, average=None), "must give one number.\n  found: 5 numbers"),
        (MulticlassAccuracy(3), "must fit a multiclass task.\n  found: MulticlassAccuracy: "),
    ],
)
def test_metrics_that_give_no_figure_are_refused_before_training(metric: Any, message: str):
    task = make(Multiclass, nn.CrossEntropyLoss(), {"own": metric}, num_classes=5)
    with pytest.raises(Problem, match=f"^tasks.x.metrics.own {message}"):
        task.try_metrics()


@pytest.mark.parametrize(
    ("kind", "loss", "metric", "own"),
    [
        (Multiclass, nn.CrossEntropyLoss(), MulticlassF1Score(5), {"num_classes": 5}),
        (Multilabel, nn.BCEWithLogitsLoss(), MultilabelF1Score(4), {"num_labels": 4}),
        (Binary, nn.BCEWithLogitsLoss(), BinaryAUROC(), {}),
        (Regression, nn.MSELoss(), MeanAbsoluteError(), {"num_outputs": 3}),
    ],
)
def test_a_metric_that_was_tried_has_seen_nothing(kind: Any, loss: Any, metric: Any, own: Any):
    make(kind, loss, {"own": metric}, **own).try_metrics()
    assert metric.update_count == 0
