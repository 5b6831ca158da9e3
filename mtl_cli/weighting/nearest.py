"""Nearest points of convex sets that gradients span, by non-negative least squares.

Lawson & Hanson, "Solving Least Squares Problems", 1974 (SIAM 1995,
https://doi.org/10.1137/1.9781611971217), chapter 23: their method is exact, in finitely many steps,
also for gradients that depend on each other. Vectors here stand in the columns of a square root of
the Gramian (`gramian.square_root`), which has their lengths and angles.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls

from mtl_cli.weighting.gramian import Array


def nearest_in_hull(vectors: Array) -> Array:
    """The weights w >= 0, summing to 1, of the point of least length ``|vectors @ w|``.

    The w of least ``|vectors @ w|^2 + (c sum(w) - c)^2`` is a multiple of it, for any c: on every
    ray of weights, the first term is smallest in the same direction.
    """
    lengths = np.linalg.norm(vectors, axis=0)
    shortest = lengths.min()
    if shortest == 0:
        return (lengths == 0) / np.count_nonzero(lengths == 0)
    # Columns of length 1, for the solver's tolerance; c is the shortest length.
    system = np.vstack([vectors / lengths, shortest / lengths])
    target = np.zeros(len(system))
    target[-1] = 1
    weights: Array = nnls(system, target)[0] / lengths
    return weights / weights.sum()


def nearest_in_dual_cone(vectors: Array, start: Array) -> Array:
    """The weights of the point nearest to ``vectors @ start`` that conflicts with no vector.

    Of all ``w >= start``, they have the least ``|vectors @ w|`` (Quinton & Rey, "Jacobian Descent
    For Multi-Objective Optimization", 2024, https://arxiv.org/abs/2406.16232, proposition 1).
    """
    lengths = np.linalg.norm(vectors, axis=0)
    size = np.abs(start * lengths).max()
    if size == 0:
        return start
    lengths[lengths == 0] = 1
    more: Array = nnls(vectors / lengths, vectors @ (-start / size))[0]
    return start + size * more / lengths


def nearest_with_progress(vectors: Array, start: Array, progress: Array) -> Array | None:
    """The multipliers m >= 0 of the x nearest to ``start`` with ``vectors.T @ x >= progress``.

    ``x = start + vectors @ m`` (least distance programming, Lawson & Hanson, chapter 23.4); None
    where that x is more than `FARTHEST` times as far from the start as the most that a vector
    misses on its own, or there is none.
    """
    lengths = np.linalg.norm(vectors, axis=0)
    lengths[lengths == 0] = 1
    missing = (progress - vectors.T @ start) / lengths  # how far each is from what it asks for
    if (missing <= 0).all():
        return np.zeros(len(progress))
    size = np.abs(missing).max()
    system = np.vstack([vectors / lengths, missing / size])
    target = np.zeros(len(system))
    target[-1] = 1
    multipliers: Array = nnls(system, target)[0]
    slack = 1 - missing @ multipliers / size  # the squared distance from the target
    if slack < 1 / (1 + FARTHEST**2):
        return None
    return multipliers * size / slack / lengths


FARTHEST = 1e3
