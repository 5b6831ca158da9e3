"""Reading new data as a trained model's data was read: what a dataset leaves for predictions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtl_cli.batch import Examples
from mtl_cli.inputs import InputSpec


@dataclass(frozen=True)
class NewExamples:
    """Some examples without labels.

    Args:
        names: a name for each example, that stands beside its predictions: a file, a row number.
        inputs: ``{input name: [B, ...]}``, as the model reads them.
    """

    names: list[str]
    inputs: dict[str, Examples]


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
        """All that it takes to make it again: numbers, words, lists and mappings."""

    @classmethod
    @abstractmethod
    def from_state(cls, state: dict[str, Any]) -> Reader:
        """The reader that gave this state."""

    @abstractmethod
    def read(self, path: Path, input: str, batch_size: int) -> Iterator[NewExamples]:
        """The examples of a file or folder for one input, ``batch_size`` at a time.

        Raises:
            ValueError: where the file cannot be read, or lacks what the input is made of.
        """
