"""Maps as colours: one scale for labels and predictions, and nothing where nothing is known."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from mtl_cli.drawing.examples import TaskMaps, draw_examples
from mtl_cli.drawing.page import drawing_on, read_page
from mtl_cli.drawing.painting import Maps, paint
from mtl_cli.drawing.style import class_colors

NAN = float("nan")


@pytest.mark.parametrize("count", [7, 19, 40, 150])
def test_classes_have_colours_of_their_own(count: int) -> None:
    assert len({tuple(np.round(color, 6)) for color in class_colors(count)}) == count


def test_a_class_has_one_colour_and_a_missing_one_none() -> None:
    label, said = np.array([[[0, 2, -1]]], np.int8), np.array([[[2, 0, 2]]], np.uint8)
    painted = paint(Maps("classes", (label, said), ["floor", "wall", "box"]))
    first, second = painted.parts
    assert first[0, 0, :, 3].tolist() == [1, 1, 0]
    assert (first[0, 0, 0] == second[0, 0, 1]).all()
    assert (first[0, 0, 1] == second[0, 0, 0]).all()
    assert [name for _, name in painted.legend] == ["floor", "box"]
    assert painted.legend[1][0] == tuple(first[0, 0, 1])


def test_numbers_have_the_scale_of_the_labels() -> None:
    label, said = np.array([[[1.0, 3.0, NAN]]]), np.array([[[1.0, 2.0, 9.0]]])
    painted = paint(Maps("numbers", (label, said)))
    assert (painted.parts[0][0, 0, 0] == painted.parts[1][0, 0, 0]).all()
    assert (painted.parts[0][0, 0, 1] == painted.parts[1][0, 0, 2]).all()  # beyond: the last colour
    assert painted.parts[0][0, 0, 2, 3] == 0
    assert (painted.scale.norm.vmin, painted.scale.norm.vmax, painted.beyond) == (1, 3, "max")


def test_maps_without_any_label_can_be_painted() -> None:
    label, said = np.full((1, 2, 2), NAN), np.full((1, 2, 2), 4.0)
    painted = paint(Maps("numbers", (label, said)))
    assert not painted.parts[0][..., 3].any()
    assert painted.parts[1][..., 3].all()


def test_directions_are_red_green_and_blue() -> None:
    x = np.array([[1.0, 0, 0], [0, -1, 0], [0, NAN, 1]]).T.reshape(1, 3, 1, 3)
    (painted,) = paint(Maps("directions", (x,))).parts
    assert painted[0, 0].tolist() == [[1, 0.5, 0.5, 1], [0.5, 0, 0.5, 1], [0, 0, 0, 0]]


def figure(width: str | None) -> Figure:
    shares = np.linspace(0, 1, 2 * 4 * 6).reshape(2, 4, 6)
    tasks = [
        TaskMaps("depth", Maps("numbers", (np.where(shares < 0.5, NAN, shares), shares)), "m"),
        TaskMaps("edges", Maps("shares", (shares.round(), shares))),
    ]
    with drawing_on(read_page("png", width)):
        drawn = draw_examples(np.zeros((2, 4, 6, 3)), tasks, "a run")
        drawn.draw_without_rendering()
    assert isinstance(drawn, Figure)
    return drawn


def test_a_screen_has_a_row_a_picture_and_a_column_of_a_paper_a_row_a_map() -> None:
    screen, column = figure(None), figure("85mm")
    names = ["picture", *(f"{t}\n{w}" for t in ("depth", "edges") for w in ("label", "prediction"))]
    assert [axis.get_title() for axis in screen.axes[:5]] == names
    assert [axis.get_ylabel() for axis in column.axes[:10:2]] == names
    assert column.get_figwidth() == pytest.approx(85 / 25.4)
    for drawn in (screen, column):
        bars = [f"{axis.get_xlabel()}{axis.get_ylabel()}" for axis in drawn.axes[10:]]
        assert bars == ["depth [m]", "edges: probability"]
        assert [text.get_text() for text in drawn.legends[0].texts] == ["no label"]
