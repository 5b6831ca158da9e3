"""Names in pictures are names, whatever characters they have."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from mtl_cli.drawing.files import save


@pytest.mark.parametrize("name", ["$${x}{", "a$_{$b", "price in $ or US$", r"\$x$", "x_y^z"])
def test_a_name_is_no_formula(tmp_path: Path, name: str) -> None:
    figure = Figure()
    axes = figure.subplots()
    figure.suptitle(name)
    axes.set(title=name, xlabel=name)
    axes.set_xticks([0, 1], [name, "b"])
    axes.plot([0, 1], [1, 1000], label=name)
    axes.set_yscale("log")
    figure.legend()
    save(figure, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    shown = [text for text in figure.findobj(Text) if text.get_text() == name]
    assert len(shown) >= 5
    assert all(not text.get_parse_math() for text in shown if "$" in name)
    powers = [label for label in axes.get_yticklabels() if "mathdefault" in label.get_text()]
    assert powers
    assert all(label.get_parse_math() for label in powers)
