"""Where rays meet cuboids and balls, for many scenes and pixels at once.

A ray is ``origin + t * direction``; both are triples of arrays [S, P] (or what broadcasts to it).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Vector = Sequence[np.ndarray]  # x, y, z, each [S, P] or [S, 1]


def dot(a: Vector, b: Vector) -> np.ndarray:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def along(origin: Vector, t: np.ndarray, direction: Vector) -> Vector:
    """The points at ``t``."""
    return [o + t * d for o, d in zip(origin, direction, strict=True)]


def turned(v: Vector, cos: np.ndarray, sin: np.ndarray) -> Vector:
    """A vector in the axes of what is turned about the vertical axis."""
    return [cos * v[0] - sin * v[2], v[1], sin * v[0] + cos * v[2]]


def cuboid_interval(
    origin: Vector, direction: Vector, half: Vector
) -> tuple[np.ndarray, np.ndarray]:
    """Where rays enter and leave a cuboid at 0 in its own axes; they miss it where they would
    leave before they enter."""
    enter, leave = [], []
    for o, d, h in zip(origin, direction, half, strict=True):
        inverse = 1 / np.where(np.abs(d) < 1e-9, np.float32(1e-9), d)
        middle, reach = -o * inverse, h * np.abs(inverse)
        enter.append(middle - reach)
        leave.append(middle + reach)
    near = np.maximum(np.maximum(enter[0], enter[1]), enter[2])
    far = np.minimum(np.minimum(leave[0], leave[1]), leave[2])
    return near, far


def ball_interval(
    origin: Vector, direction: Vector, radius: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Where rays enter and leave a ball at 0; infinity and minus infinity where they miss it."""
    a, b, c = dot(direction, direction), dot(direction, origin), dot(origin, origin) - radius**2
    root = b * b - a * c
    reach = np.sqrt(np.maximum(root, 0)) / a
    middle, hit = -b / a, (root > 0) & (radius > 0)
    return np.where(hit, middle - reach, np.inf), np.where(hit, middle + reach, -np.inf)
