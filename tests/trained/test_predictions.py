"""Predictions as columns: against numbers by hand."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torchmetrics.classification import BinaryAccuracy, MultilabelAccuracy

from mtl_cli.basis.errors import Problem
from mtl_cli.head.linear import Linear
from mtl_cli.task.base import Parts
from mtl_cli.task.binary import Binary
from mtl_cli.task.multiclass import Multiclass
from mtl_cli.task.multilabel import Multilabel
from mtl_cli.task.regression import Regression
from mtl_cli.trained.predictions import columns_of, distinct


def parts(loss: nn.Module) -> Parts:
    return Parts("t", "x", Linear, loss, {}, {}, 1.0)


multiclass = partial(Multiclass, parts(nn.CrossEntropyLoss()))
binary = partial(Binary, parts(nn.BCEWithLogitsLoss()))
multilabel = partial(Multilabel, parts(nn.BCEWithLogitsLoss()))
regression = partial(Regression, parts(nn.MSELoss()))


def columns(task, output: torch.Tensor, names: list[str]) -> dict[str, list]:
    return {name: values.to_pylist() for name, values in columns_of(task, output, names)}


def test_a_class_is_the_likeliest_and_shares_sum_to_one() -> None:
    output = torch.tensor([[0.0, 2.0, 1.0], [3.0, 0.0, 0.0]])
    got = columns(multiclass(num_classes=3), output, ["a", "b", "c"])
    assert got["t"] == ["b", "a"]
    exact = np.exp(output.numpy()) / np.exp(output.numpy()).sum(1, keepdims=True)
    for i, name in enumerate("abc"):
        np.testing.assert_allclose(got[f"p(t={name})"], exact[:, i], rtol=1e-6)


def test_classes_without_a_name_are_called_by_their_number() -> None:
    got = columns(multiclass(num_classes=4), torch.eye(4), ["a", "b"])
    assert got["t"] == ["a", "b", "2", "3"]
    assert list(got) == ["t", "p(t=a)", "p(t=b)", "p(t=2)", "p(t=3)"]


def test_two_classes_give_the_chance_of_the_second() -> None:
    output = torch.tensor([[0.0], [-1.0], [1.0]])
    got = columns(binary(), output, ["no", "yes"])
    assert got["t"] == ["no", "no", "yes"]  # at 0.5 the first, as metrics count it
    np.testing.assert_allclose(got["p(t=yes)"], 1 / (1 + np.exp([0, 1, -1])), rtol=1e-6)
    assert list(columns(binary(), output, [])) == ["t", "p(t=1)"]


def test_at_a_half_predictions_and_metrics_say_the_same() -> None:
    output = torch.tensor([0.0, -1.0, 1.0, 0.0]).unsqueeze(1)
    own = binary()
    said = torch.tensor([name == "yes" for name in columns(own, output, ["no", "yes"])["t"]])
    assert BinaryAccuracy()(own.predict(output).squeeze(1), said.long()) == 1
    labels, both = multilabel(num_labels=2), output.expand(4, 2)
    said = torch.tensor([name == "a|b" for name in columns(labels, both, ["a", "b"])["t"]])
    assert MultilabelAccuracy(2)(labels.predict(both), said.long()[:, None].expand(4, 2)) == 1


@pytest.mark.parametrize("num_labels", [1, 3, 8, 9, 20])
def test_labels_are_listed_where_their_chance_is_above_a_half(num_labels: int) -> None:
    output = torch.randn(50, num_labels, generator=torch.Generator().manual_seed(0))
    output[::7] = 0  # a chance of a half
    names = [f"label {i}" for i in range(num_labels)]
    got = columns(multilabel(num_labels=num_labels), output, names)
    expected = [
        "|".join(name for name, value in zip(names, row, strict=True) if value > 0)
        for row in output.tolist()
    ]
    assert got["t"] == expected
    assert list(got)[1:] == [f"p(t={name})" for name in names]


def test_values_are_in_the_unit_of_the_labels() -> None:
    task = regression(num_outputs=2, standardize=True)
    task.fit(torch.tensor([[0.0, 10.0], [2.0, 30.0]]))
    got = columns(task, torch.tensor([[0.0, 0.0], [1.0, -1.0]]), [])
    assert got == {"t_1": [1.0, 2.0], "t_2": [20.0, 10.0]}
    one = regression(num_outputs=1, standardize=False)
    assert columns(one, torch.tensor([[0.5], [2.0]]), []) == {"t": [0.5, 2.0]}


def test_a_map_fits_in_no_row() -> None:
    with pytest.raises(Problem, match=r"run\.model"):
        columns_of(multiclass(num_classes=3), torch.zeros(2, 3, 4, 4), [])


def test_no_two_columns_have_one_name_and_a_task_keeps_its_own() -> None:
    beside = [("file", 0), ("row", 1), ("pose_x", 2)]
    predicted = {
        "row": [("row", 3)],
        "pose": [("pose_x", 4), ("pose_y", 5)],
        "pose_x": [("pose_x", 6)],
    }
    names = [name for name, _ in distinct(beside, predicted, ["row", "pose", "pose_x"])]
    assert names == ["file", "row_", "pose_x_", "row", "pose_x__", "pose_y", "pose_x"]
