"""What a target of a table is, in a line: its kind, how many labels it has, and which."""

from __future__ import annotations

import torch
from torch import Tensor

from mtl_cli.dataset.columns.label_checks import labelled
from mtl_cli.dataset.columns.labels import NUMBERS
from mtl_cli.dataset.columns.target import Target


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
        said += f"; {known.names[1]} is 1" * (known.kind == "binary")
    return f"target {known.name}: {known.kind}, {said}"


def span(there: Tensor) -> str:
    """From where to where some numbers are, and their mean."""
    return f"{there.min():g} to {there.max():g}, mean {there.mean():g}"
