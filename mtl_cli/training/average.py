"""The exponential moving average of the weights, which is evaluated in place of them.

Polyak & Juditsky, "Acceleration of Stochastic Approximation by Averaging", SIAM Journal on Control
and Optimization 1992; with the warm-up of TensorFlow's ``ExponentialMovingAverage``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from mtl_cli.basis.errors import problem
from mtl_cli.disk.kinds import unlike


class WeightAverage:
    """``average <- d average + (1 - d) weights`` after step t, d = min(decay, (1 + t) / (10 + t)).

    Buffers (batch norm's statistics, say) are not averaged, nor what is never trained.

    Args:
        model: whose weights.
        decay: of the average, from 0 to 1.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        named = dict(model.named_parameters())
        self.weights = {name: p for name, p in named.items() if p.requires_grad}
        self.frozen = named.keys() - self.weights.keys()
        self.decay = decay
        self.values = {name: p.detach().clone() for name, p in self.weights.items()}

    @torch.no_grad()
    def update(self, step: int, parameters: Iterable[nn.Parameter]) -> None:
        """Takes in ``parameters`` after a step, counted from 1."""
        wanted = {id(p) for p in parameters}
        names = [name for name, p in self.weights.items() if id(p) in wanted]
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(
            [self.values[name] for name in names],
            [self.weights[name].detach() for name in names],
            1 - decay,
        )

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The averages stand where the weights are, while the block lasts."""
        self.swap()
        try:
            yield
        finally:
            self.swap()

    @torch.no_grad()
    def swap(self) -> None:
        for name, parameter in self.weights.items():
            kept = parameter.detach().clone()
            parameter.copy_(self.values[name])
            self.values[name] = kept

    def state_dict(self) -> dict[str, Tensor]:
        """What a checkpoint has to keep."""
        return dict(self.values)

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Takes back what `state_dict` gave; of an older version, all weights.

        Raises:
            ValueError: where it is not of these weights.
        """
        state = {name: value for name, value in state.items() if name not in self.frozen}
        if unlike(state, self.values):
            fix = "another run, or train anew"
            raise problem("the average of the weights", "must fit the weights", "another's", fix)
        for name, value in state.items():
            self.values[name].copy_(value)
