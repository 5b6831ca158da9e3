"""What the page of the house says is true: its files are there, its parts work from outside."""

import re
import shlex
import sys
from pathlib import Path

import pytest

import mtl_cli.train

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
FILES = re.findall(
    r"`((?:my_conf|my_parts)/[a-z_/]+\.(?:yaml|py))`:\n\n```[a-z]+\n(.*?)```", PAGE, re.S
)
LINES = re.findall(r"^mtl-train .*", PAGE, re.M)


def test_the_files_that_it_names_are_there() -> None:
    named = re.findall(r"`((?:mtl_cli|conf|tests)/[a-z_/]+(?:\.py|\.yaml|/))`", PAGE)
    assert len(named) >= 20
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_there_is_an_example_of_each_part() -> None:
    groups = {path.split("/")[1] for path, _ in FILES if path.startswith("my_conf")}
    assert groups == {"loss", "dataset", "encoder"}
    assert len(LINES) == 4


@pytest.mark.parametrize("line", LINES)
def test_its_lines_run(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path, text in FILES:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "argv", [*shlex.split(line), "trainer=smoke"])
    mtl_cli.train.main()
    [folder] = tmp_path.glob("runs/*/*")
    assert (folder / "summary.json").is_file()
