"""The front and its hypervolume, against brute force."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtl_cli.drawing.pareto import front, hypervolume, outline

VALUE = st.integers(0, 6).map(lambda number: 10.0 * number)
POINTS = st.lists(st.tuples(VALUE, VALUE), min_size=1, max_size=7)
WAYS = st.tuples(st.booleans(), st.booleans())


@given(POINTS, WAYS)
def test_nothing_beats_the_front_and_something_beats_the_rest(points, higher) -> None:
    def as_good(one, other):
        return all(p >= q if up else p <= q for p, q, up in zip(one, other, higher, strict=True))

    best = front(points, higher)
    assert best
    for i, point in enumerate(points):
        beaten = any(as_good(other, point) and other != point for other in points)
        assert (i in best) != beaten


@given(POINTS, WAYS)
def test_the_hypervolume_is_the_share_of_cells_that_are_beaten(points, higher) -> None:
    low, high = np.min(points, axis=0), np.max(points, axis=0)
    volume = hypervolume(points, higher)
    if (low == high).any():
        assert volume is None
        return
    # The box ends a tenth beyond the worst value. All corners lie on whole numbers: each unit cell
    # is beaten whole or not at all.
    beyond = (high - low) / 10
    low, high = low - beyond * np.array(higher), high + beyond * ~np.array(higher)
    axes = [np.arange(start, end) + 0.5 for start, end in zip(low, high, strict=True)]
    beaten = np.zeros((len(axes[0]), len(axes[1])), dtype=bool)
    for point in points:
        x, y = (
            p > cells if up else p < cells for p, cells, up in zip(point, axes, higher, strict=True)
        )
        beaten |= np.outer(x, y)
    assert volume == pytest.approx(beaten.mean())


def test_the_outline_goes_in_steps_from_worst_to_worst() -> None:
    assert outline([(1.0, 3.0), (2.0, 1.0), (4.0, 4.0)], (False, False)) == [
        (1.0, 4.0),
        (1.0, 3.0),
        (2.0, 3.0),
        (2.0, 1.0),
        (4.0, 1.0),
    ]
    assert outline([(1.0, 1.0), (0.0, 0.0)], (True, True)) == [(1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
