"""A step in several parts is the step of one batch with all their examples."""

from functools import partial
from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from mtl_cli.arch.hps import HPS
from mtl_cli.basis.batch import Batch
from mtl_cli.basis.inputs import Dense
from mtl_cli.encoder.mlp import MLP
from mtl_cli.head.linear import Linear
from mtl_cli.loss.corn import CORN
from mtl_cli.model.model import Model
from mtl_cli.task.base import Parts
from mtl_cli.task.binary import Binary
from mtl_cli.task.multiclass import Multiclass
from mtl_cli.task.multilabel import Multilabel
from mtl_cli.task.ordinal import Ordinal
from mtl_cli.task.regression import Regression
from mtl_cli.training.forward import Forward
from mtl_cli.training.makers import Makers
from mtl_cli.training.runtime import Runtime
from mtl_cli.training.step_part import step_parts
from mtl_cli.training.updates import Updates
from mtl_cli.weighting.fixed import Fixed

pytestmark = pytest.mark.usefixtures("double_precision")
CPU = torch.device("cpu")
PLAIN = Runtime("auto", False, False, "highest", 1, 600)
ROWS = 23
CUTS = {"unequal": [0, 7, 8, 21, ROWS], "one by one": range(ROWS + 1)}
OF_GRADE = torch.tensor([1.0, 0.5, 3.0, 0.2])  # how much each class counts
READS = dict.fromkeys(["own mean", "kind", "sick", "signs", "grade"], "x")

# These follow logarithms, maxima or lengths of the losses, which parts have of their own, or draw
# anew for each part: of them a step in parts is a near relation.
NOT_LINEAR = {"cosmos", "famo", "gls", "pbi", "rlw", "si", "stch"}


class OwnMean(nn.Module):
    """A user's loss, which gives a mean and nothing else."""

    def forward(self, output, target):
        return (output - target).square().mean()


def make_tasks():
    def parts(name, loss, weight=1.0):
        return Parts(name, "x", Linear, loss, {}, {}, weight)

    classes = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 5.0, 0.2]), label_smoothing=0.1)
    positives = nn.BCEWithLogitsLoss(pos_weight=torch.tensor([4.0]))
    labels = nn.BCEWithLogitsLoss(pos_weight=torch.tensor([4.0, 0.5]))
    return [
        Regression(parts("own mean", OwnMean(), 0.5), num_outputs=2, standardize=False),
        Multiclass(parts("kind", classes), num_classes=3),
        Binary(parts("sick", positives, 2.0)),
        Multilabel(parts("signs", labels), num_labels=2),
        Ordinal(parts("grade", CORN(OF_GRADE)), num_classes=4),
    ]


