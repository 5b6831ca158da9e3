"""The gallery of the docs: its commands can be typed, and each picture stands below its own."""

import importlib
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from mtl_cli.command_line.cli import compose

ROOT = Path(__file__).parent.parent
PLACE = re.compile(r"^(?:hydra\.(?:run|sweep)\.dir|run)=")


@pytest.fixture
def gallery(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module("pages.gallery")


def jobs(words: list[str]) -> list[list[str]]:
    """The words of some jobs of a sweep, with each of its values once; of no sweep the words."""
    if "--multirun" not in words:
        return [words]
    values = [
        word.partition("=")[2].split(",") if "[" not in word else [word.partition("=")[2]]
        for word in words[1:]
    ]
    keys = [word.partition("=")[0] for word in words[1:]]
    return [
        [f"{key}={own[k % len(own)]}" for key, own in zip(keys, values, strict=True)]
        for k in range(max(map(len, values)))
    ]


def test_its_commands_can_be_typed_and_say_where_their_pictures_lie(gallery):
    items = gallery.read_items()
    assert len(items) >= 7
    assert len({item.title for item in items}) == len(items)
    begun: set[str] = set()
    for item in items:
        program, *words = shlex.split(item.command)
        [folder] = [PLACE.sub("", word) for word in words if PLACE.match(word)]
        assert item.files
        assert {Path(file).parts[0] for file in item.files} == {folder}
        if program == "mtl-train":
            assert folder not in begun
            for job in jobs(words):
                compose("train", job)
        else:
            assert (program, folder in begun) == ("mtl-diagnose", True)
            compose("diagnose", [word for word in words if not word.startswith("run=")])
        begun.add(folder)


def test_a_tiny_one_is_built_and_without_pictures_the_page_says_so(tmp_path, gallery, capsys):
    command = "mtl-train trainer=smoke hydra.run.dir=tiny"
    files = {"tiny/plots/learning_curves.png": "Its curves.", "tiny/config.yaml.html": "A page"}
    table = tmp_path / "gallery.yaml"
    table.write_text(yaml.safe_dump([{"title": "Tiny", "command": command, "files": files}]))
    [item] = items = gallery.read_items(table)
    made, site = tmp_path / "made", tmp_path / "site"
    made.mkdir()
    with pytest.raises(SystemExit, match=re.escape("tiny/config.yaml.html was not drawn by")):
        gallery.make(items, made)
    (made / "tiny/config.yaml.html").write_text("<p>x</p>")

    site.mkdir()
    gallery.write_gallery(items, made, site)
    picture = "gallery/tiny/plots/learning_curves.png"
    assert (site / picture).read_bytes().startswith(b"\x89PNG")
    page = (site / "gallery.md").read_text()
    assert gallery.WITHOUT not in page
    place = [
        page.index(part)
        for part in (item.title, gallery.in_lines(command), "Its curves.", f"{{image}} {picture}")
    ]
    assert place == sorted(place)
    assert "[A page](gallery/tiny/config.yaml.html)" in page

    gallery.write_gallery(items, None, tmp_path)
    page = (tmp_path / "gallery.md").read_text()
    assert gallery.WITHOUT in page
    assert command in page
    assert "{image}" not in page


def test_a_long_command_goes_on_in_the_next_line_as_a_shell_reads_it(gallery):
    for item in gallery.read_items():
        lines = gallery.in_lines(item.command).splitlines()
        assert max(map(len, lines)) <= 80
        assert all(line.endswith(" \\") for line in lines[:-1])
        whole = " ".join(line.removesuffix("\\") for line in lines)
        assert shlex.split(whole) == shlex.split(item.command)


def test_a_command_that_fails_is_said_with_its_error(tmp_path, gallery):
    item = gallery.Item("Wrong", "mtl-train arch=nothing", {"x.png": "x"})
    with pytest.raises(SystemExit) as failed:
        gallery.make([item], tmp_path)
    assert "this failed: mtl-train arch=nothing" in str(failed.value)
    assert "arch must be one of" in str(failed.value)
