"""Labels as people write them turned into targets: class indices, zeros and ones, or numbers.

A cell that is blank or ``?`` is a missing label: -1 for a class, NaN else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.errors import check_choice, problem
from mtl_cli.dataset.columns.class_order import in_order
from mtl_cli.dataset.columns.label_checks import check_kind, unmapped
from mtl_cli.dataset.files.canonical import canonical, truths
from mtl_cli.dataset.files.cells import (
    MISSING,
    SeenLabels,
    append,
    encode,
    is_number,
    sort_names,
)
from mtl_cli.dataset.files.parts import Place

KINDS = ["regression", "count", "amount", "binary", "multiclass", "ordinal", "multilabel"]
NUMBERS = ("regression", "count", "amount")  # kinds whose labels are numbers
INDICES = ("multiclass", "ordinal")  # kinds whose labels are numbers of classes, from 0
FLAGS = {"0": 0.0, "1": 1.0, "false": 0.0, "true": 1.0}
EVERY_OTHER = "*"  # in a label map: all labels that it does not name


@dataclass(frozen=True)
class LabelMap:
    """What each label of a task stands for.

    Args:
        task: the task's name.
        kind: of `KINDS`, one target a row.
        names: the classes, in the order of their indices: as said, else by value where all are
            numbers, else by the alphabet. Of a binary task, the second is what is predicted. Empty
            for numbers.
        meaning: ``{label as written: its class}``; None: a missing label.
        otherwise: the class of a label that is not among them; None: there must be none.
    """

    task: str
    kind: str
    names: list[str]
    meaning: Mapping[str, str | None]
    otherwise: str | None = None

    def targets(self, cells: Any, place: Place) -> Tensor:
        """The targets of some rows, [B]: of a column of a frame, an Arrow array, or a list.

        Raises:
            ValueError: where a label stands for nothing, or is no number for a regression.
        """
        codes, labels = encode(cells, self.meaning)
        if self.kind in NUMBERS:
            values = [self.number(label, i, codes, place) for i, label in enumerate(labels)]
            return torch.from_numpy(append(np.array(values, np.float64), np.nan)[codes])
        meaning = {canonical(label): name for label, name in self.meaning.items()}
        if self.otherwise is None:
            spelled = truths(meaning)
            meaning |= {
                x: meaning[spelled[x.casefold()]]
                for x in labels
                if x.casefold() in spelled and x not in meaning
            }
        unknown = [] if self.otherwise else [x for x in labels if x not in meaning]
        if unknown:
            seen = SeenLabels()
            seen.add(cells, place, self.meaning)
            thing, rule = f"each label of {self.task}", f"must be one of {', '.join(self.meaning)}"
            raise unmapped(thing, unknown, seen, rule, "one of them, or an empty cell")
        index: dict[str | None, int] = {name: i for i, name in enumerate(self.names)} | {None: -1}
        classes = [index[meaning.get(label, self.otherwise)] for label in labels]
        indices = append(np.array(classes, np.int64), -1)[codes]
        if self.kind in INDICES:
            return torch.from_numpy(indices)
        return torch.from_numpy(np.where(indices == -1, np.nan, indices).astype(np.float32))

    def number(self, label: str, code: int, codes: np.ndarray, place: Place) -> float:
        """The value of a label of a regression."""
        written = self.meaning.get(label, self.otherwise or label)
        if written is None or written in MISSING:
            return np.nan
        value = float(written) if is_number(written) else np.inf
        if np.isinf(value):
            times, first = int((codes == code).sum()), place(int(np.argmax(codes == code)))
            found = f"{label!r} ({times} times, first in {first})"
            fix = f"'dataset.targets={{{self.task}: multiclass}}', or a label map"
            rule = f"is a {self.kind}: its labels must be finite numbers"
            raise problem(f"tasks.{self.task}", rule, found, fix)
        return value


def make_label_map(
    task: str,
    kind: str,
    seen: SeenLabels,
    given: Mapping[Any, Any] | None,
    slot: str,
    order: Sequence[Any] | None = None,
) -> LabelMap:
    """Decides what the labels of a column stand for.

    Args:
        task: the task's name.
        kind: of `KINDS`, one target a row.
        seen: the labels that there are; not looked at for a regression.
        given: the user's map, ``{label: class}``, with ``*`` for all others and null for none.
        slot: where the map stands in the config (``dataset.targets.income.map``).
        order: the classes from the lowest to the highest, where somebody says it.

    Raises:
        ValueError: where a label is not in the map, or the labels are none of this kind.
    """
    check_choice(f"tasks.{task}'s kind", kind, KINDS, f"one of {', '.join(KINDS)}")
    meaning = read_map(given or {})
    otherwise = meaning.pop(EVERY_OTHER, None)
    if kind in NUMBERS:
        return LabelMap(task, kind, [], meaning, otherwise)
    if given is None:
        meaning = {label: label for label in seen.counts}
    elif otherwise is None and (unknown := [x for x in seen.counts if x not in meaning]):
        rule = f"must be in {slot}, or '*' be there"
        fix = f"{unknown[0]!r}: <a class>, or '*': <a class> for all others; null leaves it out"
        raise unmapped(f"each label of {task}", unknown, seen, rule, fix)
    there = {name for name in [*meaning.values(), otherwise] if name is not None}
    if order is None:
        check_kind(task, kind, sort_names(there), sum(seen.counts.values()))
    else:
        order = [str(as_label(x)) for x in order]
        if given is None:
            order = [canonical(x) for x in order]
            meaning = {label: label for label in order} | meaning
        if kind == "binary":
            check_kind(task, kind, sort_names(there | {*order}), sum(seen.counts.values()))
    names = in_order(task, kind, there, order)
    return LabelMap(task, kind, names, meaning, otherwise)


def flags(task: str, columns: Mapping[str, Any], place: Place) -> Tensor:
    """The targets of a multilabel task, [B, L]: a column of zeros and ones a label.

    Raises:
        ValueError: where a cell is neither 0, 1, false, true nor missing.
    """
    targets = []
    for name, cells in columns.items():
        codes, labels = encode(cells)
        wrong = [label for label in labels if label not in FLAGS]
        if wrong:
            seen = SeenLabels()
            seen.add(cells, place)
            thing, rule = f"each label of {task}, column {name},", "must be 0 or 1"
            raise unmapped(thing, wrong, seen, rule, "one of them, or an empty cell")
        values = append(np.array([FLAGS[label] for label in labels], dtype=np.float32), np.nan)
        targets.append(torch.from_numpy(values[codes]))
    return torch.stack(targets, 1)


def as_label(value: Any) -> str | None:
    """A label as it is written in a file, from the config, where it may be a number or a bool."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(int(value))
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if whole else value).strip()


def read_map(given: Mapping[Any, Any]) -> dict[str, str | None]:
    """A label map of the config, its labels as `canonical` writes them."""
    return {canonical(str(as_label(key))): as_label(value) for key, value in given.items()}


def known_labels(
    task: str, kind: str, names: list[str], given: Mapping[Any, Any] | None
) -> LabelMap:
    """What the labels of a task stood for in training: as the user said, else each for itself."""
    said = {name: name for name in names} if given is None else given
    meaning = read_map(said)
    return LabelMap(task, kind, names, meaning, meaning.pop(EVERY_OTHER, None))
