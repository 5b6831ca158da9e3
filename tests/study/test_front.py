"""The Pareto front by brute force, and its knee."""

import random
from itertools import product

import pytest

from mtl_cli.drawing.pareto import front
from mtl_cli.study.front import knee, pareto_front


@pytest.mark.parametrize("figures", [1, 2, 3, 4])
def test_nothing_on_the_front_is_beaten_and_all_else_is(figures: int) -> None:
    draw = random.Random(figures)
    for _ in range(30):
        points = [[draw.randint(0, 5) for _ in range(figures)] for _ in range(20)]
        best = set(pareto_front(points))
        for i, own in enumerate(points):
            worse = [
                other
                for other in points
                if all(o <= p for o, p in zip(other, own, strict=True))
                and any(o < p for o, p in zip(other, own, strict=True))
            ]
            assert (i in best) == (not worse)
        if figures == 2:
            assert sorted(best) == front([(a, b) for a, b in points], (False, False))


def test_the_knee_of_one_figure_is_the_best_point() -> None:
    draw = random.Random(0)
    points = [[draw.random()] for _ in range(20)]
    assert points[knee(points)] == min(points)


def test_the_knee_bulges_furthest_from_the_line_between_the_ends() -> None:
    """By hand: distances from the line through the ends of the scaled front."""
    draw = random.Random(3)
    for _ in range(50):
        points = [[draw.random(), 100 * draw.random()] for _ in range(12)]
        best = pareto_front(points)
        ends = min(best, key=lambda i: points[i][0]), min(best, key=lambda i: points[i][1])
        spread = [abs(points[ends[0]][k] - points[ends[1]][k]) or 1.0 for k in range(2)]
        (ax, ay), (bx, by) = ([points[i][k] / spread[k] for k in range(2)] for i in ends)

        def out(i: int, ax=ax, ay=ay, bx=bx, by=by, points=points, spread=spread) -> float:
            x, y = points[i][0] / spread[0], points[i][1] / spread[1]
            return (ay - by) * (x - ax) + (bx - ax) * (y - ay)

        furthest = min(best, key=out)
        assert out(knee(points)) == pytest.approx(out(furthest), abs=1e-12)


def test_a_corner_is_the_knee_whatever_the_scales() -> None:
    for first, second in product((1, 1000), repeat=2):
        points = [[0.0 * first, 1.0 * second], [0.1 * first, 0.1 * second], [first, 0.0]]
        assert knee(points) == 1
        assert knee([[3.0 * first, 3.0 * second], *points]) == 2
