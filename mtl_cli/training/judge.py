"""Judges: what says of a training that is one of several that it is not worth its time."""

from __future__ import annotations

from typing import Protocol

from mtl_cli.training.evaluation import Figures


class Judge(Protocol):
    """Sees what each epoch reaches on val.

    Attributes:
        ended_by: the option by which the training is given up here; None: it goes on.
    """

    ended_by: str | None

    def see(self, epoch: int, figures: Figures) -> None:
        """Called after every epoch with its figures on val, of the tasks that are still trained."""
