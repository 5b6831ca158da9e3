"""What diagnostics left in run folders, for a page: gradient conflict, and the use of experts."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mtl_cli.basis.errors import problem
from mtl_cli.comparison.compare import telling
from mtl_cli.comparison.group import Group, Table
from mtl_cli.comparison.history import Points
from mtl_cli.drawing.experts import Shares, mean_shares
from mtl_cli.webpage.thinned import Grids, packed, short

FILE = Path("diagnostics") / "conflict.csv"  # below a run folder
ALL = "all shared"
LINES = 10  # pairs of tasks with a line
CELLS = 600  # of a heat map
POINTS = 60  # of a line
BYTES = 40_000_000  # of all files together, which are read in a few seconds

Cosines = dict[tuple[str, str, str], Points]  # {(layer, task, other): (step, cosine)}


def read_cosines(path: Path) -> Cosines:
    """All cosines of a run.

    Raises:
        ValueError: where a row is damaged; it names the row.
    """
    found: Cosines = {}
    with open(path, encoding="utf-8", errors="replace", newline="") as file:
        reader = csv.DictReader(file)
        try:
            for row in reader:
                if row["cosine"] not in ("", "nan"):
                    key = row["layer"], row["task"], row["other"]
                    found.setdefault(key, []).append((int(row["step"]), float(row["cosine"])))
        except (KeyError, TypeError, ValueError, csv.Error) as error:
            place, fix = f"{path}, line {reader.line_num}", "take the line out, or repeat the run"
            raise problem(
                place, "must have step, layer, task, other, cosine", str(error), fix
            ) from error
    return found


def pack_conflict(table: Table, settings: int) -> tuple[dict[str, Any], list[str]]:
    """Cosines over the steps for all shared parameters, and means over the steps, layer by layer;
    with what could not be read.

    ``{"charts": [{g, lines: [{pair, ...}], pairs, layers, cells}], "grids"}``, cells as
    [layer, pair, mean].
    """
    grids = Grids()
    charts: list[dict[str, Any]] = []
    notes: list[str] = []
    left = BYTES
    with_files = [group for group in table.groups if files_of(group)]
    for group in telling(with_files, settings):
        runs: list[Cosines] = []
        for path in files_of(group):
            left -= path.stat().st_size
            if left < 0:
                notes.append(f"{path} is too large for the page; its picture is in plots/")
                break
            try:
                runs.append(read_cosines(path))
            except ValueError as error:
                notes.append(f"{error}\n(left out of the page; its figures count)")
        if any(runs):
            charts.append({"g": table.groups.index(group), **pack_cosines(runs, grids)})
    return {"charts": charts, "grids": grids.packed()}, notes


def files_of(group: Group) -> list[Path]:
    return [path for run in group.runs if (path := run.folder.path / FILE).is_file()]


def pack_cosines(runs: Sequence[Cosines], grids: Grids) -> dict[str, Any]:
    """Those of one setting."""
    keys = list(dict.fromkeys(key for run in runs for key in run))
    layers = list(dict.fromkeys(layer for layer, _, _ in keys))
    pairs = list(dict.fromkeys((task, other) for _, task, other in keys))
    rows = [*layers[:40]]
    shown = pairs[: max(1, CELLS // len(rows))]
    lines = []
    for pair in pairs[:LINES]:
        line = packed([run.get((ALL, *pair), []) for run in runs], POINTS, grids)
        if line is not None:
            lines.append({"pair": pair, **line})
    cells = []
    for r, layer in enumerate(rows):
        for p, pair in enumerate(shown):
            own = [value for run in runs for _, value in run.get((layer, *pair), [])]
            known = [value for value in own if math.isfinite(value)]
            if known:
                cells.append([r, p, short(math.fsum(known) / len(known), 3)])
    return {
        "lines": lines,
        "layers": rows,
        "pairs": shown,
        "cells": cells,
        "left_out": [len(layers) - len(rows), len(pairs) - len(shown)],
    }


def pack_gates(
    table: Table, shares: dict[int, list[Shares]], settings: int
) -> list[dict[str, Any]]:
    """The share that each task gave each expert at the end, means over the seeds."""
    charts = []
    gated = [group for group in table.groups if any(shares.get(id(group), []))]
    for group in telling(gated, settings):
        own = mean_shares(shares[id(group)])
        tasks, experts = (list(dict.fromkeys(key[i] for key in own)) for i in range(2))
        rows = tasks[: max(1, CELLS // len(experts))]
        cells = [
            [rows.index(task), experts.index(expert), short(share, 3)]
            for (task, expert), share in own.items()
            if task in rows
        ]
        charts.append(
            {
                "g": table.groups.index(group),
                "tasks": rows,
                "experts": experts,
                "cells": cells,
                "left_out": len(tasks) - len(rows),
            }
        )
    return charts
