"""Sources of texts made ready for training: vectorized, with targets and what there is to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mtl_cli.basis.bag import Bag
from mtl_cli.basis.batch import Examples
from mtl_cli.dataset.columns.unseen import unseen_note
from mtl_cli.dataset.memory.rows import Rows
from mtl_cli.dataset.splits.facts import lines_of
from mtl_cli.dataset.texts.rows import TextRows
from mtl_cli.dataset.vectorizers.options import SLOT
from mtl_cli.dataset.vectorizers.tokens import Tokenizer
from mtl_cli.dataset.vectorizers.vectorizer import Vectorizer, as_bag

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

ALONE = 0.9  # of the words, in one text each: none of them says anything of other texts
FEW_TEXTS = 10  # of which nobody expects that they share words
Inputs = dict[str, dict[str, Examples]]  # {split: {source: its texts}}


@dataclass(frozen=True)
class Prepared:
    """Everything that training needs of the texts, as tensors and plain data.

    Args:
        splits: ``{split: {source: its rows}}``.
        vectorizer: the state of the fitted vectorizer, or of the tokenizer.
        num_features: the words (or hashes, or token ids) that there are.
        length: L, of texts as token ids or subwords; 0: they are bags.
        class_names: ``{task: its classes}``.
        notes: what a user should know of the texts.
        drawn: the splits of which the seed draws rows.
        dealt: ``{source: what each split was dealt}``.
    """

    splits: dict[str, dict[str, Rows]]
    vectorizer: dict[str, Any]
    num_features: int
    length: int
    class_names: dict[str, list[str]]
    notes: list[str]
    drawn: list[str]
    dealt: dict[str, dict[str, Any]]


def prepare(
    sources: Sequence[TextRows], vectorizer: Vectorizer, as_tokens: bool, max_length: int | None
) -> Prepared:
    """Fits the vectorizer on the train texts of all sources, and reads all texts by it."""
    notes, num_features, length = [note for rows in sources for note in notes_on(rows)], 0, 0
    if as_tokens:
        notes += notes_on_words(vectorizer.fit(texts_of(sources, "train")))
        tokenizer = Tokenizer(vectorizer, max_length)
        inputs, length = token_inputs(sources, tokenizer, notes)
        num_features = tokenizer.num_ids
    else:
        inputs = bag_inputs(sources, vectorizer, notes)
        num_features = vectorizer.num_features
        notes += [note for rows in sources for note in notes_on_bags(rows, inputs)]
    words = "words" if vectorizer.options.analyzer == "word" else "runs of characters"
    what = "token ids" if as_tokens else words if vectorizer.needs_fit else "hashes"
    notes.append(f"vectorizer {vectorizer.options.kind}: {num_features:,} {what}")
    return as_prepared(sources, inputs, vectorizer.state(), num_features, length, notes)


def as_prepared(
    sources: Sequence[TextRows],
    inputs: Inputs,
    vectorizer: dict[str, Any],
    num_features: int,
    length: int,
    notes: list[str],
) -> Prepared:
    """Texts as a model reads them, with their targets; see `Prepared`."""
    splits = {
        split: {
            name: Rows({name: x}, targets_of(rows_of(sources, name), split))
            for name, x in own.items()
        }
        for split, own in inputs.items()
    }
    names = {task: own for rows in sources for task, own in rows.names.items() if own}
    drawn = sorted({split for rows in sources for split in rows.drawn})
    dealt = {rows.source.name: rows.dealt for rows in sources}
    return Prepared(splits, vectorizer, num_features, length, names, notes, drawn, dealt)


def rows_of(sources: Sequence[TextRows], name: str) -> TextRows:
    return next(rows for rows in sources if rows.source.name == name)


def texts_of(sources: Sequence[TextRows], split: str) -> chain[str]:
    """The texts of a split of all sources, one source after the other."""
    return chain.from_iterable(rows.texts(rows.split[split]) for rows in sources)


def targets_of(rows: TextRows, split: str) -> dict[str, torch.Tensor]:
    chosen = torch.from_numpy(rows.split[split])
    return {task: target[chosen] for task, target in rows.targets.items()}


def bag_inputs(sources: Sequence[TextRows], vectorizer: Vectorizer, notes: list[str]) -> Inputs:
    """The texts as bags of words."""
    inputs: Inputs = {"train": {}, "val": {}, "test": {}}
    if not vectorizer.needs_fit:
        for rows in sources:
            for split, chosen in rows.split.items():
                inputs[split][rows.source.name] = as_bag(rows.take_bags(chosen))
            rows.bags.clear()
        return inputs
    matrix = vectorizer.fit(texts_of(sources, "train"))
    notes += notes_on_words(matrix)
    train, begin = as_bag(matrix), 0
    for rows in sources:
        end = begin + len(rows.split["train"])
        inputs["train"][rows.source.name] = train[begin:end]  # a view
        begin = end
        for split in ("val", "test"):
            texts = rows.texts(rows.split[split])
            inputs[split][rows.source.name] = as_bag(vectorizer.transform(texts))
    return inputs


def token_inputs(
    sources: Sequence[TextRows], tokenizer: Tokenizer, notes: list[str]
) -> tuple[Inputs, int]:
    """The texts as token ids, and their length."""
    inputs: Inputs = {"train": {}, "val": {}, "test": {}}
    ids: dict[tuple[str, str], list[np.ndarray]] = {}
    for rows in sources:
        for split, chosen in rows.split.items():
            ids[split, rows.source.name] = tokenizer.encode(rows.texts(chosen))
    longest = max(len(text) for (split, _), own in ids.items() if split == "train" for text in own)
    length = tokenizer.max_length or max(1, longest)
    cut = dict.fromkeys((rows.source.name for rows in sources), 0)
    for (split, name), own in ids.items():
        inputs[split][name] = tokenizer.pad(own, length)
        cut[name] += sum(len(text) > length for text in own)
    notes += [
        f"{name}: {n:,} texts are cut off after {length:,} words" for name, n in cut.items() if n
    ]
    return inputs, length


def notes_on(rows: TextRows) -> list[str]:
    """Its sizes, its classes, and what of its rows is not as one would wish."""
    name, skipped = rows.source.name, rows.source.options.skipped
    sizes = ", ".join(f"{len(own):,} {split}" for split, own in rows.split.items())
    notes = [f"{name}: {sizes} texts", *lines_of(rows.dealt, name)]
    for task, names in rows.names.items():
        if names:
            notes.append(f"{name}: task {task} is {', '.join(names)}")
            notes += unseen_note(f"{name}: task {task}", rows.unseen[task])
    if rows.num_blank:
        notes.append(f"{name}: {rows.num_blank:,} texts are empty, and kept")
    if skipped:
        notes.append(f"{name}: {skipped:,} broken rows are skipped")
    return notes


def notes_on_words(matrix: csr_matrix) -> list[str]:
    """Whether nearly every word comes in one train text alone, of which nothing can be learned."""
    texts, words = matrix.shape
    alone = int((np.bincount(matrix.indices, minlength=words) == 1).sum())
    if alone < ALONE * words or texts < FEW_TEXTS:
        return []
    advice = f"{SLOT}.analyzer=char '{SLOT}.ngram_range=[1,3]' reads runs of characters"
    return [
        f"{alone:,} of {words:,} words come in one of the {texts:,} train texts alone, as in "
        f"languages without blanks between words: {advice}"
    ]


def notes_on_bags(rows: TextRows, inputs: Mapping[str, Mapping[str, Examples]]) -> list[str]:
    """How many texts have no word that counts."""
    name, empty = rows.source.name, 0
    for own in inputs.values():
        bag = own[name]
        assert isinstance(bag, Bag)
        empty += int((bag.offsets[1:] == bag.offsets[:-1]).sum())
    return [f"{name}: {empty:,} texts have no word that counts: empty bags"] if empty else []
