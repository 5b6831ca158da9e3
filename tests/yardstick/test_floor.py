"""The floor against scikit-learn's dummies: its predictions, its metrics, its loss."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn import metrics as sk
from sklearn.dummy import DummyClassifier, DummyRegressor
from torch import Tensor, nn
from torchmetrics import MeanAbsoluteError, MeanSquaredError
from torchmetrics.classification import BinaryAccuracy, BinaryF1Score, MulticlassAccuracy

from mtl_cli.head.linear import Linear
from mtl_cli.task.base import Parts, Task
from mtl_cli.task.binary import Binary
from mtl_cli.task.function import Function
from mtl_cli.task.multiclass import Multiclass
from mtl_cli.task.multilabel import Multilabel
from mtl_cli.task.regression import Regression
from mtl_cli.training.evaluation import evaluate
from mtl_cli.yardstick.floor import Floor

CPU = torch.device("cpu")
X = torch.zeros(50, 3)  # dummies read no input


class OneBatch:
    """All examples at once, of a split of one task."""

    num_examples = 50

    def __init__(self, target: Tensor) -> None:
        from mtl_cli.basis.batch import Batch

        self.batch = Batch({"row": X}, {"x": target})

    def __len__(self) -> int:
        return 1

    def batches(self, epoch: int, start: int = 0) -> Any:
        yield self.batch


def figures(task: Task, train: Tensor, test: Tensor) -> dict[str, float]:
    task.fit(train)
    floor = Floor({"x": task}, {"x": train}, CPU)
    return evaluate(floor, OneBatch(test), ["x"], CPU).get("x", {})


def make(kind: type[Task], loss: nn.Module, metrics: dict[str, Any], **own: Any) -> Task:
    return kind(Parts("x", "row", Linear, loss, metrics, {}, 1.0), **own)


def draw(sizes: tuple[int, ...], seed: int) -> Tensor:
    return torch.randn(sizes, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("offset", [3.0, 1e5])
def test_a_regression_predicts_the_mean(standardize: bool, offset: float) -> None:
    train, test = (offset + 2 * draw((50,), seed) for seed in (0, 1))
    train[::7], test[::5] = torch.nan, torch.nan
    metrics = {"mse": MeanSquaredError(), "mae": MeanAbsoluteError()}
    task = make(Regression, nn.MSELoss(), metrics, num_outputs=1, standardize=standardize)
    found = figures(task, train, test)
    known, asked = train[~train.isnan()].double(), test[~test.isnan()].double()
    dummy = DummyRegressor().fit(np.zeros((len(known), 1)), known)
    predicted = dummy.predict(np.zeros((len(asked), 1)))
    mse = sk.mean_squared_error(asked, predicted)
    assert found["mse"] == pytest.approx(mse, rel=2e-3 if offset == 1e5 else 1e-5)
    assert found["mae"] == pytest.approx(sk.mean_absolute_error(asked, predicted), rel=1e-3)
    unit = known.var(correction=0) if standardize else 1
    assert found["loss"] == pytest.approx(float(mse / unit), rel=2e-3)


def test_several_outputs_have_a_mean_each() -> None:
    train, test = draw((50, 3), 0) + torch.tensor([0.0, 5.0, -9.0]), draw((50, 3), 1)
    task = make(
        Regression, nn.MSELoss(), {"mse": MeanSquaredError()}, num_outputs=3, standardize=True
    )
    expected = ((test - train.mean(0)) ** 2).mean()
    assert figures(task, train, test)["mse"] == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9, 1.0])
def test_a_binary_task_predicts_the_share_of_ones(share: float) -> None:
    train = (torch.arange(50) < share * 40).float()
    train[40:] = torch.nan
    test = (draw((50,), 1) > 0.3).float()
    test[::6] = torch.nan
    metrics = {"accuracy": BinaryAccuracy(), "f1": BinaryF1Score()}
    found = figures(make(Binary, nn.BCEWithLogitsLoss(), metrics), train, test)
    known, asked = train[:40], test[~test.isnan()]
    dummy = DummyClassifier(strategy="prior").fit(np.zeros((40, 1)), known)
    guess = dummy.predict(np.zeros((len(asked), 1)))
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(asked, guess))
    assert found["f1"] == pytest.approx(sk.f1_score(asked, guess, zero_division=0.0))
    shares = np.clip(np.full(len(asked), share), 1e-7, 1 - 1e-7)
    assert found["loss"] == pytest.approx(sk.log_loss(asked, shares), rel=1e-5)


def test_a_multiclass_task_predicts_the_shares_of_its_classes() -> None:
    train = torch.tensor([0] * 10 + [2] * 25 + [1] * 5 + [-1] * 10)
    test = torch.tensor([0, 1, 2, 2, -1] * 10)
    metrics = {"accuracy": MulticlassAccuracy(3, average="micro")}
    task = make(Multiclass, nn.CrossEntropyLoss(), metrics, num_classes=3)
    found = figures(task, train, test)
    known, asked = train[train >= 0], test[test >= 0]
    dummy = DummyClassifier(strategy="prior").fit(np.zeros((len(known), 1)), known)
    rows = np.zeros((len(asked), 1))
    assert found["accuracy"] == pytest.approx(dummy.score(rows, asked))
    assert found["loss"] == pytest.approx(sk.log_loss(asked, dummy.predict_proba(rows)), rel=1e-5)


def test_a_class_that_train_does_not_have_has_a_finite_loss() -> None:
    task = make(Multiclass, nn.CrossEntropyLoss(), {}, num_classes=3)
    found = figures(task, torch.zeros(50, dtype=torch.long), torch.full((50,), 2))
    assert found["loss"] == pytest.approx(-np.log(1e-7), rel=1e-5)


def test_each_label_has_its_own_share() -> None:
    train, test = ((draw((50, 2), seed) > torch.tensor([-1.0, 0.5])).float() for seed in (0, 1))
    train[::3, 1], test[::4, 0] = torch.nan, torch.nan
    found = figures(make(Multilabel, nn.BCEWithLogitsLoss(), {}, num_labels=2), train, test)
    losses = []
    for label in range(2):
        known, asked = train[:, label], test[:, label]
        known, asked = known[~known.isnan()], asked[~asked.isnan()]
        dummy = DummyClassifier(strategy="prior").fit(np.zeros((len(known), 1)), known)
        shares = dummy.predict_proba(np.zeros((len(asked), 1)))
        losses.append(sk.log_loss(asked, shares, normalize=False))
    assert found["loss"] == pytest.approx(sum(losses) / float((~test.isnan()).sum()), rel=1e-5)


@pytest.mark.parametrize(
    ("kind", "own", "shape", "like"),
    [
        (Regression, {"num_outputs": 1, "standardize": True}, (4, 5), (1, 1, 4, 5)),
        (Regression, {"num_outputs": 2, "standardize": True}, (2, 4, 5), (1, 2, 4, 5)),
        (Binary, {}, (4, 5), (1, 1, 4, 5)),
        (Multiclass, {"num_classes": 3}, (4, 5), (1, 3, 4, 5)),
    ],
)
def test_the_prior_of_maps_is_a_map(
    kind: type[Task], own: dict[str, Any], shape: tuple[int, ...], like: tuple[int, ...]
) -> None:
    task = make(kind, nn.MSELoss(), {}, **own)
    target = torch.ones(6, *shape) if kind is not Multiclass else torch.ones(6, *shape).long()
    prior = task.prior(target)
    assert prior is not None
    assert prior.shape == like
    assert torch.allclose(task.predict(task.output_of(prior)).float(), prior.float(), atol=1e-6)


def test_a_function_has_no_floor() -> None:
    task = make(Function, nn.MSELoss(), {}, num_outputs=2)
    assert figures(task, torch.zeros(50), torch.zeros(50)) == {}
