"""What the page on weightings in one's own loop says is true: its code runs, and by the formula."""

import re
from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf
from torch import nn

from mtl_cli.weighting.base import Weighting
from mtl_cli.weighting.part import Part

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "weightings_in_your_loop.md").read_text(encoding="utf-8")
SETUP, LOSS, GRADIENT = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def ran(*codes: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    for code in codes:
        exec(compile(code, "weightings_in_your_loop.md", "exec"), names)
    return names


def test_a_loss_weighting_trains_the_model_and_its_own_weights() -> None:
    before = {task: loss.item() for task, loss in ran(SETUP)["losses_of"](ran(SETUP)["x"]).items()}
    names = ran(SETUP, LOSS)
    after = names["losses_of"](names["x"])
    assert all(after[task] < before[task] / 3 for task in before)
    assert names["used"].keys() == {"price", "age"}
    assert all(p.detach().abs().item() > 0 for p in names["weighting"].parameters())


def test_its_gradients_are_those_of_the_formula() -> None:
    """``sum_k exp(-s_k) L_k + s_k / 2`` up to a factor: at s = 0, of the sum of the losses."""
    names = ran(SETUP, LOSS.partition("for step")[0])
    shared, specific = list(names["trunk"].parameters()), list(names["heads"].parameters())
    used = names["weighting"].backward(names["losses_of"](names["x"]), shared, specific)
    got = [p.grad.clone() for p in (*shared, *specific)]
    total = sum(used[task] * loss for task, loss in names["losses_of"](names["x"]).items())
    for mine, theirs in zip(got, torch.autograd.grad(total, [*shared, *specific]), strict=True):
        torch.testing.assert_close(mine, theirs)


def test_an_aggregation_trains_the_model_and_agrees_with_torchjd() -> None:
    from torchjd.aggregation import PCGrad

    names = ran(SETUP, LOSS.partition("for step")[0], GRADIENT.partition("for step")[0])
    shared, specific = list(names["trunk"].parameters()), list(names["heads"].parameters())
    rows = [
        torch.cat([g.flatten() for g in torch.autograd.grad(loss, shared, retain_graph=True)])
        for loss in names["losses_of"](names["x"]).values()
    ]
    names["aggregation"].backward(names["losses_of"](names["x"]), shared, specific)
    got = torch.cat([p.grad.flatten() for p in shared])
    expected = PCGrad()(torch.stack(rows))
    torch.testing.assert_close(got / got.norm(), expected / expected.norm(), rtol=1e-3, atol=1e-4)
    names = ran(SETUP, LOSS.partition("for step")[0], GRADIENT)
    assert all(loss < 0.5 for loss in names["losses_of"](names["x"]).values())


def test_all_that_it_names_is_there() -> None:
    hooks = re.findall(r"`weighting\.(\w+)\(", PAGE)
    assert {"begin", "end_epoch", "progress", "after_step", "watch", "state_dict"} <= {*hooks}
    assert all(callable(getattr(Weighting, hook)) for hook in hooks)
    assert Part(shares={"price": 0.5}, is_last=False).scale == 1.0
    for name in ("uw", "pcgrad"):
        own = {k for k in OmegaConf.load(ROOT / f"conf/weighting/{name}.yaml") if k[0] != "_"}
        assert own - {"defaults"} <= set(re.findall(r"(\w+)=", PAGE))
    assert issubclass(Weighting, nn.Module)
