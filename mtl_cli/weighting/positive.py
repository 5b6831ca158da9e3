"""The check of methods that need losses above zero: they take logarithms, or quotients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from mtl_cli.basis.errors import problem


class Positive(NamedTuple):
    """What has to be above zero. A loss that is NaN passes: the trainer names it.

    Args:
        method: the choice of ``weighting=``.
        losses: ``{task: scalar}``.
        values: what must be above zero of each loss, [K].
        rule: where the losses have to be for that.
    """

    method: str
    losses: Mapping[str, Tensor]
    values: Tensor
    rule: str = "above 0"


def read(checks: Sequence[Positive]) -> None:
    """Refuses the first that is not above zero; waits for the device once."""
    numbers = iter(
        torch.cat([check.values.double() for check in checks]).tolist() if checks else []
    )
    for method, losses, _, rule in checks:
        for (task, loss), number in zip(losses.items(), numbers, strict=False):
            if number <= 0:
                thing, rule = f"the loss of task {task!r}", f"must be {rule} for {method}"
                fix = "weighting=fixed, or weighting=uw; or another loss of that task"
                raise problem(thing, rule, loss.item(), fix)
