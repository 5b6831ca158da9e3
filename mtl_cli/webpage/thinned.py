"""Lines as a page holds them: with as many points as a screen shows, and few digits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from mtl_cli.comparison.history import Points
from mtl_cli.drawing.spread import Band, band, common_end

DIGITS = 4
MOST = 300  # points of a line, as many as a chart is wide in twos of its pixels
FEWEST = 8


def short(value: float | None, digits: int = DIGITS) -> float | int | None:
    """A number with few digits; None where it is not finite."""
    if value is None or not math.isfinite(value):
        return None
    own = float(f"{value:.{digits}g}")
    return int(own) if own == int(own) and abs(own) < 1e6 else own


def thinned(points: Band, most: int) -> Band:
    """So many points: of each stretch its lowest and its highest, so that no peak is lost."""
    if len(points) <= most:
        return points
    stretches = max(1, (most - 2) // 2)
    inner = points[1:-1]
    kept = [points[0]]
    for n in range(stretches):
        own = inner[n * len(inner) // stretches : (n + 1) * len(inner) // stretches]
        if own:
            ends = {min(own, key=lambda point: point[1]), max(own, key=lambda point: point[1])}
            kept += sorted(ends)
    return [*kept, points[-1]]


class Grids:
    """The epochs of many lines, of which most have the same ones: each kind is kept once."""

    def __init__(self) -> None:
        self.known: dict[tuple[int, ...], int] = {}

    def number(self, epochs: Sequence[int]) -> int:
        return self.known.setdefault(tuple(epochs), len(self.known))

    def packed(self) -> list[list[int]]:
        return [list(epochs) for epochs in self.known]


def packed(lines: Sequence[Points], most: int, grids: Grids) -> dict[str, Any] | None:
    """The mean of some seeds' lines with its deviations; None where there is no point.

    ``x`` is a number of a grid, ``y`` the means, ``sd`` what they deviate by, where there is more
    than one seed, and ``end`` the last epoch that all seeds have.
    """
    points = thinned(band(lines), most)
    if not points:
        return None
    epochs, means, deviations = zip(*points, strict=True)
    own: dict[str, Any] = {"x": grids.number(epochs), "y": [short(mean) for mean in means]}
    if any(deviations):
        own["sd"] = [short(deviation, 2) for deviation in deviations]
    if any(len(line) for line in lines) and common_end(lines) < epochs[-1]:
        own["end"] = common_end(lines)
    return own
