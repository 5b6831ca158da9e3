"""Parameter groups: the longest part that a name begins with says its factor."""

import torch
from torch import nn

from mtl_cli.training.rates import parameter_groups


def test_the_longest_part_counts_and_learned_weights_never_decay():
    names = ["arch.experts.0.weight", "arch.gates.weight", "heads.a.weight", "headset.weight"]
    named = [(name, nn.Parameter(torch.zeros(1))) for name in names]
    learned = [nn.Parameter(torch.zeros(1))]
    factors = {"arch": 2.0, "arch.gates": 3.0, "heads": 0.5, "weighting": 0.1}
    groups, rates = parameter_groups(named, learned, factors, {})
    found = {
        id(parameter): rate
        for group, rate in zip(groups, rates, strict=True)
        for parameter in group["params"]
    }
    assert [found[id(p)] for _, p in named] == [2.0, 3.0, 0.5, 1.0]
    assert found[id(learned[0])] == 0.1
    assert [group.get("weight_decay") for group in groups][-1] == 0.0


def test_without_factors_there_is_one_group_in_the_given_order():
    named = [(name, nn.Parameter(torch.zeros(1))) for name in "abc"]
    [group], rates = parameter_groups(named, [], {}, {})
    assert [id(p) for p in group["params"]] == [id(p) for _, p in named]
    assert rates == [1.0]
