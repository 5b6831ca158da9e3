"""Pictures of diagnostics: every line has its name, and no legend covers a line."""

from itertools import pairwise

import numpy as np
import pytest

from mtl_cli.diagnostic.conflict import Conflict
from mtl_cli.diagnostic.drawing import (
    MOST_LINES,
    MOST_NAMED,
    draw_lines,
    line_look,
    make_figure,
    map_by_step,
    name_lines,
)
from mtl_cli.diagnostic.gradient_norm import GradientNorm
from mtl_cli.diagnostic.pairs import ALL, Seen, draw_curves
from mtl_cli.diagnostic.shares import Table
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.drawing.heat_map import MOST_COLUMNS


def legend_names(axis) -> list[str]:
    return [text.get_text() for text in axis.get_legend().get_texts()]


def assert_legends_cover_nothing(figure) -> None:
    figure.draw_without_rendering()
    boxes = [axis.bbox for axis in figure.axes]
    for axis in figure.axes:
        if axis.get_legend() is not None:
            covered = axis.get_legend().get_window_extent()
            assert not any(covered.overlaps(box) for box in boxes)
            assert figure.bbox.height >= covered.y1 > covered.y0 >= 0
            assert figure.bbox.width >= covered.x1 > covered.x0 >= 0


def draw(num_lines: int, below: bool = True):
    figure, [[axis]] = make_figure("title", 8, 9, nrows=1, ncols=1)
    lines = {f"line {n}": np.array([n, np.nan, n + 1.0]) for n in range(num_lines)}
    draw_lines(axis, [1, 2, 3], lines, "what")
    name_lines(axis, below)
    return figure, axis, lines


@pytest.mark.parametrize(
    ("num_lines", "below"),
    [(1, True), (MOST_NAMED, True), (1, False), (MOST_NAMED + 1, False), (MOST_LINES, False)],
)
def test_every_line_has_a_name_and_a_look_of_its_own(num_lines: int, below: bool) -> None:
    figure, axis, lines = draw(num_lines, below)
    assert legend_names(axis) == list(lines)
    assert len({str(line_look(n, num_lines)) for n in range(num_lines)}) == num_lines
    assert_legends_cover_nothing(figure)


def test_lines_of_few_steps_have_marks_of_their_own_that_tell_lines_of_a_colour_apart() -> None:
    _, axis, lines = draw(MOST_NAMED)
    looks = {(line.get_color(), line.get_marker()) for line in axis.get_lines()}
    assert len(looks) == len(lines)


def test_of_too_many_lines_there_is_the_range_and_the_mean() -> None:
    _, axis, lines = draw(MOST_LINES + 1)
    assert legend_names(axis) == [f"all {len(lines)}", "their mean"]
    [mean] = axis.get_lines()
    assert list(mean.get_xdata()) == [1, 3]
    assert list(mean.get_ydata()) == [MOST_LINES / 2, MOST_LINES / 2 + 1]


@pytest.mark.parametrize("num_steps", [1, 10, 11, 60, 1000])
def test_a_map_shows_steps_evenly_spread_from_the_first_to_the_last(num_steps: int) -> None:
    _, [[axis]] = make_figure("title", 5, 3, nrows=1, ncols=1)
    steps = list(range(1, num_steps + 1))
    values = np.arange(num_steps, dtype=float)
    image = map_by_step(axis, steps, {"a": values, "b": -values}, "what", "{:g}".format)
    shown = image.get_array()[0].tolist()
    assert len(shown) == min(num_steps, MOST_COLUMNS)
    assert (shown[0], shown[-1]) == (0, num_steps - 1)
    gaps = {later - first for first, later in pairwise(shown)}
    assert max(gaps, default=1) - min(gaps, default=1) <= 1
    assert [label.get_text() for label in axis.get_yticklabels()] == ["a", "b"]
    figures = [text.get_text() for text in axis.texts if text.get_text()]
    assert len(figures) == (2 * num_steps if num_steps <= 10 else 0)


def test_a_gradient_of_zero_is_left_grey_and_says_so() -> None:
    _, [[axis]] = make_figure("title", 5, 3, nrows=1, ncols=1)
    lines = {"a": np.array([0.0, 100.0, np.nan])}
    image = map_by_step(axis, [1, 2, 3], lines, "what", "{:g}".format, log=True)
    assert np.ma.filled(image.get_array(), np.nan)[0].tolist() == pytest.approx(
        [np.nan, 2.0, np.nan], nan_ok=True
    )
    assert [text.get_text() for text in axis.texts] == ["0", "100", ""]


@pytest.mark.parametrize(("num_tasks", "num_layers"), [(2, 3), (8, 20)])
def test_curves_of_conflict_name_every_layer_and_every_pair(num_tasks, num_layers) -> None:
    jacobian = np.random.default_rng(0).normal(size=(20, num_layers, num_tasks, 4))
    gramians = jacobian @ np.swapaxes(jacobian, -1, -2)
    layers = [ALL, *(f"arch.layer_{n}" for n in range(1, num_layers))]
    tasks = [f"task {k}" for k in range(num_tasks)]
    seen = Seen(tasks, layers, [(1, n + 1) for n in range(20)], gramians)
    figure = draw_curves(seen, "title")
    cosines, shares, ratios = figure.axes[:3]
    assert [label.get_text() for label in shares.get_yticklabels()] == layers
    few = len(seen.names) <= MOST_NAMED
    named = seen.names if few else [f"all {len(seen.names)}", "their mean"]
    assert legend_names(cosines) == legend_names(ratios) == named
    low, high = cosines.get_ylim()
    assert low == -high
    assert_legends_cover_nothing(figure)


def test_one_look_has_no_curves_and_takes_away_those_of_others(make_subject, tmp_path) -> None:
    curves = RunFolder(tmp_path).plots / "conflict_curves.png"
    Conflict(every=1).run(make_subject(num_steps=2))
    assert curves.is_file()
    Conflict(every=1).run(make_subject(num_steps=1))
    assert not curves.exists()
    norms = GradientNorm(every=1)
    norms.run(make_subject(num_steps=1))
    figure = norms.draw(np.ones((1, len(norms.owners))), "title")
    assert sum(bool(axis.get_lines()) for axis in figure.axes) == 0


def test_an_expert_looks_the_same_with_every_task() -> None:
    """Task b lacks the first expert; the legend beside b is of both."""
    cells = [("a", "e1"), ("a", "e2"), ("b", "e2"), ("b", "e3")]
    table = Table(cells, [(1, 1), (1, 2)], np.array([[0.4, 0.6, 0.2, 0.8]] * 2))
    figure = table.draw("title")
    _, a, b = figure.axes[:3]
    assert legend_names(b) == ["e1", "e2", "e3"]
    colors = [{line.get_label(): line.get_color() for line in axis.get_lines()} for axis in (a, b)]
    assert colors[0] == colors[1]
    assert_legends_cover_nothing(figure)
    one_look = Table(cells, [(1, 1)], np.array([[0.4, 0.6, 0.2, 0.8]])).draw("title")
    assert len(one_look.axes) == 1
