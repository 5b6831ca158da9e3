"""The nearest points, by the conditions that make them so, and by a solver of another kind."""

import numpy as np
import pytest
from scipy.optimize import minimize

from mtl_cli.weighting.nearest import (
    nearest_in_dual_cone,
    nearest_in_hull,
    nearest_with_progress,
)

CASES = [(1, 4), (2, 4), (5, 8), (8, 3), (30, 40), (64, 10)]
each_size = pytest.mark.parametrize(("count", "dim"), CASES)


def vectors(count, dim, scales=0.0):
    draw = np.random.default_rng(count * 100 + dim)
    return draw.normal(size=(dim, count)) * 10 ** draw.uniform(-scales, scales, count)


@each_size
@pytest.mark.parametrize("scales", [0.0, 3.0])
def test_the_hulls_shortest_point_is_on_the_near_side_of_every_vector(count, dim, scales):
    """v is the shortest just where g_k . v >= |v|^2 for all k, with equality where w_k > 0."""
    a = vectors(count, dim, scales)
    w = nearest_in_hull(a)
    v = a @ w
    assert (w >= 0).all()
    assert np.isclose(w.sum(), 1)
    size = np.linalg.norm(a, axis=0)
    assert (a.T @ v - v @ v >= -1e-9 * size * size.max()).all()
    assert (np.abs((a.T @ v - v @ v)[w > 0]) <= 1e-9 * (size * size.max())[w > 0]).all()


def test_the_hull_of_a_zero_vector_has_that_as_its_shortest_point():
    a = np.array([[1.0, 0, 2, 0], [1.0, 0, 0, 0]])
    assert nearest_in_hull(a).tolist() == [0, 0.5, 0, 0.5]


@each_size
@pytest.mark.parametrize("scales", [0.0, 3.0])
def test_the_dual_cones_nearest_point_meets_its_conditions(count, dim, scales):
    """A x >= 0; only vectors with g_k . x = 0 were added to the start."""
    a = vectors(count, dim, scales)
    start = np.random.default_rng(0).uniform(size=count)
    w = nearest_in_dual_cone(a, start)
    x = a @ w
    added = w - start
    size = np.linalg.norm(a, axis=0)
    reach = 1e-9 * size * (size * w).max()
    assert (added >= 0).all()
    assert (a.T @ x >= -reach).all()
    assert (np.abs(a.T @ x)[added > 0] <= reach[added > 0]).all()


def test_the_dual_cone_of_nothing_to_project_is_left_alone():
    a = vectors(3, 5)
    assert nearest_in_dual_cone(a, np.zeros(3)).tolist() == [0, 0, 0]
    assert nearest_in_dual_cone(0 * a, np.ones(3)).tolist() == [1, 1, 1]


@each_size
def test_the_nearest_point_with_progress_meets_its_conditions(count, dim):
    a = vectors(count, dim)
    draw = np.random.default_rng(1)
    start = draw.normal(size=dim)
    progress = a.T @ draw.normal(size=dim) - draw.uniform(size=count)  # there is an x
    m = nearest_with_progress(a, start, progress)
    x = start + a @ m
    assert (m >= 0).all()
    assert (a.T @ x >= progress - 1e-9).all()
    assert (np.abs(a.T @ x - progress)[m > 1e-9] <= 1e-7).all()


def test_the_nearest_point_with_progress_is_that_of_a_general_solver():
    a, start = vectors(3, 4), np.array([1.0, -2, 0.5, 3])
    progress = np.array([1.0, 0.5, 0.2])
    found = minimize(
        lambda x: np.sum((x - start) ** 2),
        start,
        constraints={"type": "ineq", "fun": lambda x: a.T @ x - progress},
        options={"ftol": 1e-14},
    )
    m = nearest_with_progress(a, start, progress)
    np.testing.assert_allclose(start + a @ m, found.x, atol=1e-5)


def test_progress_that_nothing_makes_is_said_to_be_none():
    a = np.array([[1.0, -1], [0, 0]])
    assert nearest_with_progress(a, np.array([0.0, 1]), np.array([1.0, 1])) is None


def test_progress_that_is_there_needs_nothing():
    m = nearest_with_progress(vectors(3, 4), np.zeros(4), np.array([-1.0, 0, -2]))
    assert m.tolist() == [0, 0, 0]
