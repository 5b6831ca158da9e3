"""Half precision: gradients many times too large, against underflow, until the optimizer's step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer


class Scaling:
    """Says by how much to scale the gradients of a step, and makes the step of their true size.

    Args:
        optimizer: makes the steps.
        parameters: that it trains.
        device: their kind of device.
        enabled: whether anything is scaled.

    Attributes:
        factor: of the gradients of the step in progress; 1 where nothing is scaled.
    """

    def __init__(
        self, optimizer: Optimizer, parameters: Sequence[nn.Parameter], device: str, enabled: bool
    ) -> None:
        self.optimizer = optimizer
        self.parameters = parameters
        # The fused update of a first step that overflowed leaves a momentum that was never set; a
        # step that the scaler skips in Python does not.
        vars(optimizer)["_step_supports_amp_scaling"] = False
        self.scaler = torch.amp.GradScaler(device, enabled=enabled)
        self.one = torch.ones((), device=device)
        self.factor = 1.0

    def begin(self) -> None:
        """Before a step."""
        # Read where it scales alone: a number from the device makes the host wait for it.
        self.factor = float(self.scaler.scale(self.one)) if self.scaler.is_enabled() else 1.0

    def unscale(self, others: Iterable[nn.Parameter]) -> None:
        """The gradients as the optimizer is to see them; those of ``others`` were never scaled."""
        if self.factor == 1:
            return
        for parameter in others:
            if parameter.grad is not None:
                parameter.grad *= self.factor
        if self.scaler.is_enabled() and self.has_gradients():
            self.scaler.unscale_(self.optimizer)

    def step(self) -> None:
        """The optimizer's step; none where a gradient overflowed."""
        if not self.scaler.is_enabled():
            self.optimizer.step()
        elif self.has_gradients():
            self.scaler.step(self.optimizer)
            self.scaler.update()

    def has_gradients(self) -> bool:
        return any(parameter.grad is not None for parameter in self.parameters)

    def state_dict(self) -> dict[str, Any]:
        return self.scaler.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.scaler.load_state_dict(state)
