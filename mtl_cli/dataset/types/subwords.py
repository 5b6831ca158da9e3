"""Texts as the subwords of a pretrained model's tokenizer: a part of the input of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from mtl_cli.basis.errors import Problem, check_integer, problem
from mtl_cli.basis.inputs import InputSpec
from mtl_cli.dataset.columns.column import Codes, Learned, Written
from mtl_cli.dataset.columns.part import Part, check_texts
from mtl_cli.dataset.files.cells import encode
from mtl_cli.dataset.files.parts import Place
from mtl_cli.dataset.vectorizers.subwords import SubwordTokenizer, longest


@dataclass(frozen=True)
class SubwordText(Part):
    """The tokenizer's codes of each cell; a cell that is blank is a part that its row lacks.

    Args:
        name: the column's.
        tokenizer: its state; see `SubwordTokenizer.state`.
        length: the most subwords of a text; others are cut off.
    """

    name: str
    tokenizer: Mapping[str, Any]
    length: int

    @classmethod
    def learn(
        cls, written: Written, tokenizer: str | None, max_length: int | None, offline: bool
    ) -> Learned:
        """Where train has no text at all, it is dropped.

        Args:
            written: the column.
            tokenizer: of which model: a folder with tokenizer.json, or a name on the hub.
            max_length: in subwords; None: that of the longest train text, and at most what the
                tokenizer says that its model reads.
            offline: never asks the network.
        """
        place = f"dataset.columns.{written.name}"
        if max_length is not None:
            check_integer(f"{place}.max_length", max_length, 1, f"{place}.max_length=128")
        if tokenizer is None:
            rule, fix = "must name a model's folder, or a model", f"{place}.tokenizer=models/bert"
            raise problem(f"{place}.tokenizer", rule, tokenizer, fix)
        try:
            inner = SubwordTokenizer.read(tokenizer, False, offline)
        except Problem as error:
            raise error.at("dataset", place) from error
        of, texts = encode(written.cells, write=str)
        own = of[written.train]
        missing, there = int((of < 0).sum()), sorted({*own[own >= 0].tolist()})
        if not there:
            return Learned(missing, "no text in train")
        check_texts(written.name, texts)
        train = inner.encode([texts[i] for i in there], max_length or inner.limit)
        column = cls(written.name, inner.state(), max_length or longest([train]))
        about = f"a part of its own; {inner.num_ids:,} subwords, {column.length:,} at most in a row"
        return Learned(missing, about, column, column.codes(written.cells, written.place))

    @property
    def spec(self) -> InputSpec:
        return SubwordTokenizer.from_state(self.tokenizer).spec(self.length)

    def codes(self, cells: Any, place: Place) -> Codes:
        of, texts = encode(cells, write=str)
        bag = SubwordTokenizer.from_state(self.tokenizer).encode([*texts, ""], self.length)
        return [bag[torch.from_numpy(of % len(bag))], of >= 0]  # -1, of blank cells, is the last
