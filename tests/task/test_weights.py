"""Weights of examples: each label counts in the mean as its example does."""

import pytest
import torch
from torch import nn

from mtl_cli.basis.errors import Problem
from mtl_cli.head.linear import Linear
from mtl_cli.loss.corn import CORN
from mtl_cli.loss.focal import FocalLoss
from mtl_cli.task.base import Parts
from mtl_cli.task.binary import Binary
from mtl_cli.task.multiclass import Multiclass
from mtl_cli.task.multilabel import Multilabel
from mtl_cli.task.ordinal import Ordinal
from mtl_cli.task.regression import Regression

COMMON = {"name": "t", "input": "x", "head": Linear, "metrics": {}, "plots": {}, "weight": 1.0}
NAN = float("nan")
CASES = {
    "regression": (
        Regression(Parts(**COMMON, loss=nn.MSELoss()), num_outputs=1, standardize=False),
        torch.tensor([1.0, NAN, 3.0, -2.0]),
        1,
    ),
    "two outputs": (
        Regression(Parts(**COMMON, loss=nn.L1Loss()), num_outputs=2, standardize=False),
        torch.tensor([[1.0, 2.0], [NAN, 3.0], [0.5, NAN], [4.0, 4.0]]),
        2,
    ),
    "binary": (
        Binary(Parts(**COMMON, loss=nn.BCEWithLogitsLoss())),
        torch.tensor([1.0, 0.0, NAN, 1.0]),
        1,
    ),
    "multiclass": (
        Multiclass(Parts(**COMMON, loss=nn.CrossEntropyLoss()), num_classes=3),
        torch.tensor([2, -1, 0, 1]),
        3,
    ),
    "focal": (
        Multiclass(Parts(**COMMON, loss=FocalLoss(2.0, None)), num_classes=3),
        torch.tensor([2, -1, 0, 1]),
        3,
    ),
    "ordinal": (
        Ordinal(Parts(**COMMON, loss=CORN(torch.tensor([1.0, 2.0, 0.5]))), num_classes=3),
        torch.tensor([2, -1, 0, 1]),
        2,
    ),
    "multilabel": (
        Multilabel(Parts(**COMMON, loss=nn.BCEWithLogitsLoss()), num_labels=2),
        torch.tensor([[1.0, 0.0], [NAN, 1.0], [0.0, 0.0], [1.0, NAN]]),
        2,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_whole_weight_is_that_many_copies_of_the_example(case):
    task, target, outputs = CASES[case]
    output = torch.randn(4, outputs, generator=torch.Generator().manual_seed(0))
    counts = torch.tensor([1, 2, 3, 0])
    loss, _ = task.loss(output, target, weights=counts.float())
    copies = torch.arange(4).repeat_interleave(counts)
    expected, _ = task.loss(output[copies], target[copies])
    torch.testing.assert_close(loss, expected)


@pytest.mark.parametrize("case", CASES)
def test_equal_weights_change_nothing(case):
    task, target, outputs = CASES[case]
    output = torch.randn(4, outputs, generator=torch.Generator().manual_seed(1))
    loss, count = task.loss(output, target, weights=torch.full((4,), 0.3))
    expected, expected_count = task.loss(output, target)
    torch.testing.assert_close(loss, expected)
    assert float(count) == pytest.approx(0.3 * float(expected_count))
    assert getattr(task.criterion, "reduction", "mean") == "mean"


def test_a_loss_without_a_reduction_takes_no_weights():
    class Custom(nn.Module):
        def forward(self, output, target):
            return (output - target).square().mean()

    task = Regression(Parts(**COMMON, loss=Custom()), num_outputs=1, standardize=False)
    with pytest.raises(Problem, match="which weights of examples and mixup need"):
        task.loss(torch.zeros(2, 1), torch.zeros(2), weights=torch.ones(2))
