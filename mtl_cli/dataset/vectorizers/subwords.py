"""Texts, or pairs of them, as the subwords of a pretrained model's own tokenizer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mtl_cli.basis.bag import Bag
from mtl_cli.basis.errors import problem
from mtl_cli.basis.hub import check_there, library, not_there, where
from mtl_cli.basis.inputs import Subwords

SLOT, ASKS = "dataset.tokenizer", "dataset.read_as=subwords"
AT_ONCE = 10_000  # texts
NO_LIMIT = 10**6  # tokens: what a tokenizer says where it knows of none is above
Texts = Iterable[str | tuple[str, str]]


class SubwordTokenizer:
    """``text -> codes``, with the model's own special tokens, padding left to the batches.

    Args:
        tokenizer: all of it, as the package tokenizers writes it.
        segments: 2: pairs, whose texts are told apart by their codes; see `Subwords`.
        limit: the most tokens that its model reads, as far as it says it.
    """

    def __init__(self, tokenizer: str, segments: int, limit: int | None) -> None:
        self.inner = library("tokenizers", ASKS).Tokenizer.from_str(tokenizer)
        self.inner.no_padding()
        self.inner.no_truncation()
        self.segments = segments
        self.limit = limit
        self.num_ids = 1 + max(self.inner.get_vocab(with_added_tokens=True).values())
        self.num_cut = 0  # texts, so far

    @classmethod
    def read(cls, model: str | None, pairs: bool, offline: bool) -> SubwordTokenizer:
        """The tokenizer of a model; or the one that a run has kept.

        Args:
            model: a folder, a name on the hub, or a run's ``reader.json``.
            pairs: whether pairs of texts are read.
            offline: never asks the network.

        Raises:
            ValueError: where there is none, or it is not one of the package tokenizers.
        """
        if model is None:
            rule = "must name a folder or a model, for dataset.read_as=subwords"
            fix = "encoder=hf_text encoder.model=<folder or name>"
            raise problem(SLOT, rule, "null, and encoder.model too", fix)
        path = Path(model).expanduser()
        if path.is_file():
            return cls.from_state(json.loads(path.read_text("utf-8"))["state"]["vectorizer"])
        make = library("transformers", ASKS).AutoTokenizer
        check_there(SLOT, model)
        try:
            found = make.from_pretrained(
                where(model), local_files_only=offline, trust_remote_code=False
            )
            whole = found.backend_tokenizer.to_str()
        except Exception as error:  # of the network, the hub or a file: there is no base class
            rule = "must be a folder with tokenizer.json, or a model's name on huggingface.co"
            raise not_there(SLOT, rule, model, offline, error) from error
        tells_apart = pairs and "token_type_ids" in found.model_input_names
        limit = found.model_max_length
        return cls(whole, 1 + tells_apart, None if limit > NO_LIMIT else int(limit))

    def spec(self, length: int) -> Subwords:
        return Subwords(self.num_ids, length, self.segments)

    def encode(self, texts: Texts, length: int | None) -> Bag:
        """Texts, each cut off after ``length`` tokens, special ones among them; None: whole."""
        self.inner.no_truncation()
        if length is not None:
            self.inner.enable_truncation(length)
        parts: list[np.ndarray] = [np.empty(0, np.int32)]
        lengths: list[int] = [0]
        rest = iter(texts)
        while some := list(islice(rest, AT_ONCE)):
            given = self.inner.encode_batch(some)
            self.num_cut += sum(bool(own.overflowing) for own in given)
            lengths += [len(own.ids) for own in given]
            codes = np.fromiter(chain.from_iterable(own.ids for own in given), np.int32)
            if self.segments > 1:
                types = np.fromiter(chain.from_iterable(own.type_ids for own in given), np.int32)
                codes += types.astype(np.int32) * self.num_ids
            parts.append(codes)
        codes, offsets = np.concatenate(parts), np.cumsum(lengths)
        index = np.int32 if len(codes) < 2**31 else np.int64
        return Bag(
            torch.from_numpy(codes.astype(index, copy=False)),
            torch.from_numpy(offsets.astype(index)),
            torch.ones(len(codes)),
        )

    def state(self) -> dict[str, Any]:
        """All of it as words and numbers."""
        self.inner.no_truncation()
        whole = {"tokenizer": self.inner.to_str()}
        return whole | {"segments": self.segments, "limit": self.limit}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> SubwordTokenizer:
        """The tokenizer that gave this state."""
        return cls(state["tokenizer"], state["segments"], state["limit"])


def longest(bags: Sequence[Bag]) -> int:
    """The tokens of the longest text."""
    return max((int(own.bounds.diff().max()) for own in bags if len(own)), default=1)
