"""Orders of numbers against NumPy's own and loops over pairs."""

import itertools

import numpy as np
import pytest

from mtl_cli.metric.order import in_order, inversions, pairs, pairs_alike, places, seconds, starts

AWKWARD = [
    0.0,
    -0.0,
    1e-45,
    -1e-45,
    3.5,
    -3.5,
    np.inf,
    -np.inf,
    1.0,
    np.nextafter(1, 2),
    1.0,
    -7e30,
]


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_places_are_in_order_and_equal_as_the_values_are(kind):
    values = np.array(AWKWARD, kind)
    found = places(values)
    for (a, x), (b, y) in itertools.product(zip(values, found, strict=True), repeat=2):
        assert (a < b, a == b) == (x < y, x == y)
    assert found.max() < 2**32


def test_pairs_are_in_the_order_of_the_first_then_the_second():
    first, second = np.random.default_rng(0).choice([0, 1, 2**31, 2**32 - 1], (2, 50))
    found = in_order(pairs(first, second))
    assert seconds(found).tolist() == second[np.lexsort((second, first))].tolist()
    assert (np.diff(found) >= 0).all()


@pytest.mark.parametrize("number", [1, 2, 3, 15, 16, 17, 31, 33, 64, 200])
def test_inversions_are_the_pairs_out_of_order(number):
    order = np.random.default_rng(number).permutation(number)
    assert inversions(order) == sum(x > y for x, y in itertools.combinations(order, 2))
    assert inversions(np.arange(number)) == 0
    assert inversions(np.arange(number)[::-1]) == number * (number - 1) // 2


def test_runs_of_equal_values_begin_and_their_pairs_are_counted():
    values = np.array([1, 1, 1, 4, 5, 5])
    assert starts(values).tolist() == [0, 3, 4]
    assert pairs_alike(values) == sum(x == y for x, y in itertools.combinations(values, 2))
