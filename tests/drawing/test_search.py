"""The picture of a search has every finished trial, and the winner."""

from pathlib import Path

import pytest

from mtl_cli.drawing import search
from mtl_cli.drawing.search import Tried, draw_search


@pytest.mark.parametrize(
    ("names", "higher", "file"),
    [(["loss"], [False], "search.png"), (["a/f1", "b/loss"], [True, False], "front.png")],
)
def test_every_trial_is_a_point(tmp_path: Path, monkeypatch, names, higher, file) -> None:
    points = [[3.0, 1.0], [1.0, 0.5], [2.0, 2.0]]
    tried = [
        Tried(f"arch={name}", [0, 2, 3], [point[: len(names)] for point in points], 1)
        for name in ("hps", "mmoe")
    ]
    drawn = []
    monkeypatch.setattr(search, "save", lambda figure, path: drawn.append(figure) or path)
    assert draw_search(tried, names, higher, tmp_path) == [tmp_path / file]
    [axis] = drawn[0].axes
    found = [list(map(tuple, own.get_offsets())) for own in axis.collections]
    wished = [
        (k, p[0]) if len(names) == 1 else tuple(p) for k, p in zip((0, 2, 3), points, strict=True)
    ]
    assert sum(own == wished for own in found) == 2
    assert sum(own == wished[1:2] for own in found) == 2
    if len(names) == 1:
        assert list(axis.lines[0].get_ydata()) == [3.0, 1.0, 1.0]


def test_of_more_figures_there_is_none(tmp_path: Path) -> None:
    assert draw_search([], ["a", "b", "c"], [False] * 3, tmp_path) == []
