"""When a training ends: by its length, by a limit of examples or of time, or by a signal."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

from mtl_cli.basis import ranks
from mtl_cli.dataset.base import Loader
from mtl_cli.training.settings import Settings
from mtl_cli.training.signals import Signals


class Ending:
    """Says whether a training may make another step.

    Its length in steps is known beforehand, and schedules reckon with it: of ``max_examples`` by
    the mean number of examples a step, while the training ends at the step that has them all.
    Time passes differently every time: a training that it ends is not at the end of its schedule.

    Of several processes each tells the others in its next step that its time is over, or that it
    got a signal, so that all end after the same step.

    Args:
        settings: the limits.
        train: the batches of an epoch.

    Attributes:
        steps_per_epoch: the steps of a whole epoch.
        total_steps: that are planned.
        examples: of all steps so far.
        signals: that ask to stop for now.
    """

    def __init__(self, settings: Settings, train: Loader) -> None:
        self.settings = settings
        self.steps_per_epoch = settings.steps(len(train))
        drawn = min(1.0, (settings.max_batches or math.inf) / len(train))  # of what there is
        self.per_step = train.num_examples * drawn / self.steps_per_epoch
        self.most_steps = settings.most_steps(self.steps_per_epoch)
        for_examples = (
            math.ceil((settings.max_examples or math.inf) / self.per_step)
            if settings.max_examples
            else math.inf
        )
        self.total_steps = int(min(self.most_steps, for_examples))
        self.signals = Signals()
        self.examples = 0
        self.before = 0.0  # seconds of training before the clock was started
        self.began: float | None = None
        self.is_late = False  # in any process, as all of them know

    @property
    def spent(self) -> float:
        """Seconds of training: steps, evaluations and checkpoints."""
        return self.before + (0.0 if self.began is None else time.perf_counter() - self.began)

    def count(self, examples: int) -> None:
        """After a step of so many examples."""
        self.examples += examples
        if ranks.size() == 1:
            self.is_late = self.is_over_time()

    def end_epoch(self) -> None:
        """After an epoch, whose evaluation took time too."""
        if self.settings.time_limit is not None:
            self.is_late = ranks.totals([float(self.is_over_time())])[0] > 0

    def is_over_time(self) -> bool:
        """Whether this process has no time left."""
        return self.settings.time_limit is not None and self.spent >= self.settings.time_limit

    def reached(self, step: int) -> str | None:
        """The option by which there is no other step after so many; None: there is."""
        settings = self.settings
        if settings.max_examples is not None and self.examples >= settings.max_examples:
            return "trainer.max_examples"
        if step >= self.most_steps:
            at_steps = settings.max_steps is not None and step >= settings.max_steps
            return "trainer.max_steps" if at_steps else "trainer.max_epochs"
        return "trainer.time_limit" if self.is_late else None

    def said(self) -> list[float]:
        """What this process tells the others, as numbers for a sum."""
        return [*self.signals.said(), float(self.is_over_time())]

    def hear(self, sums: Sequence[float]) -> None:
        """Takes note of what all processes `said`."""
        self.signals.hear(sums[:-1])
        self.is_late = sums[-1] > 0

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint has to keep."""
        return {"examples": self.examples, "spent": self.spent}

    def load_state_dict(self, state: dict[str, Any] | None, step: int, seconds: float) -> None:
        """Takes back what `state_dict` gave; None: a version that counted neither, of which the
        steps and their seconds are known."""
        state = state or {"examples": round(step * self.per_step), "spent": seconds}
        self.examples, self.before = state["examples"], state["spent"]
        self.is_late = self.is_over_time()

    def __enter__(self) -> Ending:
        self.began = time.perf_counter()
        self.signals.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self.before, self.began = self.spent, None
        self.signals.__exit__(*exc)
