"""What makes the parts of a learner, and its optimizer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import nn
from torch.optim import Optimizer

from mtl_cli.embedding.base import Embedding
from mtl_cli.scheduler.base import Scheduler
from mtl_cli.training.rates import Factors, parameter_groups
from mtl_cli.training.tables import OptimizerWithTables
from mtl_cli.weighting.base import Weighting

Copies = Mapping[nn.Parameter, float]


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
    factors: Factors,
    above: Mapping[nn.Parameter, int],
) -> Optimizer:
    """The optimizer of some parameters; tables of embeddings may have one of their own in it.

    Args:
        makers: make both.
        named: the parameters by name.
        embeddings: that hold some of them.
        learned: the weighting's.
        factors: ``{part: factor}`` on the learning rate of all but tables with their own optimizer.
        above: see `parameter_groups`.
    """
    tables = [p for module in embeddings for p in module.parameters()] if makers.tables else []
    apart = {id(p) for p in tables}
    others = [(name, p) for name, p in named if id(p) not in apart]
    groups, rates = parameter_groups(others, learned, factors, above)
    optimizer = makers.optimizer(groups)
    for options, rate in zip(optimizer.param_groups, rates, strict=True):
        options["lr"] *= rate
    if makers.tables is None or not tables:
        return optimizer
    return OptimizerWithTables(optimizer, makers.tables(tables))


def copies_of_tables(model: nn.Module, make_tables: Callable[..., Optimizer] | None) -> Copies:
    """How many of each table are held while it is trained: itself, and what its own optimizer keeps
    of it after a step, tried on a small one. The gradients of the rows of a step are few.

    Args:
        model: whose embeddings have tables.
        make_tables: makes their optimizer; None: they have none of their own.
    """
    tables = [p for own in model.modules() if isinstance(own, Embedding) for p in own.parameters()]
    if make_tables is None or not tables:
        return {}
    small = nn.Parameter(torch.zeros(64, 64))
    small.grad = torch.ones(64, 64).to_sparse(1)
    optimizer = make_tables([small])
    optimizer.step()
    kept = sum(own.numel() for own in optimizer.state[small].values() if torch.is_tensor(own))
    return dict.fromkeys(tables, 1 + kept / small.numel())
