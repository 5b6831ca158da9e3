"""What the terminal shows while a model trains: a bar over epochs, and one over steps inside it.

Where there is no terminal, one line an epoch.
"""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from tqdm import tqdm

from mtl_cli.training.evaluation import Figures

log = logging.getLogger(__name__)


class Progress:
    """Shows where the training is, from ``begin`` on.

    Args:
        num_epochs: the epochs of the whole training.
    """

    def __init__(self, num_epochs: int) -> None:
        self.num_epochs = num_epochs
        self.terminal = sys.stderr.isatty()
        self.bar = tqdm(disable=True)
        self.stays = True  # whether the bar of the epochs does when the training is over

    def begin(self, done: int) -> Progress:
        """Shows the bar of the epochs, of which so many lie behind the training."""
        self.bar = tqdm(
            total=self.num_epochs,
            initial=done,
            unit="epoch",
            disable=not self.terminal,
            leave=self.stays,
            dynamic_ncols=True,
        )
        return self

    def steps(self, batches: Iterable[Any], total: int, done: int) -> Iterator[Any]:
        """The batches of an epoch, under a bar that disappears when it is full."""
        if not self.terminal:
            return iter(batches)
        return iter(
            tqdm(batches, total=total, initial=done, unit="step", leave=False, dynamic_ncols=True)
        )

    def end_epoch(self, epoch: int, train: dict[str, float], others: dict[str, Figures]) -> None:
        """Shows each task's train loss and the figures of the other splits."""
        parts = [
            f"{task} {' '.join([f'train {loss:.4g}', *figures_of(task, others)])}"
            for task, loss in train.items()
        ]
        measured = dict.fromkeys(task for own in others.values() for task in own)
        parts += [f"{t} {' '.join(figures_of(t, others))}" for t in measured if t not in train]
        text = " | ".join(parts)
        self.bar.update()
        self.bar.set_description(text)
        # On a terminal the bar says it already: the line goes to the log file alone.
        log.info(
            "epoch %d/%d  %s", epoch, self.num_epochs, text, extra={"file_only": self.terminal}
        )

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exc: object) -> None:
        self.bar.close()


def figures_of(task: str, splits: dict[str, Figures]) -> list[str]:
    """The loss of a task on each split, and its first metric where that is another figure."""
    texts = []
    for split, figures in splits.items():
        values = dict(figures.get(task, {}))
        loss = values.pop("loss", None)
        first = next(((k, x) for k, x in values.items() if not math.isnan(x)), None)
        if loss is not None:
            texts.append(f"{split} {loss:.4g}")
            if first is not None and not math.isclose(first[1], loss, rel_tol=1e-4):
                texts.append(f"({first[0]} {first[1]:.4g})")
        elif first is not None:
            texts.append(f"{split} ({first[0]} {first[1]:.4g})")
    return texts
