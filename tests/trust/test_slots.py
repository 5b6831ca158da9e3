"""How many parts a model is made of is bounded before one of them is made."""

import pytest
from omegaconf import OmegaConf
from torch import nn

from mtl_cli.basis.errors import Problem
from mtl_cli.trust.slots import MOST_PARTS, make


@pytest.mark.parametrize("option", ["num_experts", "num_task_experts", "num_layers", "num_heads"])
@pytest.mark.parametrize("value", [MOST_PARTS + 1, 10**12, 1e12, float("inf")])
def test_more_parts_than_any_model_has_are_refused(option: str, value: float) -> None:
    part = {"_target_": "torch.nn.Identity", option: value}
    with pytest.raises(Problem, match=rf"arch\.{option} must be at most 10,000"):
        make(OmegaConf.create({"choices": {}, "arch": part}), "arch", nn.Module)


@pytest.mark.parametrize("value", [[1, 10**12], {"x": 10**12}])
def test_one_number_of_many_counts_too(value: object) -> None:
    part = {"_target_": "torch.nn.Identity", "num_task_experts": value}
    with pytest.raises(Problem, match=r"arch\.num_task_experts\.[1x] must be at most"):
        make(OmegaConf.create({"choices": {}, "arch": part}), "arch", nn.Module)


@pytest.mark.parametrize(("option", "value"), [("num_experts", MOST_PARTS), ("num_samples", 10**9)])
def test_counts_within_the_bound_and_others_pass(option: str, value: int) -> None:
    part = {"_target_": "torch.nn.Identity", option: value}
    made = make(OmegaConf.create({"choices": {}, "arch": part}), "arch", nn.Module)
    assert made.values == {option: value}
