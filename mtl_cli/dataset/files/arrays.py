"""Named arrays of any shape: of files, or handed over in Python."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.files.array_files import read_arrays
from mtl_cli.dataset.files.held import HELD, PREFIX, NamedArrays, is_held

HANDED = "mtl_cli.train([...], data=(inputs, targets))"
AT_ONCE = 1024  # examples that a torch Dataset is asked for


def load_arrays(path: str) -> dict[str, np.ndarray]:
    """The arrays of a path, all of one length.

    Raises:
        ValueError: where there are none, or they are of different lengths.
    """
    if is_held(path):
        arrays: Any = HELD.get(path.removeprefix(PREFIX))
        if not isinstance(arrays, NamedArrays):
            found = "nothing of that name" if arrays is None else "rows, which dataset=table reads"
            raise problem(f"dataset.path={path}", "must be arrays that Python holds", found, HANDED)
    else:
        arrays = read_arrays(Path(path).expanduser())
    lengths = {name: len(array) if array.ndim else 0 for name, array in arrays.items()}
    if len(set(lengths.values())) != 1:
        found = ", ".join(f"{name} {length}" for name, length in lengths.items()) or "no array"
        raise problem(path, "must hold arrays [N, ...] of one length N", found, "the same rows")
    return arrays


def named_arrays(data: Any) -> NamedArrays:
    """Arrays by name, of what Python has.

    Args:
        data: ``(inputs, targets)``, each an array, a tensor or ``{name: such}``, or a torch
            `Dataset` of such pairs. An input without a name is ``x``, a target ``y``.
    """
    inputs, targets = stacked(data) if isinstance(data, Dataset) else data
    pairs = [(inputs, "x"), (targets, "y")]
    named = [own if isinstance(own, Mapping) else {name: own} for own, name in pairs]
    if both := set(named[0]) & set(named[1]):
        rule, found = "must have other names for targets than for inputs", ", ".join(sorted(both))
        raise problem("the data", rule, f"{found} twice", HANDED)
    return NamedArrays(
        {str(name): np.asarray(array) for own in named for name, array in own.items()}
    )


def stacked(data: Dataset[Any]) -> tuple[Any, Any]:
    """All examples of a torch Dataset, ``(input, target)`` each, one after the other."""
    parts = list(DataLoader(data, batch_size=AT_ONCE))
    if not parts or not isinstance(parts[0], list | tuple) or len(parts[0]) != 2:
        rule = "must be pairs: (input, target), each a tensor or {name: tensor}"
        found = type(parts[0]).__name__ if parts else "no example"
        raise problem("the examples of the Dataset", rule, found, HANDED)

    def whole(side: int) -> Any:
        first = parts[0][side]
        if isinstance(first, Mapping):
            return {name: torch.cat([part[side][name] for part in parts]) for name in first}
        return torch.cat([part[side] for part in parts])

    return whole(0), whole(1)
