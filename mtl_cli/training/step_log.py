"""The losses of an epoch's steps, kept on the device until somebody wants to see numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mtl_cli.basis.device import waits
from mtl_cli.basis.errors import problem
from mtl_cli.basis.sums import Scalar, as_numbers, joint_mean


class StepLog:
    """Collects figures of each task, without a device synchronisation in `add`."""

    def __init__(self) -> None:
        # (step, scalars, what each is the mean over)
        self.pending: list[tuple[int, dict[str, Scalar], dict[str, Scalar]]] = []
        self.values: dict[str, list[float]] = {}  # by task, one a part in which it was present
        self.denominators: dict[str, list[float]] = {}  # of these values
        self.reported: dict[str, int] = {}  # by task, how many of its values a row has covered

    def add(
        self, step: int, figures: Mapping[str, Tensor], over: Mapping[str, Scalar] | None = None
    ) -> None:
        """Notes the figures of a part of a step (counted from 1).

        Args:
            step: which.
            figures: means.
            over: their denominators; None: all count the same.
        """
        if figures:
            values = {task: scalar(value) for task, value in figures.items()}
            weights = {task: 1.0 if over is None else scalar(over[task]) for task in figures}
            self.pending.append((step, values, weights))

    def collect(self) -> None:
        """Turns what is on the device into numbers.

        Raises:
            ValueError: at the first one that is not finite.
        """
        pending, self.pending = self.pending, []
        if not pending:
            return
        numbers = iter(as_numbers([x for _, figures, _ in pending for x in figures.values()]))
        weights = iter(as_numbers([x for _, _, over in pending for x in over.values()]))
        for step, figures, _ in pending:
            for task, value, weight in zip(figures, numbers, weights, strict=False):
                if not math.isfinite(value):
                    rule = "must stay finite"
                    fix = "a smaller optimizer.lr, or trainer.grad_clip=1.0"
                    raise problem(f"the loss of task {task!r} at step {step}", rule, value, fix)
                self.values.setdefault(task, []).append(value)
                self.denominators.setdefault(task, []).append(weight)

    def means(self) -> dict[str, float]:
        """The mean of each task over all that counted in the epoch so far."""
        return self.means_from({})

    def means_since_last(self) -> dict[str, float]:
        """The mean of each task over what counted since this was last asked."""
        means = self.means_from(self.reported)
        self.reported = {task: len(values) for task, values in self.values.items()}
        return means

    def means_from(self, first: Mapping[str, int]) -> dict[str, float]:
        """The means of each task's values from a position on, where there are any."""
        means = {}
        for task, values in self.values.items():
            start = first.get(task, 0)
            mean = joint_mean(values[start:], self.denominators[task][start:])
            if mean is not None:
                means[task] = mean
        return means

    def clear(self) -> None:
        """Begins a new epoch."""
        self.pending, self.values, self.denominators, self.reported = [], {}, {}, {}

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint has to keep; everything is collected."""
        values, denominators = (
            {task: torch.tensor(own, dtype=torch.float64) for task, own in lists.items()}
            for lists in (self.values, self.denominators)
        )
        return {"values": values, "denominators": denominators, "reported": dict(self.reported)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes back what `state_dict` gave."""
        self.values = {task: values.tolist() for task, values in state["values"].items()}
        # A checkpoint from before there were any: all counted the same.
        even = {task: torch.ones(len(values)) for task, values in self.values.items()}
        weights = state.get("denominators", even)
        self.denominators = {task: own.tolist() for task, own in weights.items()}
        self.reported = dict(state["reported"])


def scalar(value: Scalar) -> Scalar:
    """A number where that is free: small tensors kept over an epoch would pin the heap around
    them, in pieces between the large ones that a step frees."""
    if not isinstance(value, Tensor):
        return float(value)
    return value.detach() if waits(value) else value.item()
