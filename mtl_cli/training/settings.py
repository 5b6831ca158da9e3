"""What a user sets of the training loop."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from mtl_cli.basis.duration import seconds_of
from mtl_cli.basis.errors import check_boolean, check_choice, check_integer, check_number, problem
from mtl_cli.training.batch_norm import CHOICES
from mtl_cli.training.rates import Factors, check_factor
from mtl_cli.training.wish import Wish, as_word

PRECISIONS = ("64", "32", "bf16", "16")
COUNTS = ("max_epochs", "max_steps", "max_examples", "patience", "log_every", "max_batches")
STOPS = {"select": "select", "first": "first", "any": "first", "all": "all"}  # as it is said


@dataclass(frozen=True)
class Settings:
    """How long to train, what to keep, what to write.

    Args:
        max_epochs: epochs to train; None: as many as ``max_steps`` takes.
        max_steps: optimizer steps, where that is less.
        max_examples: examples that steps were made of, where that is less; the step that has the
            last of them is whole.
        time_limit: of training with its evaluations, over all its sessions: seconds, or ``1h30m``.
        select: what picks the best weights on val: ``loss``, the sum of the tasks' unweighted
            losses, ``task/metric``, or ``{task/metric: weight}``, their weighted sum.
        patience: epochs without a better val figure before training stops; None: never.
        stop: whose figure that is: ``select``, the one that picks the best weights; ``first`` (or
            ``any``), until the first task does not improve; ``all``, until the last one does not.
        grad_clip: the largest norm of the gradient; None: no clipping.
        checkpoint_every: epochs between checkpoints.
        log_every: steps between step rows in ``metrics.csv``; None: no such rows.
        watch_test: evaluates test every epoch too, never for selection.
        max_batches: batches of each split an epoch, to try things out; None: all.
        accumulate: batches whose gradients make one step.
        precision: of the forward pass: ``32``, ``bf16`` or ``16`` (with scaled gradients);
            ``64``: of everything, to tell what is rounding from what is not.
        ema_decay: of the moving average of the weights, which is evaluated and kept as the best
            weights; None: no average.
        lr_factors: ``{part: factor on the learning rate}``; a part is the beginning of a
            parameter's name (``heads``, ``arch.experts``), ``weighting``, its learned weights, or
            ``encoder``, the layers of an encoder that has some: a factor, or ``decay 0.9``, by
            which layer l of L has 0.9^(L - l); layer 0 is the embeddings. None: the same rate for
            all.
        batch_norm: whose statistics it takes where several processes train: ``local``, ``sync``;
            None: a model that has it is refused there.
    """

    max_epochs: int | None
    max_steps: int | None
    max_examples: int | None
    time_limit: Any
    select: Wish
    patience: int | None
    stop: str
    grad_clip: float | None
    checkpoint_every: int
    log_every: int | None
    watch_test: bool
    max_batches: int | None
    accumulate: int
    precision: str
    ema_decay: float | None
    lr_factors: Factors | None
    batch_norm: str | None

    def __post_init__(self) -> None:
        check_integer(
            "trainer.checkpoint_every", self.checkpoint_every, 1, "trainer.checkpoint_every=1"
        )
        check_boolean("trainer.watch_test", self.watch_test)
        for name in COUNTS:
            if getattr(self, name) is not None:
                check_integer(f"trainer.{name}", getattr(self, name), 1, f"trainer.{name}=10")
        check_integer("trainer.accumulate", self.accumulate, 1, "trainer.accumulate=1")
        object.__setattr__(self, "precision", str(self.precision))  # numbers arrive, too
        check_choice("trainer.precision", self.precision, list(PRECISIONS), "trainer.precision=32")
        if self.ema_decay is not None:
            check_number("trainer.ema_decay", self.ema_decay, "trainer.ema_decay=0.999", 0, 1)
        if self.batch_norm is not None:
            check_choice("trainer.batch_norm", self.batch_norm, list(CHOICES), "null")
        for part, factor in (self.lr_factors or {}).items():
            check_factor(part, factor)
        if self.grad_clip is not None:
            check_number("trainer.grad_clip", self.grad_clip, "trainer.grad_clip=1.0", 0)
        if self.time_limit is not None:
            seconds = seconds_of("trainer.time_limit", self.time_limit)
            object.__setattr__(self, "time_limit", seconds)
        check_choice("trainer.stop", self.stop, list(STOPS), "trainer.stop=all")
        object.__setattr__(self, "stop", STOPS[self.stop])
        if self.stop != "select" and self.patience is None:
            fix = f"trainer.patience=5 trainer.stop={self.stop}"
            raise problem(f"trainer.stop={self.stop}", "needs trainer.patience", None, fix)
        if self.max_epochs is None and self.max_steps is None and self.max_examples is None:
            rule = "needs max_epochs, max_steps or max_examples: schedules reckon with a length"
            found = "all are null" if self.time_limit is None else "time_limit alone"
            raise problem("trainer", rule, found, "trainer.max_epochs=10")

    def steps(self, batches: int) -> int:
        """How many steps an epoch has of a train split with so many batches."""
        return math.ceil(min(batches, self.max_batches or batches) / self.accumulate)

    def most_steps(self, steps_per_epoch: int) -> float:
        """The steps of the whole training, by its epochs and steps; infinite by neither."""
        in_epochs = math.inf if self.max_epochs is None else self.max_epochs * steps_per_epoch
        return min(in_epochs, self.max_steps or math.inf)

    def check_resumed(self, epochs: int, steps: int, most_steps: float) -> None:
        """Refuses to end a training before where it is."""
        if steps > most_steps:
            rule = f"must be at least what the run has had: {epochs} epochs, {steps} steps"
            at_steps = self.max_steps is not None and self.max_steps < steps
            fix = f"trainer.max_steps={steps}" if at_steps else f"trainer.max_epochs={epochs + 1}"
            raise problem("the length of a resumed training", rule, f"{most_steps:.0f} steps", fix)

    def wants_val(self) -> str | None:
        """The setting that reads the figures of a val split, if one does."""
        if self.patience is not None:
            return "trainer.patience"
        return as_word("trainer.select", self.select) if self.select != "loss" else None
