"""Task against task: which settings no other beats on both, and how much they beat together.

Zitzler & Thiele, "Multiobjective Evolutionary Algorithms: A Comparative Case Study and the Strength
Pareto Approach", IEEE Transactions on Evolutionary Computation 3(4), 1999.
"""

from __future__ import annotations

from collections.abc import Sequence

Point = tuple[float, float]


def front(points: Sequence[Point], higher: tuple[bool, bool]) -> list[int]:
    """The positions of the points that no other beats in one value and equals in the other."""
    turned = [turn(point, higher) for point in points]
    return [i for i, point in enumerate(turned) if not any(beats(p, point) for p in turned)]


def outline(points: Sequence[Point], higher: tuple[bool, bool]) -> list[Point]:
    """The corners of the line around what is beaten, from the worst value of a task to the other's.

    It goes in steps: between two settings nothing is known to be reachable.
    """
    turned = [turn(point, higher) for point in points]
    best = sorted({turned[i] for i in front(points, higher)})
    before = max(point[1] for point in turned)
    corners = []
    for x, y in best:
        corners += [(x, before), (x, y)]
        before = y
    corners.append((max(point[0] for point in turned), before))
    return [turn(point, higher) for point in corners]


def beats(point: Point, other: Point) -> bool:
    """For points of which lower is better."""
    return point[0] <= other[0] and point[1] <= other[1] and point != other


def hypervolume(points: Sequence[Point], higher: tuple[bool, bool]) -> float | None:
    """The part of the box between a reference point and the best value of each task that is beaten.

    The reference point is a tenth of the range worse than the worst value, so that settings which
    are the best in one task count. 1: one setting is the best in both tasks. None where all points
    are equal in a task: there is no box.
    """
    turned = sorted({turn(point, higher) for point in points})
    low = [min(point[i] for point in turned) for i in range(2)]
    worst = [max(point[i] for point in turned) for i in range(2)]
    high = [bad + (bad - good) / 10 for bad, good in zip(worst, low, strict=True)]
    box = (high[0] - low[0]) * (high[1] - low[1])
    if box == 0:
        return None
    area, ceiling = 0.0, high[1]
    for x, y in turned:  # from the best in the first task
        if y < ceiling:
            area += (high[0] - x) * (ceiling - y)
            ceiling = y
    return area / box


def turn(point: Point, higher: tuple[bool, bool]) -> Point:
    """The point with signs such that lower is better."""
    return (-point[0] if higher[0] else point[0], -point[1] if higher[1] else point[1])
