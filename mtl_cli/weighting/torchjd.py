"""Gradient aggregation by any method of TorchJD.

Quinton & Rey, "Jacobian Descent For Multi-Objective Optimization", 2024,
https://arxiv.org/abs/2406.16232; the methods are those of ``torchjd.aggregation``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor
from torchjd.aggregation import Aggregator, GramianWeightedAggregator, WeightedAggregator

from mtl_cli.basis import ranks
from mtl_cli.basis.device import send
from mtl_cli.basis.errors import problem
from mtl_cli.weighting.aggregation import Aggregation
from mtl_cli.weighting.base import Weighting
from mtl_cli.weighting.gramian import gramian_of
from mtl_cli.weighting.preference import check_preference

# What an attribute of a method may be to be part of its state.
PLAIN = (Tensor, bool, int, float, str, tuple, type(None), torch.dtype, torch.device)


class TorchJD(Aggregation):
    """``d = method(J)``, row k of J [K, D] being task k's gradient.

    The factor for a task alone, or for equal gradients, is the method's. Its state, in whatever
    attributes it keeps it, is saved; it is the method that decides what of it is forgotten when
    the number of tasks changes from one step to the next.

    Args:
        tasks: the names of the tasks.
        on, chunk_size, losses: see `Aggregation`.
        preference: how much each task counts, a number of at least 0 each, for the methods that
            take a preference vector; None: all the same.
        method: an aggregator of TorchJD.

    Raises:
        ValueError: where the method takes no preference, or refuses a Jacobian of this many rows.
    """

    draws = True  # or may

    def __init__(
        self,
        tasks: Sequence[str],
        on: str,
        chunk_size: int | None,
        losses: Callable[..., Weighting] | None,
        preference: Sequence[float] | None,
        method: Aggregator,
    ) -> None:
        super().__init__(tasks, on, chunk_size, losses)
        check_preference(preference, tasks)
        if preference is not None and not hasattr(method, "pref_vector"):
            found = f"{type(method).__name__}, which takes none"
            rule = "needs a method with a preference vector"
            raise problem("weighting.preference", rule, found, "weighting.preference=null")
        self.preference = preference
        self.method = method
        with torch.random.fork_rng(devices=[]):
            deepcopy(method)(torch.eye(len(tasks)))  # it checks some of its options only now

    def step(self, jacobian: Tensor, tasks: Sequence[str]) -> tuple[Tensor, Tensor | None]:
        if not isinstance(self.method, GramianWeightedAggregator):
            return super().step(jacobian, tasks)
        gramian = gramian_of(jacobian)  # one copy to the CPU for all
        if self.on == "features":  # of each process its own examples'
            ranks.add_up([gramian])
        if self.overflows(gramian.diagonal(), tasks):
            return jacobian.sum(0), None
        return self.apply_method(jacobian, gramian / self.part.scale**2, tasks)

    def feature_step(self, jacobian: Tensor, tasks: Sequence[str]) -> tuple[Tensor, Tensor | None]:
        if isinstance(self.method, GramianWeightedAggregator):
            return self.step(jacobian, tasks)
        return super().feature_step(jacobian, tasks)

    def aggregate(self, jacobian: Tensor, tasks: Sequence[str]) -> tuple[Tensor, Tensor | None]:
        of_gramian = isinstance(self.method, GramianWeightedAggregator)
        return self.apply_method(jacobian, gramian_of(jacobian) if of_gramian else jacobian, tasks)

    def apply_method(
        self, jacobian: Tensor, given: Tensor, tasks: Sequence[str]
    ) -> tuple[Tensor, Tensor | None]:
        """The step, and the weights; ``given`` is what the method reads."""
        method = self.method
        if self.preference is not None:
            own = [self.preference[k] for k in self.positions(tasks)]
            method.pref_vector = send(torch.tensor(own).to(given.dtype), given.device)
        try:
            if isinstance(method, GramianWeightedAggregator):
                weights = method.gramian_weighting(given).to(jacobian.dtype)
                weights = send(weights, jacobian.device)
            elif isinstance(method, WeightedAggregator):
                weights = method.weighting(jacobian)
            else:
                return method(jacobian), None
        except (ArithmeticError, RuntimeError, ValueError) as error:
            name = type(method).__name__
            self.note_failure(f"{name} found no weights ({error}); equal ones served")
            weights = jacobian.new_full((len(tasks),), 1 / len(tasks))
        ranks.take_from_first([weights])  # other machines round otherwise
        return weights @ jacobian, weights

    def get_extra_state(self) -> dict[str, dict[str, Any]]:
        """What the method's parts keep, by their names."""
        return {
            name: {k: v for k, v in attributes(part).items() if isinstance(v, PLAIN)}
            for name, part in self.method.named_modules()
        }

    def set_extra_state(self, state: dict[str, dict[str, Any]]) -> None:
        for name, part in self.method.named_modules():
            for key, value in state[name].items():
                (part._buffers if key in part._buffers else vars(part))[key] = value


def attributes(part: torch.nn.Module) -> dict[str, Any]:
    """All that a module holds, under whatever name, but for parts of its own."""
    return {**vars(part), **part._buffers}
