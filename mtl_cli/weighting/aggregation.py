"""Gradient aggregation: one step out of the Jacobian of the losses, by any method of TorchJD.

Quinton & Rey, "Jacobian Descent For Multi-Objective Optimization", 2024,
https://arxiv.org/abs/2406.16232; the methods are those of ``torchjd.aggregation``.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchjd.aggregation import Aggregator, GramianWeightedAggregator, WeightedAggregator

from mtl_cli.errors import check_number, problem
from mtl_cli.weighting.base import Losses, Weighting, Weights


class Aggregation(Weighting):
    """The shared parameters step along ``method(J)``, where row k of J [K, D] is task k's gradient.

    Specific parameters get the gradient of the sum of the losses.

    Args:
        tasks: the names of the tasks.
        method: an aggregator of TorchJD.
        preference: how much each task counts, [K], for the methods that take a preference vector;
            None: all the same.

    Raises:
        ValueError: where the preference is no positive number a task, or the method takes none.
    """

    def __init__(
        self, tasks: Sequence[str], method: Aggregator, preference: Sequence[float] | None
    ) -> None:
        super().__init__(tasks)
        self.method = method
        if preference is not None:
            option, fix = "weighting.preference", f"'weighting.preference={[1.0] * len(tasks)}'"
            if not isinstance(preference, list | tuple) or len(preference) != len(tasks):
                rule = f"must have a number for each task: {', '.join(tasks)}"
                raise problem(option, rule, preference, fix)
            for number in preference:
                check_number(f"each number of {option}", number, fix, 0)
            if not hasattr(method, "pref_vector"):
                found = f"{type(method).__name__}, which takes none"
                raise problem(option, "needs a method with a preference vector", found, "null")
            self.register_buffer("preference", torch.tensor(preference, dtype=torch.float32))
        self.has_preference = preference is not None

    def backward(
        self,
        losses: Losses,
        shared: Sequence[nn.Parameter],
        specific: Sequence[nn.Parameter],
        extra: Tensor | None = None,
        features: Sequence[Tensor] = (),
    ) -> Weights | None:
        if extra is not None:
            extra.backward(retain_graph=True)
        if self.has_preference:
            present = [self.tasks.index(task) for task in losses]
            self.method.pref_vector = self.preference[present]  # type: ignore[index]
        jacobian = jacobian_rows(list(losses.values()), shared, specific)
        if not shared:
            return None
        step, weights = self.aggregate(jacobian)
        for parameter, grad in zip(shared, step.split([p.numel() for p in shared]), strict=True):
            accumulate(parameter, grad.view_as(parameter))
        return None if weights is None else dict(zip(losses, weights, strict=True))

    @torch.no_grad()
    def aggregate(self, jacobian: Tensor) -> tuple[Tensor, Tensor | None]:
        """The step [D] for a Jacobian [K, D], and the rows' weights [K] where it is their sum."""
        if isinstance(self.method, GramianWeightedAggregator):
            weights = self.method.gramian_weighting(jacobian @ jacobian.T)
        elif isinstance(self.method, WeightedAggregator):
            weights = self.method.weighting(jacobian)
        else:
            return self.method(jacobian), None
        return weights @ jacobian, weights


def jacobian_rows(
    losses: Sequence[Tensor], shared: Sequence[nn.Parameter], specific: Sequence[nn.Parameter]
) -> Tensor:
    """The gradient of each loss on the shared parameters, [K, D], in K backward passes.

    The same passes add the gradient of the losses' sum to ``.grad`` of the specific parameters.
    """
    sizes = [p.numel() for p in shared]
    jacobian = losses[0].new_zeros(len(losses), sum(sizes))
    for k, loss in enumerate(losses):
        retain = k < len(losses) - 1
        grads = torch.autograd.grad(
            loss, [*shared, *specific], retain_graph=retain, allow_unused=True
        )
        for part, grad in zip(jacobian[k].split(sizes), grads, strict=False):
            if grad is not None:
                part.copy_(grad.flatten())
        for parameter, grad in zip(specific, grads[len(shared) :], strict=True):
            if grad is not None:
                accumulate(parameter, grad.clone())  # it may be a view of another one, or expanded
    return jacobian


def accumulate(parameter: nn.Parameter, grad: Tensor) -> None:
    """Adds to ``.grad``, as a backward pass does."""
    parameter.grad = grad if parameter.grad is None else parameter.grad + grad
