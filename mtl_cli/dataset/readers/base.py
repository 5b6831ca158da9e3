"""Reading new data as a trained model's data was read: what a dataset leaves for predictions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from mtl_cli.basis.batch import Examples
from mtl_cli.basis.inputs import InputSpec


@dataclass(frozen=True)
class NewExamples:
    """Some examples of one input, with labels only where they were asked for.

    Args:
        names: ``{column: [B]}``, what stands beside the predictions and says which example each
            is of: its ``file`` and its ``row`` there, say. Lists, NumPy or Arrow arrays.
        inputs: ``{input name: [B, ...]}``, as the model reads it.
        targets: ``{task: [B, ...]}``, as the task's loss reads it; a missing label is NaN or -1.
        weights: ``{task: [B]}``, how much each example counts in its loss; the others count 1.
        sizes: height and width that each picture had before it was brought to the model's; empty:
            they are no pictures, or have that of the model.
        groups: ``{column: [B]}``, the number of each example's group, for metrics within groups.
    """

    names: Mapping[str, Any]
    inputs: dict[str, Examples]
    targets: dict[str, Tensor] = field(default_factory=dict)
    weights: dict[str, Tensor] = field(default_factory=dict)
    sizes: Sequence[tuple[int, int]] = ()
    groups: dict[str, Tensor] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def batches(self, batch_size: int) -> Iterator[NewExamples]:
        """The same, ``batch_size`` at a time; nothing is copied."""
        for first in range(0, len(self), batch_size):
            part = slice(first, first + batch_size)
            yield NewExamples(
                {column: values[part] for column, values in self.names.items()},
                {name: x[part] for name, x in self.inputs.items()},
                {task: y[part] for task, y in self.targets.items()},
                {task: w[part] for task, w in self.weights.items()},
                self.sizes[part],
                {column: codes[part] for column, codes in self.groups.items()},
            )


class Reader(ABC):
    """Reads new data.

    What it has learned of the train split (a vocabulary, means, categories) is plain data, so that
    a run folder can hold it as JSON and nothing in it is executed.

    Attributes:
        inputs: ``{input name: its spec}``.
    """

    inputs: dict[str, InputSpec]

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """All that it takes to make it again: finite numbers, words, lists, and mappings by words.

        Equal states read alike: this is how a changed dataset is found out.
        """

    @classmethod
    @abstractmethod
    def from_state(cls, state: dict[str, Any]) -> Reader:
        """The reader that gave this state, after a way through JSON."""

    @abstractmethod
    def read(
        self, path: Path, input: str, batch_size: int, tasks: Collection[str] = ()
    ) -> Iterator[NewExamples]:
        """The examples of a file or folder for one input, part by part, never all at once.

        Args:
            path: a file, a folder, or a glob.
            input: one of ``inputs``.
            batch_size: how many the model reads at a time; a part may be of more, or fewer.
            tasks: those whose labels are read too, and weights, for an evaluation.

        Raises:
            ValueError: where the file cannot be read, lacks what the input is made of or the
                labels of ``tasks``, or has a label that the model does not know.
        """

    def text_columns(self, input: str) -> list[str]:
        """The columns that texts, or pairs of them, are of where nothing else is given; empty: an
        example is more than its text."""
        return []

    def count(self, path: Path) -> int | None:
        """How many examples a path has, where that is known at once, for a progress bar."""
        return None
