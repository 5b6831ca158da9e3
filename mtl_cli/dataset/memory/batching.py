"""How examples are put into batches, as a configuration says it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mtl_cli.basis.errors import check_boolean, check_integer, problem
from mtl_cli.dataset.memory.buckets import lengths_of
from mtl_cli.dataset.memory.fitted import fitted
from mtl_cli.dataset.memory.sampling import check_sampling


@dataclass(frozen=True)
class Batching:
    """Batches of examples.

    Args:
        batch_size: examples a training step; None: all at once; ``auto``: see `fitted`.
        eval_batch_size: examples a batch of val and test.
        shuffle: whether train is drawn in a new order every epoch.
        drop_last: whether an incomplete last train batch is left out.
    """

    batch_size: int | str | None
    eval_batch_size: int
    shuffle: bool
    drop_last: bool

    def __post_init__(self) -> None:
        check_integer(
            "dataset.eval_batch_size", self.eval_batch_size, 1, "dataset.eval_batch_size=1000"
        )
        check_boolean("dataset.shuffle", self.shuffle)
        check_boolean("dataset.drop_last", self.drop_last)


@dataclass(frozen=True)
class Sampling(Batching):
    """Batches of the examples of several sources.

    Args:
        batch_size: as of `Batching`, of a source; for all, or by source.
        eval_batch_size, shuffle, drop_last: see `Batching`, of each source.
        sampling: the name of the draw of training batches (see `memory.sampling`).
        temperature: tau of ``sampling=temperature``, at least 1.
    """

    batch_size: Any
    sampling: str
    temperature: float

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sampling(self.sampling, self.temperature)

    def lengths(self, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """How long the examples of each source are, where those of like length are to be in a
        batch.

        Args:
            inputs: ``{source: its examples}``.
        """
        return {}

    def sizes(self, num_rows: Mapping[str, int], sources: Collection[str]) -> dict[str, int]:
        """The examples of each source in a training batch.

        Args:
            num_rows: ``{source: how many it has}``.
            sources: all that there are.
        """
        size = self.batch_size
        if isinstance(size, Mapping) and set(size) != set(sources):
            rule = f"must name every source: {', '.join(sources)}"
            found = ", ".join(map(str, size))
            raise problem("dataset.batch_size", rule, found, "dataset.batch_size=64")
        return {
            name: (
                fitted_size(size[name], number, f"dataset.batch_size.{name}")
                if isinstance(size, Mapping)
                else fitted_size(size, number, "dataset.batch_size")
            )
            for name, number in num_rows.items()
        }


@dataclass(frozen=True)
class TextSampling(Sampling):
    """Batches of the texts of several sources.

    Args:
        batch_size, eval_batch_size, shuffle, drop_last, sampling, temperature: see `Sampling`.
        buckets: whether a batch holds texts of like length, where train is shuffled; an epoch has
            the same ones.
    """

    buckets: bool

    def __post_init__(self) -> None:
        super().__post_init__()
        check_boolean("dataset.buckets", self.buckets)

    def lengths(self, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
        return {name: lengths_of(x) for name, x in inputs.items()} if self.buckets else {}


def fitted_size(size: Any, num_rows: int, thing: str) -> int:
    """A batch's size as a number: ``auto`` is fitted to the rows, None is all of them."""
    if size is None:
        return num_rows
    size = fitted(size, num_rows)
    check_integer(thing, size, 1, f"{thing}=64")
    return int(size)
