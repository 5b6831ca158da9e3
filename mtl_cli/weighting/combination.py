"""A loss weighting before a gradient aggregation: what it makes of the losses, and hands on."""

from collections.abc import Callable, Sequence

import torch

from mtl_cli.basis.errors import problem
from mtl_cli.weighting.base import Losses, LossWeighting, Weighting, Weights


def make_loss_weighting(make: Callable[..., Weighting], tasks: Sequence[str]) -> LossWeighting:
    """The weighting that goes before.

    Raises:
        ValueError: where it makes no scalar of the losses, or needs their gradients to do so.
    """
    weighting = make(tasks=tasks)
    if not isinstance(weighting, LossWeighting):
        rule = "must be a loss weighting, which makes one scalar of the losses"
        found = type(weighting).__name__
        raise problem("weighting.losses", rule, found, "weighting.losses=uw")
    if weighting.reads_gradients:
        rule = "must be a loss weighting that reads the losses alone"
        found = f"{type(weighting).__name__}, which reads gradients"
        raise problem("weighting.losses", rule, found, "weighting.losses=uw")
    return weighting


def derivatives(weighting: LossWeighting, losses: Losses) -> Weights:
    """``dS/dL_k`` of the scalar S that it minimises; its own parameters get their gradients."""
    values = {task: loss.detach().requires_grad_() for task, loss in losses.items()}
    weighting.combine(values).backward()
    return {
        task: torch.zeros_like(value) if value.grad is None else value.grad
        for task, value in values.items()
    }
