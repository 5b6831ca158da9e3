"""Parts of a config: how many there may be, and what is said of values that a class refuses."""

import pytest
from omegaconf import OmegaConf
from torch import nn
from torchmetrics import Metric

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


GAUC = {"_target_": "mtl_cli.metric.gauc.GAUC"}


@pytest.mark.parametrize(
    ("values", "thing", "fix"),
    [
        (
            {},
            "tasks.x.metrics.g must say by and weighted_by",
            "'tasks.x.metrics.g={_target_: mtl_cli.metric.gauc.GAUC, by: <by>,"
            " weighted_by: <weighted_by>}'",
        ),
        (
            {"by": "user", "weighted_by": "impressions"},
            "tasks.x.metrics.g.weighted_by must be one of rows, groups",
            "tasks.x.metrics.g.weighted_by=rows",
        ),
    ],
)
def test_what_a_class_says_of_its_option_is_placed(values: dict, thing: str, fix: str) -> None:
    """A class does not know where in the config it stands."""
    cfg = OmegaConf.create({"choices": {}, "tasks": {"x": {"metrics": {"g": GAUC | values}}}})
    with pytest.raises(Problem) as error:
        make(cfg, "tasks.x.metrics.g", Metric, group="metrics")()
    assert str(error.value).startswith(thing)
    assert error.value.fix.startswith(fix)


def test_an_option_of_a_loss_is_that_of_its_task() -> None:
    loss = {"_target_": "mtl_cli.loss.escm_ips.ESCMIPS", "propensity": "ctr", "least": 0}
    cfg = OmegaConf.create({"choices": {}, "tasks": {"x": {"loss": loss}}})
    with pytest.raises(Problem) as error:
        make(cfg, "tasks.x.loss", nn.Module, group="loss")()
    assert (error.value.thing, error.value.fix) == ("tasks.x.loss.least", "tasks.x.loss.least=0.01")
