"""The docs as a site, `scripts/docs`: its pages, its links, and how options are read."""

import importlib
import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
YAMLS = sorted((ROOT / "conf").glob("*/*.yaml"))


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Imports one of the modules by which the site is built."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return lambda name: importlib.import_module(f"pages.{name}")


def readable(page: Path) -> str:
    """The text of a page, without its marks, in one line."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.read_text(encoding="utf-8"))).split())


def test_the_site_is_built_without_a_warning_and_has_a_page_for_each_choice(tmp_path, pages):
    """Built once for all that is looked at: this takes most of a minute of a core."""
    places = os.pathsep.join([str(ROOT / "scripts"), str(ROOT)])
    command = [sys.executable, "-m", "pages", "--no-api", "--out", str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": places}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500)
    assert (done.returncode, done.stderr) == (0, "")
    site = tmp_path / "html"
    assert done.stdout == f"docs: {site / 'index.html'}\n"

    assert len(YAMLS) > 100
    for path in YAMLS:
        assert (site / "parts" / path.parent.name / f"{path.stem}.html").is_file(), path
        overview = (site / "parts" / path.parent.name / "index.html").read_text(encoding="utf-8")
        assert f'href="{path.stem}.html"' in overview, path
    for path in (ROOT / "docs").glob("*.md"):
        assert (site / "docs" / f"{path.stem}.html").is_file(), path

    said = readable(site / "parts" / "arch" / "mmoe.html")
    assert "arch.num_experts=8 each one a whole encoder arch.gate_bias=true the gates are" in said
    assert "Modeling Task Relationships in Multi-task Learning" in said  # of the docstring
    assert said.count("every task weighs the same experts by a gate of its own") == 1
    said = readable(site / "parts" / "trainer" / "default.html")
    assert "trainer.patience=null epochs without a better val figure before training" in said

    said = readable(site / "gallery.html")
    assert "This build has no pictures" in said
    for item in pages("gallery").read_items():  # words of a command are coloured apart
        lines = pages("gallery").in_lines(item.command)
        assert "".join(lines.split()) in said.replace(" ", "")

    assert pages("links").broken(site) == []


def test_links_that_lead_nowhere_are_found(tmp_path, pages):
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "index.html").write_text('<h1 id="here">Below</h1><a href="#here">ok</a>')
    (tmp_path / "a picture.png").write_bytes(b"")
    links = ["below/index.html", "below/", "below/#here", "below/index.html#there", "gone.html"]
    links += ["#nowhere", "https://example.org/gone.html#x", "mailto:a@example.org", "?q=1"]
    links += ["below/index.html?q=1#here", "#", "a%20picture.png"]
    text = "".join(f'<a href="{link}">x</a>' for link in links) + '<img src="gone.png">'
    (tmp_path / "page.html").write_text(text)
    found = ["below/index.html#there", "gone.html", "#nowhere", "gone.png"]
    assert pages("links").broken(tmp_path) == [f"page.html: {link}" for link in found]


def read(pages: Any, text: str) -> list[tuple[str, str, str]]:
    return [(own.path, own.value, own.meaning) for own in pages("options").options(text)]


def test_an_option_has_its_value_and_the_comments_beside_and_above_it(pages):
    text = """\
# What the part is.
_target_: my.Part
_partial_: true
width: 64  # of a layer
depth: 2  # how many layers,
          # one above the other
# said above,
# in two lines
rate: ${optimizer.lr}
name: "a # b"  # with a mark inside
plain: 3
nothing:  # none
"""
    assert read(pages, text) == [
        ("width", "64", "of a layer"),
        ("depth", "2", "how many layers, one above the other"),
        ("rate", "${optimizer.lr}", "said above, in two lines"),
        ("name", '"a # b"', "with a mark inside"),
        ("plain", "3", ""),
        ("nothing", "null", "none"),
    ]


def test_options_below_others_have_the_whole_path(pages):
    text = """\
split:  # how rows are dealt
  val: 0.1  # of train
  by: {a: 1}  # as a mapping in a line
sizes:  # of the layers
  - 3  # the first
  - "#4"
head:
  _target_: my.Head
  width: 8  # of the head
"""
    assert read(pages, text) == [
        ("split", "", "how rows are dealt"),
        ("split.val", "0.1", "of train"),
        ("split.by", "{a: 1}", "as a mapping in a line"),
        ("sizes", '- 3 - "#4"', "of the layers"),
        ("head.width", "8", "of the head"),
    ]


def test_what_a_yaml_says_of_itself_begins_with_and_names(pages):
    text = """\
# @package _global_
# What it is,
# in two lines.
defaults:
  - _self_
  - arch: mmoe  # with experts
  - override /task@tasks.sin: regression

tasks:
  sin:
    _target_: my.Task
    loss: {_target_: my.Loss}
  cos:
    _target_: my.Task
"""
    options = pages("options")
    assert options.headline(text) == "What it is, in two lines."
    assert options.targets(text) == ["my.Task"]
    found = [(own.path, own.value, own.meaning) for own in options.begins_with(text)]
    assert found == [("arch", "mmoe", "with experts"), ("task@tasks.sin", "regression", "")]
    assert read(pages, text) == [("tasks.sin.loss", "{_target_: my.Loss}", "")]
    assert options.begins_with("width: 3\n") == options.options("# nothing\n") == []
