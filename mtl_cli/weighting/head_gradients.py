"""The gradients of parameters that one task reaches, kept until that task has a weight."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from mtl_cli.weighting.base import Losses, Weights
from mtl_cli.weighting.jacobian import gradients


class HeadGradients:
    """Sums over the parts of a step, by task and parameter; what a task does not reach has none."""

    def __init__(self) -> None:
        self.sums: dict[tuple[str, nn.Parameter], Tensor] = {}

    def add(self, losses: Losses, specific: Sequence[nn.Parameter]) -> None:
        """Adds the gradients of one part; its graph is kept."""
        rows = gradients(list(losses.values()), specific, retain_graph=True)
        for task, grads in zip(losses, rows, strict=True):
            for parameter, grad in zip(specific, grads, strict=True):
                if grad is not None:
                    before = self.sums.get((task, parameter))
                    self.sums[task, parameter] = grad if before is None else before + grad

    def fill(self, weights: Weights) -> None:
        """Adds them to ``.grad``, each times its task's weight, 1 where it has none."""
        for (task, parameter), grad in self.sums.items():
            weighted = weights[task].to(grad) * grad if task in weights else grad
            before = parameter.grad
            parameter.grad = weighted if before is None else before + weighted
        self.sums = {}
