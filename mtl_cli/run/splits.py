"""What each split of a dataset was dealt, as ``summary.json`` keeps it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from mtl_cli.dataset.base import Dataset, missing

MOST_CLASSES = 20  # of a target, of which each split's are counted


def splits_of(dataset: Dataset) -> dict[str, Any]:
    """Its rows, groups and moments, and how many are of which class, where these are few."""
    classes: dict[str, dict[str, dict[str, int]]] = {}
    for split in dataset.sizes:
        for task, labels in dataset.targets(split).items():
            names = [str(name) for name in dataset.class_names.get(task, ())]
            counts = counts_of(labels, len(names))
            if counts is not None:
                own = dict(zip(names, counts, strict=True))
                classes.setdefault(task, {})[split] = own
    return {**dataset.dealt, **({"classes": classes} if classes else {})}


def counts_of(labels: Tensor, number: int) -> list[int] | None:
    """How many labels are of each of so many classes, but for missing ones; None where they are
    too many, or the labels are no classes."""
    if not 0 < number <= MOST_CLASSES or labels.dim() > 1:
        return None
    known = labels[~missing(labels)]
    codes = known.long()
    if not codes.eq(known).all() or ((codes < 0) | (codes >= number)).any():
        return None
    return torch.bincount(codes, minlength=number).tolist()
