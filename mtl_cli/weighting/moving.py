"""A moving average of each task's gradient, for methods that take the noise out of them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class MovingAverage(nn.Module):
    """``y_k <- keep y_k + (1 - keep) g_k``, from ``y_k = 0``: as large as the Jacobian, [K, D].

    Args:
        num_tasks: K.

    Attributes:
        rows: y; without columns until the first step.
        steps: how often each task was there, [K].
    """

    rows: Tensor
    steps: Tensor

    def __init__(self, num_tasks: int) -> None:
        super().__init__()
        self.register_buffer("rows", torch.zeros(num_tasks, 0))
        self.register_buffer("steps", torch.zeros(num_tasks))

    def count(self, present: slice | Tensor) -> Tensor:
        """The steps of the present tasks, this one with them."""
        self.steps[present] += 1
        return self.steps[present]

    def update(self, jacobian: Tensor, present: slice | Tensor, keep: Tensor) -> Tensor:
        """The averages with one more row for each present task; not to be written to.

        Args:
            jacobian: the new rows.
            present: the places of their tasks.
            keep: for each of them, how much of the old average is left.
        """
        if not self.rows.numel():
            self.rows = jacobian.new_zeros(len(self.rows), jacobian.shape[1])
        rate = (1 - keep.to(jacobian))[:, None]
        if isinstance(present, slice):
            return self.rows.lerp_(jacobian, rate)
        rows = torch.lerp(self.rows[present], jacobian, rate)
        self.rows[present] = rows
        return rows

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *args: Any) -> None:
        rows = state.get(f"{prefix}rows", self.rows)
        self.rows = torch.empty_like(rows, device=self.rows.device)
        super()._load_from_state_dict(state, prefix, *args)
