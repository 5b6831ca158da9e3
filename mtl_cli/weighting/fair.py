"""Weights with which every task gets its fair share of progress, by Newton's method."""

from __future__ import annotations

import numpy as np

from mtl_cli.weighting.gramian import Array, cosines

# No mixture of unit gradients counts as shorter than the root of this: opposed ones leave rounding.
SHORTEST = 1e-6
MAX_STEPS = 200
CLOSE = 1e-6  # a Newton step that changes x by this share leaves the square of it: rounding


def fair_weights(gramian: Array, power: float) -> Array:
    """The x > 0 with ``G x = x^-power``: what a task gains, ``(G x)_k``, falls with its weight.

    It minimises the convex ``x^T G x / 2 - sum_k phi(x_k)``, where ``phi'(x) = x^-power``, and is
    unique; a gradient of zero has the weight 0. The unknowns are in units of each task's weight
    when alone, so that the lengths of the gradients may differ by many orders of magnitude.

    Raises:
        ArithmeticError: where rounding keeps Newton's method from it.
    """
    lengths, between = cosines(gramian)
    some = lengths > 0
    lengths = lengths[some]
    weights = np.zeros(len(gramian))
    if not some.any():
        return weights
    values, vectors = np.linalg.eigh(between[np.ix_(some, some)])
    unit = lengths ** (-2 / (1 + power))  # the weight of each task alone
    root = np.sqrt(values.clip(SHORTEST))[:, None] * vectors.T * (lengths * unit)
    weights[some] = unit * minimise(root, unit ** (1 - power), power)
    return weights


def minimise(root: Array, pull: Array, power: float) -> Array:
    """The x > 0 of least ``|root x|^2 / 2 - sum_k pull_k phi(x_k)``, from x = 1."""

    def value(x: Array) -> float:
        phi = np.log(x) if power == 1 else x ** (1 - power) / (1 - power)
        mixture = root @ x
        return float(mixture @ mixture / 2 - pull @ phi)

    x = np.ones(len(pull))
    last = value(x)
    for _ in range(MAX_STEPS):
        force = pull * x**-power
        slope = root.T @ (root @ x) - force
        step = np.linalg.solve(root.T @ root + np.diag(power * force / x), -slope)
        if (np.abs(step) <= CLOSE * x).all():
            return x + step
        size = min(1.0, 0.99 / max(-(step / x).min(), 1e-300))  # x stays positive
        noise = 1e-14 * (np.abs(last) + force @ x)
        while (new := value(x + size * step)) > last + 0.1 * size * (slope @ step) + noise:
            size /= 2
        x, last = x + size * step, new
    raise ArithmeticError(f"no end after {MAX_STEPS} steps of Newton's method")
