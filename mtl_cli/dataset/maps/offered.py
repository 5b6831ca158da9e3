"""What an error offers for a map to predict: one word with all that is said of it, and a change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from math import isfinite
from typing import Any


def offered(target: Any, **changes: Any) -> str:
    """``'dataset.targets.road={kind: segmentation, missing: [255, -1, 7]}'``.

    Args:
        target: as it is said, a `MapTarget`.
        changes: of its options.
    """
    usual = {own.name: own.default for own in fields(target)}
    said = asdict(target) | changes
    options = {k: own for k, own in said.items() if k != "task" and own != usual[k]}
    return f"'{target.slot}={typed(options)}'"


def typed(value: Any) -> str:
    """A value as one types it."""
    if isinstance(value, Mapping):
        star = {"*": '"*"'}
        return f"{{{', '.join(f'{star.get(k, k)}: {typed(own)}' for k, own in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(typed, value))}]"
    if isinstance(value, float):
        return f"{value:g}"
    return "null" if value is None else str(value)


def with_value(target: Any, value: float) -> str:
    """What pixels of a value may be that is none of the target's: missing, or a class of its map.

    Args:
        target: as it is said, a `MapTarget`.
        value: of a pixel.
    """
    if target.kind == "depth" and not isfinite(value):
        return "the file with 0 or NaN where nothing was measured"
    if target.kind != "depth" and value != int(value):
        return "the mask with a whole number for each pixel"
    gone = f"{offered(target, missing=[*target.gone, value])}, where such pixels have no label"
    if not target.map:
        return gone
    name = 0 if target.kind == "edges" else f"class_{value:g}"
    return f"{offered(target, map={**target.map, int(value): name})}, or {gone}"
