"""What a target of a table is, in a line: its kind, how many labels it has, and which."""

from __future__ import annotations

import torch
from torch import Tensor

from mtl_cli.basis.numerals import is_number
from mtl_cli.dataset.columns.label_checks import labelled
from mtl_cli.dataset.columns.labels import NUMBERS
from mtl_cli.dataset.columns.target import Target
from mtl_cli.dataset.files.canonical import truths
from mtl_cli.dataset.files.cells import sort_names


def about(known: Target, labels: Tensor) -> str:
    """What there is to say of a target.

    Args:
        known: how it is read.
        labels: its labels in train.
    """
    there = labelled(labels)
    said = f"{len(there):,} labels in train"
    if known.kind == "regression" and labels.dim() > 1:
        own = [f"{n} {span(labelled(y))}" for n, y in zip(known.names, labels.T, strict=True)]
        said += f": {'; '.join(own[:10])}" + "; ..." * (len(own) > 10)
    elif known.kind in NUMBERS:
        said += f", {span(there)}"
        said += "; only two values: binary?" * (len(there.unique()) == 2)
    elif known.kind == "multilabel":
        said += f" of {', '.join(known.names)}"
    else:
        counts = torch.bincount(there.long(), minlength=len(known.names)).tolist()
        shown = [f"{n} ({c:,})" for n, c in zip(known.names, counts, strict=True)]
        between = " < " if known.kind == "ordinal" else ", "
        said += f": {between.join(shown[:10])}" + f"{between}..." * (len(shown) > 10)
        said += which_is_one(known.names) if known.kind == "binary" else ""
    if (space := known.where) is not None:
        said += f"; where {space.name} is {space.names[1]}"
    return f"target {known.name}: {known.kind}, {said}"


def which_is_one(names: list[str]) -> str:
    """Which class of a binary target is 1, and how to turn that where the alphabet said it."""
    zero, one = names
    chosen = truths(names) or names != sort_names(names) or all(map(is_number, names))
    return f"; {one} is 1" + ("" if chosen else f", and {zero} by order: [{one}, {zero}]")


def span(there: Tensor) -> str:
    """From where to where some numbers are, and their mean."""
    return f"{there.min():g} to {there.max():g}, mean {there.mean():g}"
