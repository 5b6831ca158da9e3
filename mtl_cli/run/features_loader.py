"""The batches of a loader, with what a frozen encoder gives in place of its inputs."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from mtl_cli.basis.bag import Bag
from mtl_cli.basis.batch import Batch, Encoded, Examples
from mtl_cli.basis.errors import problem
from mtl_cli.basis.memory import in_words
from mtl_cli.dataset.base import Loader
from mtl_cli.dataset.memory.in_double import InDouble, in_double
from mtl_cli.dataset.memory.in_memory import RowsLoader
from mtl_cli.dataset.memory.rows import Rows
from mtl_cli.dataset.memory.sources_loader import SourcesLoader
from mtl_cli.dataset.memory.take import device_of, take
from mtl_cli.dataset.prepared.stored import Kept
from mtl_cli.model.mode import mode

THING = "encoder.cache=true"
WITHOUT = "encoder.cache=false"

log = logging.getLogger(__name__)


def run(chain: nn.ModuleList, x: Any) -> Tensor:
    """What the last of some stages gives."""
    for stage in chain:
        x = stage(x)
    assert isinstance(x, Tensor)
    return x


@dataclass
class FeaturesLoader:
    """What the encoder gives of a loader's examples, computed once and kept in its device's memory.

    It is asked when the first batch is: a run that goes on has its weights by then.

    Args:
        loader: of the examples.
        chains: ``{input: the stages of its encoder}``.
        split: the name of the examples.
    """

    loader: Loader
    chains: Mapping[str, nn.ModuleList]
    split: str
    made: Loader | None = None
    num_examples: int = field(init=False)

    def __post_init__(self) -> None:
        self.num_examples = self.loader.num_examples
        self.in_double = isinstance(self.loader, InDouble)
        self.rows = self.loader.loader if isinstance(self.loader, InDouble) else self.loader
        rows = self.rows
        if not isinstance(rows, RowsLoader | SourcesLoader):
            rule, found = "needs examples that lie in memory", type(rows).__name__
            raise problem(THING, rule, found, f"another dataset, or {WITHOUT}")
        augmented = rows.augment if isinstance(rows, SourcesLoader) else rows.augment_seed
        if augmented is not None:
            rule = "needs examples that are the same in every epoch"
            raise problem(THING, rule, "dataset.augment", f"dataset.augment=null, or {WITHOUT}")

    def __len__(self) -> int:
        return len(self.loader)

    def batches(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        if self.made is None:
            begin = time.perf_counter()
            self.made, size = self.encoded()
            said = (self.split, in_words(size), time.perf_counter() - begin)
            log.info("features    of %s: %s, computed in %.1f s", *said)
        return self.made.batches(epoch, start)

    def encoded(self) -> tuple[Loader, int]:
        """The loader of features, and their size in bytes."""
        own = self.rows
        if isinstance(own, RowsLoader):
            inputs = {n: self.of(n, x, own.batch_size) for n, x in own.rows.inputs.items()}
            made: Loader = replace(
                own,
                dataset=Prepared(own.dataset.prepare_targets),  # type: ignore[arg-type]
                rows=replace(own.rows, inputs=inputs),
            )
        else:
            assert isinstance(own, SourcesLoader)
            inputs = {
                name: self.of(name, rows.inputs[name], own.draw.batch_sizes[name])
                for name, rows in own.sources.items()
            }
            made = replace(
                own,
                prepare=as_encoded,
                sources={
                    n: Rows({n: inputs[n]}, r.targets, r.weights) for n, r in own.sources.items()
                },
            )
        return made, sum(x.numel() * x.element_size() for x in inputs.values())

    @torch.no_grad()
    def of(self, name: str, x: Kept, size: int) -> Tensor:
        """What the encoder gives of all examples of an input, [N, *shape].

        Those of val and test are read as evaluations read them; of train, texts of like length.
        """
        chain, order = self.chains[name], torch.arange(len(x))
        if self.split == "train" and isinstance(x, Bag):
            order = x.bounds.diff().argsort(stable=True)
        parts = []
        with mode(chain, training=False):
            for here in order.split(size):
                given = self.prepared(name, take(x, here.to(device_of(x)), here))
                parts.append(run(chain, given))
        found = torch.cat(parts)
        return found[order.argsort().to(found.device)]

    def prepared(self, name: str, x: Examples) -> Examples:
        """Examples as the model reads them, on its device."""
        own = self.rows
        assert isinstance(own, RowsLoader | SourcesLoader)
        prepare = own.dataset.prepare if isinstance(own, RowsLoader) else own.prepare
        given = prepare({name: x})[name]
        given = in_double(given) if self.in_double else given
        return given.to(next(self.chains[name].parameters()).device)


@dataclass(frozen=True)
class Prepared:
    """A dataset whose inputs are features.

    Args:
        prepare_targets: the dataset's own.
    """

    prepare_targets: Any

    def prepare(self, inputs: dict[str, Examples]) -> dict[str, Examples]:
        return as_encoded(inputs)


def as_encoded(inputs: Mapping[str, Examples]) -> dict[str, Examples]:
    """Features as what stands in an input's place."""
    return {name: Encoded(x) for name, x in inputs.items() if isinstance(x, Tensor)}
