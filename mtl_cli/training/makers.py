"""What makes the parts of a learner, and its optimizer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from torch import nn
from torch.optim import Optimizer

from mtl_cli.scheduler.base import Scheduler
from mtl_cli.training.rates import parameter_groups
from mtl_cli.training.tables import OptimizerWithTables
from mtl_cli.weighting.base import Weighting


class Makers(NamedTuple):
    """What makes the parts of a learner."""

    weighting: Callable[..., Weighting]  # (tasks=names)
    optimizer: Callable[..., Optimizer]  # (parameter groups)
    scheduler: Callable[..., Scheduler]  # (optimizer=, total_steps=, steps_per_epoch=)
    tables: Callable[..., Optimizer] | None = None  # (tables), of an embedding's; None: optimizer


def make_optimizer(
    makers: Makers,
    named: Iterable[tuple[str, nn.Parameter]],
    embeddings: Iterable[nn.Module],
    learned: Sequence[nn.Parameter],
    factors: Mapping[str, float],
) -> Optimizer:
    """The optimizer of some parameters; tables of embeddings may have one of their own in it.

    Args:
        makers: make both.
        named: the parameters by name.
        embeddings: that hold some of them.
        learned: the weighting's.
        factors: ``{part: factor}`` on the learning rate of all but tables with their own optimizer.
    """
    tables = [p for module in embeddings for p in module.parameters()] if makers.tables else []
    apart = {id(p) for p in tables}
    others = [(name, p) for name, p in named if id(p) not in apart]
    groups, rates = parameter_groups(others, learned, factors)
    optimizer = makers.optimizer(groups)
    for options, rate in zip(optimizer.param_groups, rates, strict=True):
        options["lr"] *= rate
    if makers.tables is None or not tables:
        return optimizer
    return OptimizerWithTables(optimizer, makers.tables(tables))
