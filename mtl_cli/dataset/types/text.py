"""Texts: a part of the input of their own, as a bag of words or as token ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from mtl_cli.basis.errors import Problem, check_choice, check_integer
from mtl_cli.basis.inputs import BagOfWords, InputSpec, Tokens
from mtl_cli.dataset.columns.column import Codes, Learned, Written
from mtl_cli.dataset.columns.part import Part, check_texts
from mtl_cli.dataset.files.cells import encode
from mtl_cli.dataset.files.parts import Place
from mtl_cli.dataset.vectorizers.options import Options
from mtl_cli.dataset.vectorizers.said import said_of
from mtl_cli.dataset.vectorizers.tokens import Tokenizer, check_single_words
from mtl_cli.dataset.vectorizers.vectorizer import Vectorizer, as_bag

WAYS = ["bag", "tokens"]


@dataclass(frozen=True)
class Text(Part):
    """What scikit-learn's vectorizer, fitted on the train texts alone, makes of each cell; a cell
    that is blank is a part that its row lacks.

    Args:
        name: the column's.
        vectorizer: its state; see `Vectorizer.state`.
        length: L, of texts as token ids [B, L]; None: they are bags of words.
    """

    name: str
    vectorizer: Mapping[str, Any]
    length: int | None

    @classmethod
    def learn(
        cls,
        written: Written,
        vectorizer: Mapping[str, Any],
        read_as: str,
        max_length: int | None,
    ) -> Learned:
        """Where train has no text at all, it is dropped.

        Args:
            written: the column.
            vectorizer: options of scikit-learn's; see `Options`.
            read_as: ``bag`` or ``tokens``.
            max_length: of tokens, in words; None: that of the longest train text.
        """
        place = f"dataset.columns.{written.name}"
        check_choice(f"{place}.read_as", read_as, WAYS, f"{place}.read_as=bag")
        if max_length is not None:
            check_integer(f"{place}.max_length", max_length, 1, f"{place}.max_length=200")
        of, texts = encode(written.cells, write=str)
        own = of[written.train]
        missing, own = int((of < 0).sum()), own[own >= 0]
        if not len(own):
            return Learned(missing, "no text in train")
        check_texts(written.name, texts)
        try:
            inner = Vectorizer(Options.of(vectorizer))
            inner.fit(texts[i] for i in own)
            if read_as == "tokens":
                check_single_words(inner.options)
        except Problem as error:
            raise error.at("dataset.vectorizer", f"{place}.vectorizer") from error
        length = None
        if read_as == "tokens":
            ids = Tokenizer(inner, max_length).encode([texts[i] for i in np.unique(own)])
            length = max_length or max(1, *map(len, ids))
        column = cls(written.name, inner.state(), length)
        about = f"a part of its own; {inner.num_features:,} words"
        about += f", {length:,} in a row" if length is not None else ""
        return Learned(missing, about, column, column.codes(written.cells, written.place))

    @property
    def spec(self) -> InputSpec:
        vectorizer = Vectorizer.from_state(self.vectorizer)
        if self.length is None:
            return BagOfWords(vectorizer.num_features)
        return Tokens(Tokenizer(vectorizer, self.length).num_ids, self.length)

    def said(self) -> dict[str, Any]:
        return said_of(self.vectorizer, tokens=self.length is not None)

    def codes(self, cells: Any, place: Place) -> Codes:
        of, texts = encode(cells, write=str)
        vectorizer = Vectorizer.from_state(self.vectorizer)
        texts.append("")  # of blank cells, at -1
        if self.length is None:
            return [as_bag(vectorizer.transform(texts)[of]), of >= 0]
        tokenizer = Tokenizer(vectorizer, self.length)
        ids = tokenizer.pad(tokenizer.encode(texts), self.length)
        return [ids[torch.from_numpy(of)].numpy(), of >= 0]
