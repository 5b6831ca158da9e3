"""The fair weights: they satisfy their equation, or one near it that has a solution."""

import numpy as np
import pytest

from mtl_cli.weighting.fair import fair_weights

POWERS = [0.2, 0.5, 1, 2, 5]


def gramian(count, dim, scales=0.0, seed=0):
    draw = np.random.default_rng(seed)
    rows = draw.normal(size=(count, dim)) * 10 ** draw.uniform(-scales, scales, (count, 1))
    return rows @ rows.T


@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize("count", [1, 2, 8, 64])
@pytest.mark.parametrize("scales", [0.0, 2.0])
def test_the_equation_holds(power, count, scales):
    g = gramian(count, count + 20, scales)
    x = fair_weights(g, power)
    assert (x > 0).all()
    rounding = 1e-15 * np.abs(g) @ x  # of the sum that is checked
    assert (np.abs(g @ x - x**-power) <= 1e-4 * x**-power + rounding).all()


@pytest.mark.parametrize("power", POWERS)
def test_a_task_alone_has_the_weight_of_the_formula(power):
    np.testing.assert_allclose(fair_weights(np.array([[9.0]]), power), [9 ** (-1 / (1 + power))])


@pytest.mark.parametrize("power", POWERS)
def test_a_gradient_of_zero_has_no_weight_and_changes_none(power):
    g = gramian(3, 10)
    padded = np.zeros((4, 4))
    padded[:3, :3] = g
    np.testing.assert_allclose(fair_weights(padded, power), [*fair_weights(g, power), 0])
    assert fair_weights(np.zeros((2, 2)), power).tolist() == [0, 0]


@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize(
    "rows",
    [[[1, 0], [-1, 0]], [[1, 0], [-1, 1e-4]], [[1, 0], [-1, 0], [0, 1]], [[1, 0], [-1e3, 0]]],
)
def test_without_a_solution_weights_are_finite_and_gain_no_task_anything_at_anothers_cost(
    power, rows
):
    a = np.array(rows, dtype=float)
    x = fair_weights(a @ a.T, power)
    assert np.isfinite(x).all()
    assert (x > 0).all()
    gains = (a @ a.T @ x) / (np.linalg.norm(a, axis=1) * (x * np.linalg.norm(a, axis=1)).max())
    assert (gains > -1e-5).all()


def test_scales_of_many_orders_cost_no_digits():
    g = gramian(5, 30)
    scales = np.logspace(-8, 8, 5)
    there = fair_weights(g * np.outer(scales, scales), 1)
    np.testing.assert_allclose(there * scales, fair_weights(g, 1), rtol=1e-8)
