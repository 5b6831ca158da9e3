"""Classes that have no row in train: no model can learn them, and what is done about that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, bincount, bool, zeros

from mtl_cli.dataset.columns.label_checks import labelled
from mtl_cli.dataset.columns.labels import INDICES


def counted(labels: Tensor, names: Sequence[str]) -> dict[str, int]:
    """How many labels there are of each class that has some."""
    if not len(labels) or not names:
        return {}
    counts = bincount(labels.long(), minlength=len(names)).tolist()
    return {name: count for name, count in zip(names, counts, strict=True) if count}


def unseen_labels(kind: str, names: Sequence[str], target: Tensor, train: Tensor) -> Tensor:
    """Which labels are of a class that has no row in train, [N]: nothing can learn them."""
    if kind not in INDICES:
        return zeros(len(target), dtype=bool)
    there = labelled(target[train]).long()
    seen = bincount(there, minlength=len(names)) > 0
    return (target >= 0) & ~seen[target.clamp(min=0).long()]


def unseen_note(thing: str, unseen: Mapping[str, int]) -> list[str]:
    """What there is to say of such labels: a line, or none."""
    if not unseen:
        return []
    shown = [f"{name} ({count:,})" for name, count in unseen.items()]
    few = ", ".join(shown[:10]) + ", ..." * (len(shown) > 10)
    return [f"{thing}: no row in train is {few}; such labels of val and test count as missing"]
