"""The average of the weights, by its formula."""

import torch
from torch import nn

from mtl_cli.training.average import WeightAverage


def test_it_is_the_formula_by_hand():
    model = nn.Linear(2, 1, bias=False)
    average, expected = WeightAverage(model, 0.5), model.weight.detach().clone()
    for step in range(1, 12):
        with torch.no_grad():
            model.weight += torch.randn(1, 2, generator=torch.Generator().manual_seed(step))
        average.update(step, model.parameters())
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * model.weight.detach()
    torch.testing.assert_close(average.values["weight"], expected)


def test_it_stands_in_place_of_the_weights_only_inside_the_block():
    model = nn.Linear(2, 1)
    average = WeightAverage(model, 0.9)
    with torch.no_grad():
        model.weight += 1
    before, kept = model.weight.detach().clone(), average.values["weight"].clone()
    with average.in_place():
        assert torch.equal(model.weight, kept)
    assert torch.equal(model.weight, before)
    assert torch.equal(average.values["weight"], kept)


def test_what_is_not_trained_any_more_keeps_its_average():
    model = nn.Linear(2, 1)
    average = WeightAverage(model, 0.9)
    with torch.no_grad():
        model.weight += 1
        model.bias += 1
    before = average.values["bias"].clone()
    average.update(1, [model.weight])
    assert torch.equal(average.values["bias"], before)
