"""Reads new texts as a trained model's texts were read, by the vectorizer that was fitted then."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mtl_cli.basis.batch import Examples
from mtl_cli.basis.errors import check_choice, problem
from mtl_cli.basis.inputs import BagOfWords, InputSpec, Subwords, Tokens
from mtl_cli.dataset.columns.target import Target
from mtl_cli.dataset.files.encoded import numbered_lines
from mtl_cli.dataset.files.held import is_held
from mtl_cli.dataset.files.options import ReadOptions
from mtl_cli.dataset.files.parts import Part, place_among, suffix_of
from mtl_cli.dataset.files.read import CHUNK_ROWS, READERS, find_files, read_parts
from mtl_cli.dataset.readers.base import NewExamples, Reader
from mtl_cli.dataset.vectorizers.subwords import SubwordTokenizer
from mtl_cli.dataset.vectorizers.tokens import Tokenizer
from mtl_cli.dataset.vectorizers.vectorizer import Vectorizer, as_bag


class TextReader(Reader):
    """Texts as bags of words, as token ids or as subwords.

    Args:
        vectorizer: the state of the fitted vectorizer, or of the tokenizer of subwords.
        num_features: the words (or hashes, or token ids) that there are.
        length: L, of texts as token ids or subwords; 0: they are bags.
        sources: ``{input: {"text": its column, or both of pairs, and how its files are read}}``.
        targets: ``{task: how its labels are read}``.
    """

    def __init__(
        self,
        vectorizer: Mapping[str, Any],
        num_features: int,
        length: int,
        sources: Mapping[str, Mapping[str, Any]],
        targets: Mapping[str, Target],
    ) -> None:
        self.vectorizer = dict(vectorizer)
        self.num_features = num_features
        self.length = length
        self.sources = {name: dict(own) for name, own in sources.items()}
        self.targets = dict(targets)
        self.segments = self.vectorizer.get("segments", 0)  # 0: no subwords
        spec: InputSpec = Tokens(num_features, length) if length else BagOfWords(num_features)
        if self.segments:
            spec = Subwords(num_features, length, self.segments)
        self.inputs = dict.fromkeys(sources, spec)

    def state(self) -> dict[str, Any]:
        names = ("vectorizer", "num_features", "length", "sources")
        targets = {task: target.state() for task, target in self.targets.items()}
        return {name: getattr(self, name) for name in names} | {"targets": targets}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> TextReader:
        targets = {task: Target.from_state(own) for task, own in state["targets"].items()}
        return cls(**{**state, "targets": targets})

    @cached_property
    def fitted(self) -> Vectorizer:
        """The vectorizer, made where a text is read and not before."""
        return Vectorizer.from_state(self.vectorizer)

    @cached_property
    def tokenizer(self) -> Tokenizer:
        return Tokenizer(self.fitted, self.length)

    @cached_property
    def subwords(self) -> SubwordTokenizer:
        return SubwordTokenizer.from_state(self.vectorizer)

    def text_columns(self, input: str) -> list[str]:
        column = self.sources[input]["text"]
        return [column] if isinstance(column, str) else list(column)

    def encode(self, texts: Sequence[Any]) -> Examples:
        """Texts as the model reads them."""
        if self.segments:
            return self.subwords.encode(texts, self.length)
        if not self.length:
            return as_bag(self.fitted.transform(texts))
        return self.tokenizer.pad(self.tokenizer.encode(texts), self.length).long()

    def read(
        self, path: Path, input: str, batch_size: int, tasks: Collection[str] = ()
    ) -> Iterator[NewExamples]:
        """A file of rows has the texts, and the labels, in the columns that training read; in any
        other (``.txt`` among them) each line is a text."""
        check_choice("input", input, list(self.sources), f"input={next(iter(self.sources))}")
        own = {key: value for key, value in self.sources[input].items() if key != "text"}
        columns = self.text_columns(input)
        options = ReadOptions(slot="input", **own)
        labels = [name for task in tasks for name in self.targets[task].columns]
        for file in find_files(path, options):
            for part in parts_of(file, columns, labels, options):
                each = [part.table.column(c).fill_null("").to_pylist() for c in columns]
                texts = each[0] if len(each) == 1 else list(zip(*each, strict=True))
                yield NewExamples(
                    {"file": [file.name] * len(texts), "row": np.array(part.numbers())},
                    {input: self.encode(texts)},
                    {
                        task: self.targets[task].labels(
                            part.table.column, place_among([part]), new=True
                        )
                        for task in tasks
                    },
                )


def parts_of(
    file: Path, columns: Sequence[str], labels: Sequence[str], options: ReadOptions
) -> Iterator[Part]:
    """The rows of a file, some at a time; lines are rows without labels."""
    import pyarrow

    if is_held(file) or (suffix_of(file) in READERS and suffix_of(file) != ".txt"):
        wanted = list(dict.fromkeys([*columns, *labels]))
        yield from read_parts(file, options, wanted, CHUNK_ROWS)
        return
    if labels or len(columns) > 1:
        rule, fix = (
            "must have a column for each label, and for each text of a pair",
            "a CSV file, say",
        )
        raise problem(str(file), rule, "lines of text", fix)
    for first, texts in numbered_lines(file, options, CHUNK_ROWS):
        yield Part(file, pyarrow.table({columns[0]: texts}), first)
