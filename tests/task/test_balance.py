"""Balanced weights of classes: those of scikit-learn, from the labels that are there."""

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch import nn

from mtl_cli.basis.errors import Problem
from mtl_cli.head.linear import Linear
from mtl_cli.loss.focal import FocalLoss
from mtl_cli.task.base import Parts
from mtl_cli.task.binary import Binary
from mtl_cli.task.multiclass import Multiclass
from mtl_cli.task.multilabel import Multilabel
from mtl_cli.task.regression import Regression

CASES = {
    "binary": (Binary, nn.BCEWithLogitsLoss, "pos_weight", {}),
    "multiclass": (Multiclass, nn.CrossEntropyLoss, "weight", {"num_classes": 4}),
    "multilabel": (Multilabel, nn.BCEWithLogitsLoss, "pos_weight", {"num_labels": 3}),
    "focal": (Multiclass, lambda: FocalLoss(2.0, None), "alpha", {"num_classes": 4}),
    "focal, of two": (Binary, lambda: FocalLoss(2.0, None), "alpha", {}),
}


def make(kind, loss, option, own):
    return kind(Parts("t", "x", Linear, loss, {}, {}, 1.0, [option]), **own)


def sklearn_weights(labels):
    return compute_class_weight("balanced", classes=np.unique(labels), y=labels)


@pytest.mark.parametrize("case", CASES)
def test_weights_are_those_of_sklearn(case):
    kind, loss, option, own = CASES[case]
    task = make(kind, loss(), option, own)
    several = kind is Multiclass
    shape = (60, 3) if kind is Multilabel else (60,)
    generator = torch.Generator().manual_seed(0)
    labels = (torch.rand(shape, generator=generator) ** 2 * (4 if several else 1.6)).long()
    missing = torch.rand(shape, generator=generator) < 0.2
    target = labels.masked_fill(missing, -1)
    task.fit(target if several else target.float().masked_fill(missing, torch.nan))
    columns = [column[column >= 0].numpy() for column in target.reshape(60, -1).T]
    expected = [sklearn_weights(column) for column in columns]
    if option == "pos_weight":  # only the ratio of both counts
        expected = [[one / zero for zero, one in expected]]
    np.testing.assert_allclose(getattr(task.criterion, option), expected[0], rtol=1e-6)
    assert f"criterion.{option}" in task.state_dict()  # evaluation and resume have it


def test_a_class_without_a_label_counts_one():
    task = make(Multiclass, nn.CrossEntropyLoss(), "weight", {"num_classes": 3})
    task.fit(torch.tensor([0, 0, 0, 2, -1]))
    torch.testing.assert_close(task.criterion.weight, torch.tensor([4 / 6, 1, 4 / 2]))
    task = make(Binary, nn.BCEWithLogitsLoss(), "pos_weight", {})
    task.fit(torch.zeros(4))
    assert task.criterion.pos_weight == 1


def test_what_weighs_no_classes_is_not_balanced():
    with pytest.raises(Problem, match=r"try:   tasks.t.loss.pos_weight=balanced"):
        make(Binary, nn.BCEWithLogitsLoss(), "weight", {})
    with pytest.raises(Problem, match=r"tasks.t.loss.weight must be null, a number or a list"):
        make(Regression, nn.MSELoss(), "weight", {"num_outputs": 1, "standardize": True})


def test_weights_of_classes_are_at_least_nought():
    loss = nn.BCEWithLogitsLoss(pos_weight=torch.tensor([-7.0]))
    with pytest.raises(Problem, match=r"pos_weight must be finite and at least 0"):
        Binary(Parts("t", "x", Linear, loss, {}, {}, 1.0))
