"""What a target of a table is, in a line: its kind, how many labels it has, and which."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mtl_cli.basis.numerals import is_number
from mtl_cli.dataset.columns.label_checks import labelled
from mtl_cli.dataset.columns.labels import NUMBERS
from mtl_cli.dataset.columns.target import Target
from mtl_cli.dataset.files.canonical import truths
from mtl_cli.dataset.files.cells import sort_names


def about(known: Target, labels: Tensor) -> str:
    """What there is to say of a target, of its labels in train."""
    said = about_labels(known.name, known.kind, known.names, labels)
    if (space := known.where) is not None:
        said += f"; where {space.name} is {space.names[1]}"
    return said


def about_labels(target: str, kind: str, names: Sequence[str], labels: Tensor) -> str:
    """The same of labels alone.

    Args:
        target: its name.
        kind: of `KINDS`.
        names: of its classes, or of its columns where there are several.
        labels: its labels in train.
    """
    there = labelled(labels)
    said = f"{len(there):,} labels in train"
    if kind == "regression" and labels.dim() > 1:
        own = [f"{n} {span(labelled(y))}" for n, y in zip(names, labels.T, strict=True)]
        said += f": {'; '.join(own[:10])}" + "; ..." * (len(own) > 10)
    elif kind in NUMBERS:
        said += f", {span(there)}"
        said += "; only two values: binary?" * (len(there.unique()) == 2)
    elif kind == "multilabel":
        said += f" of {', '.join(names)}"
    else:
        counts = torch.bincount(there.long(), minlength=len(names)).tolist()
        shown = [f"{n} ({c:,})" for n, c in zip(names, counts, strict=True)]
        between = " < " if kind == "ordinal" else ", "
        said += f": {between.join(shown[:10])}" + f"{between}..." * (len(shown) > 10)
        said += which_is_one(names) if kind == "binary" else ""
    missing = labels.numel() - there.numel()
    said += f"; {missing:,} missing" if missing else ""
    return f"target {target}: {kind}, {said}"


def which_is_one(names: Sequence[str]) -> str:
    """Which class of a binary target is 1, and how to turn that where the alphabet said it."""
    zero, one = names
    chosen = truths(names) or names != sort_names(names) or all(map(is_number, names))
    return f"; {one} is 1" + ("" if chosen else f", and {zero} by order: [{one}, {zero}]")


def span(there: Tensor) -> str:
    """From where to where some numbers are, and their mean."""
    return f"{there.min():g} to {there.max():g}, mean {there.mean():g}"
