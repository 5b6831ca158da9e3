"""Data that Python hands over, in a file's place."""

from __future__ import annotations

import sys
from typing import Any


def with_data(words: list[str], data: Any) -> tuple[list[str], dict[str, Any]]:
    """The words that say where the rows are, and the rows by their names."""
    if data is None:
        return words, {}
    kind = "table"
    if isinstance(data, tuple) or ("torch" in sys.modules and is_torch_dataset(data)):
        from mtl_cli.dataset.files.arrays import named_arrays

        data, kind = named_arrays(data), "arrays"
    several = isinstance(data, dict) and any(is_frame(rows) for rows in data.values())
    rows = data if several else {"data": data}
    keys = {word.partition("=")[0].lstrip("+") for word in words}
    if several or "resume" in keys or "dataset.path" in keys:
        return words, rows
    chosen = [] if "dataset" in keys else [f"dataset={kind}"]
    return [*chosen, "dataset.path=memory:data", *words], rows


def is_torch_dataset(data: Any) -> bool:
    """Whether its examples are asked for one by one, as torch does."""
    from torch.utils.data import Dataset

    return isinstance(data, Dataset)


def is_frame(rows: Any) -> bool:
    """Whether it has columns of its own, as data frames and Arrow's tables have."""
    return hasattr(rows, "columns")