def make_batch():
    """Rows of which the first and the last ones lack whole tasks, by labels or by weights."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.arange(ROWS)
    numbers = torch.randn(ROWS, 2, generator=generator)
    numbers[rows % 3 == 0, 0] = torch.nan
    numbers[-2:] = torch.nan
    kinds = rows % 3
    kinds[:7] = -1
    signs = torch.stack([rows % 2, rows % 5 // 3], 1) * 1.0
    signs[5:15, 1] = torch.nan
    weights = torch.rand(ROWS, generator=generator)
    weights[7] = 0
    grades = torch.where(rows % 5 == 0, -1, rows % 4)
    sick = rows % 2 * 1.0
    targets = {"own mean": numbers, "kind": kinds, "sick": sick, "signs": signs, "grade": grades}
    inputs = {"x": torch.randn(ROWS, 4, generator=generator)}
    row_weights = {"kind": weights, "sick": weights, "signs": 2 * weights, "grade": weights}
    return Batch(inputs, targets, frozenset({"sick"}), row_weights)


def rows_of(batch, rows):
    def cut(tensors):
        return {name: x[rows] for name, x in tensors.items()}

    return Batch(cut(batch.inputs), cut(batch.targets), batch.complete, cut(batch.weights))


def make_updates(weighting, device=CPU):
    torch.default_generator.manual_seed(0)

    def mlp(spec):
        return MLP(spec, hidden=[6, 5], activation="tanh", dropout=0.0)

    model = Model(HPS(mlp, {"x": Dense((4,))}, READS), make_tasks()).to(device)
    scheduler = SimpleNamespace(set_rates=lambda step: None)
    makers = Makers(weighting, partial(torch.optim.SGD, lr=0.1), lambda **_: scheduler)
    options = {"grad_clip": None, "lr_factors": None, "precision": "32", "select": "loss"}
    options |= {"ema_decay": None, "accumulate": 1, "stop": "select"}
    settings = SimpleNamespace(**options)
    ending = SimpleNamespace(total_steps=10, steps_per_epoch=10, said=list, hear=len)
    return Updates(model, makers, settings, PLAIN, ending, device, None)


def step(weighting, batches):
    """The updates after one step, and the gradients that it had, of model and weighting."""
    updates = make_updates(weighting)
    torch.default_generator.manual_seed(3)  # of methods that draw
    updates.take(batches, list(READS), 1)
    (learner,) = updates.learners
    named = [*updates.model.named_parameters(), *learner.weighting.named_parameters()]
    return updates, {name: p.grad for name, p in named}


def parts_of(batch, cuts):
    bounds = CUTS[cuts]
    return [rows_of(batch, slice(a, b)) for a, b in pairwise(bounds)]


def test_a_step_in_parts_is_that_of_the_whole_batch(request, weighting):
    """With missing labels, rows that weigh, classes that weigh, unequal parts, absent tasks."""
    name = request.node.callspec.params["weighting"]
    batch = make_batch()
    updates, whole = step(weighting, [batch])
    in_parts, parts = step(weighting, parts_of(batch, "unequal"))
    updates.losses.collect()
    in_parts.losses.collect()
    assert in_parts.losses.means() == pytest.approx(updates.losses.means(), rel=1e-12)
    assert all(grad is None or grad.isfinite().all() for grad in parts.values())
    if name not in NOT_LINEAR:
        torch.testing.assert_close(parts, whole, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("cuts", CUTS)
def test_losses_and_gradients_are_the_plain_formulas(cuts):
    """``sum w L / sum w`` over all labels, in this test's own words."""
    batch = make_batch()
    updates = make_updates(Fixed)
    outputs = updates.model(batch.inputs, list(READS))
    weights = batch.weights
    errors = (outputs["own mean"] - batch.targets["own mean"].nan_to_num()).square()
    there = ~batch.targets["own mean"].isnan()
    kinds, known = batch.targets["kind"], batch.targets["kind"] >= 0
    of_class = torch.tensor([1.0, 5.0, 0.2])
    log_p = outputs["kind"].log_softmax(1)
    nll = -log_p[range(ROWS), kinds.clamp(min=0)] * of_class[kinds.clamp(min=0)]
    smooth = 0.9 * nll - 0.1 / 3 * (log_p * of_class).sum(1)
    sick, z = batch.targets["sick"], outputs["sick"].squeeze(1)
    bce = 4 * sick * nn.functional.softplus(-z) + (1 - sick) * nn.functional.softplus(z)
    signs, s = batch.targets["signs"], outputs["signs"]
    seen = ~signs.isnan()
    each = torch.tensor([4.0, 0.5]) * signs.nan_to_num() * nn.functional.softplus(-s)
    each = each + (1 - signs.nan_to_num()) * nn.functional.softplus(s)
    grades, graded = batch.targets["grade"].clamp(min=0), batch.targets["grade"] >= 0
    goes, stays = outputs["grade"].sigmoid(), (-outputs["grade"]).sigmoid()
    stays = torch.cat([stays, torch.ones(ROWS, 1)], 1)  # nobody is above the last
    chance = torch.stack([goes[i, :k].prod() * stays[i, k] for i, k in enumerate(grades)])
    w = weights["kind"]
    v = OF_GRADE[grades] * w
    expected = {
        "own mean": errors[there].mean(),
        "kind": (smooth * w)[known].sum() / (of_class[kinds] * w)[known].sum(),
        "sick": (bce * w).sum() / w.sum(),
        "signs": (each * w[:, None])[seen].sum() / (w[:, None] * seen).sum(),
        "grade": -(chance.log() * v)[graded].sum() / v[graded].sum(),
    }
    sum(x * updates.model.tasks[task].weight for task, x in expected.items()).backward()
    grads = {name: p.grad.clone() for name, p in updates.model.named_parameters()}
    in_parts, parts = step(Fixed, parts_of(batch, cuts))
    torch.testing.assert_close(parts, grads, rtol=1e-9, atol=1e-12)
    in_parts.losses.collect()
    means = {task: loss.item() for task, loss in expected.items()}
    assert in_parts.losses.means() == pytest.approx(means, rel=1e-9)


def test_what_a_part_counts_follows_from_its_labels():
    tasks = {task.name: task for task in make_tasks()}
    first, second, third, last = step_parts(parts_of(make_batch(), "unequal"), tasks, CPU)
    assert list(first.denominators) == ["own mean", "sick", "signs", "grade"]  # no kind is known
    assert list(second.denominators) == ["own mean"]  # the only row weighs nothing
    assert list(last.denominators) == ["kind", "sick", "signs", "grade"]
    assert first.shares["kind"] == second.shares["sick"] == last.shares["own mean"] == 0
    for task in READS:
        shares = [part.shares[task] for part in (first, second, third, last)]
        assert sum(shares) == pytest.approx(1)
    assert [part.share * ROWS for part in (first, second, third, last)] == pytest.approx(
        [7, 1, 13, 2]
    )


@pytest.mark.parametrize("rows", [slice(0, 7), slice(7, 8)])
def test_a_step_whose_weights_or_labels_sum_to_nothing_lacks_the_task(rows):
    batch = rows_of(make_batch(), rows)
    forward = Forward(make_updates(Fixed).model, CPU, SimpleNamespace(precision="32"), PLAIN)
    losses = forward.losses(batch, list(READS))
    assert ("kind" in losses, "sick" in losses) == (False, rows.start == 0)
    assert all(loss.isfinite() for loss in losses.values())


def test_a_complete_plain_batch_is_not_looked_at(monkeypatch):
    """Which would wait for the device in every step."""
    tasks = {"sick": make_tasks()[2], "kind": make_tasks()[1]}
    targets = {"sick": torch.ones(4), "kind": torch.arange(4) % 3}
    monkeypatch.setattr(torch.Tensor, "tolist", None)
    monkeypatch.setattr(torch.Tensor, "item", None)
    (part,) = step_parts([Batch({"x": torch.ones(4, 2)}, targets, frozenset(tasks))], tasks, CPU)
    assert part.denominators["sick"] == 4
    assert part.denominators["kind"] == pytest.approx(1 + 5 + 0.2 + 1)


def test_famo_compares_the_losses_of_the_same_examples():
    """Its second look is at all parts of the step, not at the last one."""
    seen = []

    class Listener(Fixed):
        def after_step(self, closure):
            seen.append({task: loss.item() for task, loss in closure().items()})

    batch = make_batch()
    step(Listener, [batch])
    step(Listener, parts_of(batch, "unequal"))
    whole, parts = seen
    assert parts == pytest.approx(whole, rel=1e-6)
