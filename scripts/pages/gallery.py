"""The gallery: pictures that commands draw, each below its command.

``gallery.yaml`` beside this file has them. No picture is kept: ``scripts/docs --gallery`` runs the
commands, and the page of a build without them has the commands alone, and says so.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

TABLE = Path(__file__).with_name("gallery.yaml")
WIDTH = 66  # letters of a line of a command
ABOUT = (
    "What runs and reports draw of themselves. Every picture was made by the command above it, "
    "on a CPU and without a network, in minutes."
)
WITHOUT = (
    "This build has no pictures: they are made by their commands, which take some minutes, "
    "with `scripts/docs --gallery`."
)


@dataclass(frozen=True)
class Item:
    """A command and what it draws.

    Args:
        title: of the item.
        command: a line as it is typed.
        files: ``{file: what it shows}``, below the folder where the command ran; a page (``.html``)
            is linked, all others are shown.
    """

    title: str
    command: str
    files: Mapping[str, str]


def read_items(table: Path = TABLE) -> list[Item]:
    """The gallery, in its order."""
    return [Item(**own) for own in yaml.safe_load(table.read_text(encoding="utf-8"))]


def make(items: Sequence[Item], folder: Path) -> None:
    """Runs the commands in a folder, where a later one finds the runs of those before.

    Raises:
        SystemExit: where a command fails, or leaves no picture.
    """
    for item in items:
        program, *words = shlex.split(item.command)
        line = [str(Path(sys.executable).with_name(program)), *words]
        begun = time.monotonic()
        done = subprocess.run(line, cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"gallery: this failed: {item.command}\n{done.stderr[-2000:]}")
        lacking = [file for file in item.files if not (folder / file).is_file()]
        if lacking:
            raise SystemExit(f"gallery: {', '.join(lacking)} was not drawn by: {item.command}")
        sys.stdout.write(f"gallery: {item.command}  ({time.monotonic() - begun:.0f} s)\n")
        sys.stdout.flush()


def write_gallery(items: Sequence[Item], made: Path | None, out: Path) -> None:
    """Writes ``gallery.md``, and the pictures beside it.

    Args:
        items: of the gallery.
        made: where the commands ran; None: they did not.
        out: the folder of the page.
    """
    parts = ["# Gallery", ABOUT, *[WITHOUT] * (made is None)]
    for item in items:
        parts += [f"## {item.title}", f"```sh\n{in_lines(item.command)}\n```"]
        if made is None:
            continue
        for name, shows in item.files.items():
            place = out / "gallery" / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(made / name, place)
            parts += shown(out, f"gallery/{name}", shows)
    (out / "gallery.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def in_lines(command: str) -> str:
    """A command that can be read, and copied, where a page is narrow."""
    options: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}
    return " \\\n".join(textwrap.wrap(command, WIDTH, subsequent_indent="    ", **options))


def shown(out: Path, place: str, shows: str) -> list[str]:
    """A picture, at most as large as it is, which leads to itself; or a link to a page."""
    if place.endswith(".html"):
        return [f"[{shows}]({place})"]
    with Image.open(out / place) as picture:
        width = picture.width
    return [shows, f"```{{image}} {place}\n:alt: {shows}\n:width: {width}px\n```"]
