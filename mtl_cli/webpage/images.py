"""Pictures and matrices that runs left, for a page: examples of maps, and confusion."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

from mtl_cli.comparison.compare import telling
from mtl_cli.comparison.group import Group, Table
from mtl_cli.comparison.saved_run import is_number
from mtl_cli.disk.run_folder import from_here
from mtl_cli.drawing.confusion import READABLE

WIDTH = 1400  # pixels, at most
QUALITY = 75  # of WebP, 0 to 100
BYTES = 700_000  # of all pictures of a page, in base64
MATRICES = 200  # of a page


def pack_examples(table: Table, settings: int, room: int) -> tuple[list[dict[str, Any]], list[str]]:
    """The pictures of examples of one run of each setting, as far as there is room."""
    charts, notes = [], []
    there = [(group, path) for group in table.groups if (path := examples_of(group)) is not None]
    shown = telling([group for group, _ in there], settings)
    for group, path in there:
        if group not in shown or room <= 0:
            continue
        try:
            data, size = as_address(path)
        except (OSError, ValueError) as error:
            notes.append(f"{path} is no picture that can be read: {error}")
            continue
        room -= len(data)
        if room > 0:
            folder = from_here(path.parent.parent)
            charts.append(
                {"g": table.groups.index(group), "data": data, "size": size, "run": folder}
            )
    if len(charts) < len(there):
        notes.append(
            f"{len(there) - len(charts)} more settings have example pictures, in plots/ of their "
            "runs; the page has room for no more"
        )
    return charts, notes


def examples_of(group: Group) -> Path | None:
    """The picture of its first run that has one."""
    files = [run.folder.plots / "examples.png" for run in group.runs]
    return next((path for path in files if path.is_file()), None)


def as_address(path: Path) -> tuple[str, tuple[int, int]]:
    """A picture as a ``data:`` address of WebP, with its size."""
    from PIL import Image

    with Image.open(path) as picture:
        own = picture.convert("RGB")
    if own.width > WIDTH:
        own = own.resize((WIDTH, round(own.height * WIDTH / own.width)), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    own.save(file, "WEBP", quality=QUALITY)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}", own.size


def pack_confusion(table: Table, settings: int) -> tuple[list[dict[str, Any]], list[str]]:
    """Counts of all seeds together, for each setting and task that has a matrix."""
    charts: list[dict[str, Any]] = []
    notes: list[str] = []
    with_files = [g for g in table.groups if any(r.folder.confusion.is_file() for r in g.runs)]
    for group in telling(with_files, settings):
        summed: dict[str, dict[str, Any]] = {}
        for run in group.runs:
            try:
                add(summed, read_confusion(run.folder.confusion))
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                notes.append(f"{run.folder.confusion} cannot be read: {error}")
        for task, own in summed.items():
            if len(charts) < MATRICES:
                charts.append({"g": table.groups.index(group), "task": task, **own})
    return charts, notes


def read_confusion(path: Path) -> dict[str, dict[str, Any]]:
    """``{task: {"classes": names, "counts": [true][predicted]}}``.

    Raises:
        ValueError: where it is not that.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        for own in found.values():
            counts, classes = own["counts"], own["classes"]
            sides = {len(counts), len(classes), *map(len, counts)}
            numbers = all(is_number(count) for row in counts for count in row)
            if len(sides) != 1 or not numbers or not all(isinstance(c, str) for c in classes):
                raise ValueError("a matrix that is not square, or of other classes")
    except (AttributeError, KeyError, TypeError, RecursionError) as error:
        raise ValueError("no matrices by task") from error
    return found


def add(summed: dict[str, dict[str, Any]], found: dict[str, dict[str, Any]]) -> None:
    """Adds a run's counts to those of others of the same classes."""
    for task, own in found.items():
        if len(own["classes"]) > READABLE:
            continue
        known = summed.setdefault(task, {"classes": own["classes"], "counts": None, "runs": 0})
        if known["classes"] == own["classes"]:
            before = known["counts"]
            known["counts"] = (
                own["counts"]
                if before is None
                else [
                    [a + b for a, b in zip(*rows, strict=True)]
                    for rows in zip(before, own["counts"], strict=True)
                ]
            )
            known["runs"] += 1
