"""True probabilities measure another task's predictions, and never train."""

import pytest
import torch
from torch import nn

from mtl_cli.basis.errors import Problem
from mtl_cli.head.linear import Linear
from mtl_cli.loss.none import NoLoss
from mtl_cli.task.base import Parts
from mtl_cli.task.binary import Binary
from mtl_cli.task.truth import Truth


def parts(loss):
    return Parts("t", "x", Linear, loss, {}, {}, 1.0)


def test_its_output_is_that_of_the_other_task():
    task, logit = Truth(parts(NoLoss()), ["cvr"]), torch.tensor([[-1.0], [2.0]])
    assert task.derive([logit]) is logit
    assert torch.equal(task.predict(logit), logit.sigmoid())
    assert task.fits(Binary(parts(nn.BCEWithLogitsLoss())))
    assert not task.trained
    task.check_targets(torch.tensor([0.0, 0.3, torch.nan, 1.0]))
    assert task.prior(torch.tensor([0.1, 0.3])).item() == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("loss", "of", "said"),
    [
        (NoLoss(), None, r"t.of must name the one task.*\n  found: none\n  try:   'tasks.t.of=\["),
        (NoLoss(), ["a", "b"], "must name the one task"),
        (nn.BCEWithLogitsLoss(), ["a"], r"loss must be none.*\n.*\n  try:   tasks.t.loss=none"),
    ],
)
def test_what_it_cannot_measure_is_refused(loss, of, said):
    with pytest.raises(Problem, match=said):
        Truth(parts(loss), of)


def test_labels_are_probabilities():
    with pytest.raises(Problem, match="from 0 to 1"):
        Truth(parts(NoLoss()), ["a"]).check_targets(torch.tensor([0.5, 1.5]))
