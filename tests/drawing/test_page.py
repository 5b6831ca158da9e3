"""In a column of a paper every picture is as wide as the column, and its letters can be read."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.text import Text

from mtl_cli.basis.errors import Problem
from mtl_cli.diagnostic.pairs import ALL, Seen, draw_curves, draw_maps
from mtl_cli.diagnostic.shares import Table
from mtl_cli.drawing import curves
from mtl_cli.drawing.confusion import draw_confusion
from mtl_cli.drawing.files import save
from mtl_cli.drawing.heat_map import heat_map
from mtl_cli.drawing.page import SCREEN, drawing_on, page, read_page
from mtl_cli.drawing.style import label, new_figure

LEAST = 5.0  # pt


def learning_curves():
    points = {"train": [(1, 0.5), (2, 0.4)], "val": [(1, 0.6), (2, 0.4)], "test": [(2, 0.3)]}
    metrics = dict.fromkeys(("loss", "accuracy", "f1", "auroc", "recall"), points)
    return curves.draw_tasks(dict.fromkeys(("digit", "parity"), metrics), "a long title " * 8)


def weights():
    return curves.draw_weights({f"task {n}": [(1, 0.5), (2, n)] for n in range(8)}, "title")


def confusion():
    return draw_confusion(np.eye(10) * 7 + 1, [], "title\ntask: confusion matrix")


def gates():
    cells = [(task, f"expert {n}") for task in "abc" for n in range(8)]
    return Table(cells, [(1, 1), (1, 2)], np.full((2, 24), 0.125)).draw("title")


def seen() -> Seen:
    jacobian = np.random.default_rng(0).normal(size=(20, 4, 3, 4))
    layers = [ALL, *(f"arch.trunk.stages.{n}.0.0" for n in range(3))]
    gramians = jacobian @ np.swapaxes(jacobian, -1, -2)
    return Seen(["sin", "cos", "tan"], layers, [(1, n + 1) for n in range(20)], gramians)


def conflict():
    return draw_curves(seen(), "title")


def cosines():
    return draw_maps(seen(), "title")


PICTURES = [learning_curves, weights, confusion, gates, conflict, cosines]


@pytest.mark.parametrize(
    ("draw", "width"), [*((draw, "85mm") for draw in PICTURES), (learning_curves, "17cm")]
)
def test_a_picture_is_as_wide_as_the_column_and_can_be_read(draw, width, tmp_path: Path) -> None:
    with drawing_on(read_page("pdf", width)):
        figure = draw()
        file = save(figure, tmp_path / "a.b.png")
        assert figure.get_figwidth() == pytest.approx({"85mm": 85, "17cm": 170}[width] / 25.4)
        figure.draw_without_rendering()
        texts = [t for t in figure.findobj(Text) if t.get_text() and t.get_visible()]
        assert min(text.get_fontsize() for text in texts) >= LEAST
        titles = [figure._suptitle, *(axis.title for axis in figure.axes)]
        boxes = [title.get_window_extent() for title in titles if title.get_text()]
        assert all(-1 <= box.x0 <= box.x1 <= figure.bbox.width + 1 for box in boxes)
        maps = [axis for axis in figure.axes if axis.get_label() != "<colorbar>"]
        boxes = [axis.get_window_extent() for axis in maps]
        assert all(min(box.width, box.height) > 40 for box in boxes)
    assert file.name == "a.b.pdf"
    assert file.read_bytes().startswith(b"%PDF")
    assert page() is SCREEN


def test_numbers_that_are_wider_than_their_cells_are_left_out(tmp_path: Path) -> None:
    with drawing_on(read_page("png", "50mm")):
        figure = new_figure(3, 3, "")
        axis = figure.subplots()
        heat_map(axis, np.zeros((2, 20)), ["a", "b"], [str(n) for n in range(20)], "")
        save(figure, tmp_path / "a.png")
        assert not any(text.get_visible() for text in axis.texts)


@pytest.mark.parametrize("words", [("gif", None), ("png", "85"), ("png", "1mm"), ("pdf", "9 km")])
def test_another_format_or_width_is_told(words: tuple[str, str | None]) -> None:
    with pytest.raises(Problem, match="pictures"):
        read_page(*words)


def test_a_confusion_matrix_has_counts_and_shares_of_the_true_class() -> None:
    [axis, _] = draw_confusion(np.array([[3.0, 1.0], [0.0, 0.0]]), ["no", "yes"], "t").axes
    assert [text.get_text() for text in axis.texts] == ["3\n75%", "1\n25%", "", ""]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["no", "yes"]
    several = draw_confusion(np.ones((3, 2, 2)), ["a", "b", "c"], "t").axes
    assert [axis.get_title() for axis in several[:3]] == ["a", "b", "c"]


def test_many_tasks_are_pictures_that_a_page_has_room_for():
    metrics = {f"task {n}": ["loss", "accuracy", "f1"] for n in range(5)}
    assert [len(part) for part in curves.in_pictures(metrics, 6)] == [5]
    points = {"val": [(1, 0.5), (2, 0.4)]}
    with drawing_on(read_page("pdf", "85mm")):
        parts = curves.in_pictures(metrics, 6)
        assert [len(part) for part in parts] == [2, 2, 1]
        own = {task: dict.fromkeys(metrics[task], points) for task in parts[0]}
        assert curves.draw_tasks(own, "title").get_figheight() < 1.6 * page().width


def test_labels_are_cut_where_words_end():
    assert label("arch=mmoe encoder.hidden=[128,64]", 20) == "arch=mmoe\nencoder.hidden=[128,\n64]"
    assert label("x" * 25, 20) == f"{'x' * 20}\n{'x' * 5}"
