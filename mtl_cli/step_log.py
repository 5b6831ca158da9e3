"""The losses of an epoch's steps, kept on the device until somebody wants to see numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from mtl_cli.errors import problem


class StepLog:
    """Collects figures of each task, without a device synchronisation in `add`."""

    def __init__(self) -> None:
        self.pending: list[tuple[int, dict[str, float | Tensor]]] = []  # (step, scalars)
        self.values: dict[str, list[float]] = {}  # by task, one a step in which it was present
        self.reported: dict[str, int] = {}  # by task, how many of its values a row has covered

    def add(self, step: int, figures: dict[str, Tensor]) -> None:
        """Notes the figures of a step (counted from 1)."""
        if figures:
            self.pending.append((step, {task: scalar(value) for task, value in figures.items()}))

    def collect(self) -> None:
        """Turns what is on the device into numbers.

        Raises:
            ValueError: at the first one that is not finite.
        """
        pending, self.pending = self.pending, []
        if not pending:
            return
        scalars = [value for _, figures in pending for value in figures.values()]
        numbers = iter(as_numbers(scalars))
        for step, figures in pending:
            for task, value in zip(figures, numbers, strict=False):
                if not math.isfinite(value):
                    rule = "must stay finite"
                    fix = "a smaller optimizer.lr, or trainer.grad_clip=1.0"
                    raise problem(f"the loss of task {task!r} at step {step}", rule, value, fix)
                self.values.setdefault(task, []).append(value)

    def means(self) -> dict[str, float]:
        """The mean of each task over the epoch so far."""
        return {task: mean(values) for task, values in self.values.items()}

    def means_since_last(self) -> dict[str, float]:
        """The mean of each task over the steps since this was last asked."""
        new = {task: values[self.reported.get(task, 0) :] for task, values in self.values.items()}
        self.reported = {task: len(values) for task, values in self.values.items()}
        return {task: mean(values) for task, values in new.items() if values}

    def clear(self) -> None:
        """Begins a new epoch."""
        self.pending, self.values, self.reported = [], {}, {}

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint has to keep; everything is collected."""
        tensors = {t: torch.tensor(v, dtype=torch.float64) for t, v in self.values.items()}
        return {"values": tensors, "reported": dict(self.reported)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes back what `state_dict` gave."""
        self.values = {task: values.tolist() for task, values in state["values"].items()}
        self.reported = dict(state["reported"])


def scalar(value: Tensor) -> float | Tensor:
    """A number where that is free: small tensors kept over an epoch would pin the heap around
    them, in pieces between the large ones that a step frees."""
    return value.item() if value.device.type == "cpu" else value.detach()


def as_numbers(scalars: Sequence[float | Tensor]) -> list[float]:
    """The scalars of one device as numbers, in one synchronisation."""
    tensors = [value for value in scalars if isinstance(value, Tensor)]
    if not tensors:
        return [float(value) for value in scalars]
    numbers: list[float] = torch.stack(tensors).cpu().tolist()
    return numbers


def mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)
