"""What is the best of several objectives: a Pareto front, and its knee.

Das, "On Characterizing the 'Knee' of the Pareto Curve Based on Normal-Boundary Intersection",
Structural Optimization 18, 1999.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Values = Sequence[float]  # [K], lower is better


def pareto_front(points: Sequence[Values]) -> list[int]:
    """The positions of the points that no other beats in one value and equals in the others."""
    return [i for i, point in enumerate(points) if not any(beats(p, point) for p in points)]


def beats(point: Values, other: Values) -> bool:
    return all(p <= o for p, o in zip(point, other, strict=True)) and tuple(point) != tuple(other)


def knee(points: Sequence[Values]) -> int:
    """The position of the point of the front that bulges out furthest.

    Each value is scaled to ``u_k``, 0 at the best of the front and 1 at its worst. The ends of a
    front of two then lie on ``u_1 + u_2 = 1``, and the knee is furthest from that line on the
    better side: its ``sum_k u_k`` is the least. Of one objective it is the best point.
    """
    best = pareto_front(points)
    columns = list(zip(*(points[i] for i in best), strict=True))

    def scaled(value: float, column: Values) -> float:
        low, high = min(column), max(column)
        return (value - low) / (high - low) if high > low else 0.0

    return min(best, key=lambda i: math.fsum(map(scaled, points[i], columns)))
