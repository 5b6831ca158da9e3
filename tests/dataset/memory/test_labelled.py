"""What is known of labels on the host is what a look at them says."""

import pytest
import torch

from mtl_cli.dataset.memory.labelled import Labelled

NAN = float("nan")
TARGETS = {
    "price": torch.tensor([1.0, NAN, 3.0, NAN, 5.0, 6.0]),
    "kind": torch.tensor([0, 1, -1, -1, 2, 0]),
    "whole": torch.arange(6.0),
    "weighed": torch.arange(6.0),
    "labels": torch.tensor([[1.0, NAN]] * 6),
}
WEIGHTS = {"weighed": torch.tensor([0.0, 0.0, 1.0, 2.0, 0.0, 0.0])}


def test_complete_tasks_are_those_that_miss_nothing():
    assert Labelled(TARGETS, WEIGHTS).complete == {"whole", "weighed"}


@pytest.mark.parametrize("positions", [[0, 1, 2], [5, 3, 1], [3], [4, 0, 1, 5]])
def test_the_places_are_those_of_a_mask(positions):
    positions = torch.tensor(positions)
    found = Labelled(TARGETS, WEIGHTS).of(positions)
    assert found.keys() == {"price", "kind", "weighed"}
    for task in ("price", "kind"):
        own = TARGETS[task][positions]
        mask = ~own.isnan() if task == "price" else own != -1
        assert torch.equal(own[found[task]], own[mask])
    weights = WEIGHTS["weighed"][positions]
    expected = range(len(positions)) if weights.sum() > 0 else []  # a sum of 0 gives no loss
    assert found["weighed"].tolist() == list(expected)
