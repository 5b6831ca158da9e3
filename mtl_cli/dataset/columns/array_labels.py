"""Arrays as a model's inputs and targets."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.columns.labels import INDICES, NUMBERS
from mtl_cli.dataset.columns.target_options import TargetOptions

FILL = "numpy.nan_to_num(x), or no such examples; dataset=table fills missing cells by itself"
AT_ONCE = 4096  # examples that are looked at together
SHAPES: dict[str, tuple[int, ...]] = {"regression": (1, 2), "multilabel": (2,)}
SHAPES |= dict.fromkeys(("count", "amount", "binary", *INDICES), (1,))


def inputs_of(name: str, array: np.ndarray) -> Tensor:
    """An input [N, ...]: bytes as they are, all else as floats; of one number each, [N, 1].

    Raises:
        ValueError: where it has a cell that is no finite number.
    """
    if array.dtype == np.float32 and array.dtype.isnative:  # as it lies, maybe on disk
        x = torch.from_numpy(np.ascontiguousarray(array))
    else:
        x = numbers(f"the input {name}", array)
    parts = x.split(AT_ONCE) if x.is_floating_point() else ()
    if wrong := sum(int((~part.isfinite()).sum()) for part in parts):
        whole = torch.cat([part.reshape(len(part), -1).isfinite().all(1) for part in parts])
        first = int((~whole).nonzero()[0]) + 1
        found = f"{wrong:,} cells that are none, first in example {first:,}"
        raise problem(f"the input {name}", "must hold finite numbers", found, FILL)
    x = x if x.dtype == torch.uint8 else x.float()
    return x.unsqueeze(1) if x.dim() == 1 else x


def labels_of(said: TargetOptions, arrays: Mapping[str, np.ndarray]) -> Tensor:
    """The labels of a target: class indices [N], -1 where they are missing, or floats [N] or
    [N, O], NaN where they are.

    Raises:
        ValueError: where the array has another shape or other values than its kind has.
    """
    if said.order is not None:
        rule = "is of names; in an array the numbers of the classes, from 0, are their order"
        raise problem(f"{said.slot}.order", rule, said.order, f"{said.slot}=ordinal")
    columns = [numbers(said.slot, arrays[name]).double() for name in said.made_of()]
    labels = columns[0] if len(columns) == 1 else torch.stack(columns, 1)
    if said.kind not in (*INDICES, *NUMBERS):
        labels = torch.where(labels == -1, torch.nan, labels)
    if labels.dim() not in SHAPES[said.kind]:
        shapes = " or ".join(("[N]", "[N, O]")[dims - 1] for dims in SHAPES[said.kind])
        found = str(list(labels.shape))
        fix = f"dataset.targets.{said.task}=<another kind>"
        raise problem(said.slot, f"is {said.kind}: it must be {shapes}", found, fix)
    if said.kind in NUMBERS:
        return labels
    there = labels[~labels.isnan() & (labels != -1)]
    highest = torch.inf if said.kind in INDICES else 1
    wrong = there[(there < 0) | (there > highest) | (there != there.round())]
    if len(wrong):
        what = "0, 1, 2, ..." if said.kind in INDICES else "0 or 1"
        rule = f"is {said.kind}: its labels must be {what}, and -1 or NaN where they are missing"
        fix = f"'dataset.targets={{{said.task}: regression}}', or other labels"
        raise problem(said.slot, rule, f"{wrong[0].item():g}", fix)
    return labels.nan_to_num(-1).long() if said.kind in INDICES else labels.float()


def weights_of(name: str, arrays: Mapping[str, np.ndarray]) -> Tensor:
    """How much each example counts, [N]."""
    weights = numbers(name, arrays[name]).float()
    if weights.dim() != 1 or not (weights >= 0).all():
        found = "others" if weights.dim() == 1 else str(list(weights.shape))
        raise problem(
            f"the weights {name}", "must be numbers [N] of at least 0", found, "mend them"
        )
    return weights


def groups_of(name: str, array: np.ndarray) -> Tensor:
    """The number of each example's group, by which a metric is, [N].

    Raises:
        ValueError: where the array has not one group an example, or one in all.
    """
    thing, fix = f"the array {name}, which a metric is by,", "another array as its by"
    blank = array.dtype.kind == "f" and bool(np.isnan(array).any())
    if array.ndim != 1 or blank:
        found = "missing ones" if blank else str(list(array.shape))
        raise problem(thing, "must say the group of each example, [N]", found, fix)
    groups, codes = np.unique(array, return_inverse=True)
    if len(groups) < 2:
        raise problem(thing, "must have several groups", f"{groups[0]} alone", fix)
    return torch.from_numpy(codes.astype(np.int64))


def size_of(kind: str, labels: Tensor) -> int:
    """How many outputs a target needs."""
    if kind in INDICES:
        return int(labels.max()) + 1
    return labels.shape[1] if labels.dim() == 2 else 1


def numbers(thing: str, array: np.ndarray) -> Tensor:
    """An array as a tensor of bytes or floats.

    Raises:
        ValueError: where it does not hold numbers.
    """
    if array.dtype.kind not in "biuf":
        fix = "numbers in place of them; dataset=table reads names"
        raise problem(thing, "must hold numbers", f"an array of {array.dtype}", fix)
    if array.dtype == np.uint8:
        return torch.from_numpy(np.ascontiguousarray(array))
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float64))
