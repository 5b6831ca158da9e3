"""How much each task used each expert at the end, where runs measured it."""

from __future__ import annotations

import csv
import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mtl_cli.basis.errors import problem
from mtl_cli.comparison.compare import telling
from mtl_cli.comparison.group import Group
from mtl_cli.drawing.files import save
from mtl_cli.drawing.heat_map import color_bar, heat_map
from mtl_cli.drawing.page import page
from mtl_cli.drawing.style import MOST, label, names_of, new_figure

FILE = Path("diagnostics") / "gates.csv"  # below a run folder
NUMBERED = 14  # experts, up to which cells hold their numbers

Shares = dict[tuple[str, str], float]  # {(task, expert): share}


def read_shares(path: Path) -> Shares:
    """The shares at the last step that was looked at.

    Raises:
        ValueError: where a row is damaged; it names the row.
    """
    found: dict[tuple[str, str], tuple[int, float]] = {}
    with open(path, encoding="utf-8", errors="replace", newline="") as file:
        reader = csv.DictReader(file)
        try:
            for row in reader:
                cell = row["task"], row["expert"]
                step, share = int(row["step"]), float(row["share"])
                if step >= found.get(cell, (0, 0.0))[0]:
                    found[cell] = step, share
        except (KeyError, TypeError, ValueError, csv.Error) as error:
            place, fix = f"{path}, line {reader.line_num}", "take the line out, or repeat the run"
            raise problem(place, "must have step, task, expert, share", str(error), fix) from error
    return {key: share for key, (_, share) in found.items()}


def draw_experts(
    groups: Sequence[Group], shares: dict[int, list[Shares]], title: str, out: Path
) -> list[Path]:
    """``experts.png``: for each setting, tasks × experts, means over the seeds."""
    shown = telling([group for group in groups if any(shares.get(id(group), []))], MOST)
    if not shown:
        return []
    means = [mean_shares(shares[id(group)]) for group in shown]
    words = [group.words for group in shown]
    names = dict(zip(words, names_of(words), strict=True))
    columns = min(page().beside(2, 3.0), len(shown))
    rows = math.ceil(len(shown) / columns)
    tasks, experts = (max(len({key[i] for key in own}) for own in means) for i in range(2))
    width = max(3.6, 1.8 + 0.46 * min(experts, 30))
    height = 1.7 + 0.4 * min(tasks, 40)
    figure = new_figure(
        max(6.0, width * columns), height * rows + 0.8, f"{title}: use of experts by each task"
    )
    axes = figure.subplots(rows, columns, squeeze=False).flatten()
    for axis, group, own in zip(axes, shown, means, strict=False):
        image = draw_shares(axis, own, label(names[group.words], 40))
    for axis in axes[len(shown) :]:
        axis.set_axis_off()
    color_bar(figure, list(axes), image, "share")
    return [save(figure, out / "experts.png")]


def mean_shares(runs: Sequence[Shares]) -> Shares:
    keys = list(dict.fromkeys(key for run in runs for key in run))
    return {key: statistics.mean(run[key] for run in runs if key in run) for key in keys}


def draw_shares(axis: Any, shares: Shares, title: str) -> Any:
    tasks, experts = (list(dict.fromkeys(key[i] for key in shares)) for i in range(2))
    cells = [[shares.get((task, expert), math.nan) for expert in experts] for task in tasks]
    texts = None if len(experts) <= NUMBERED else [[""] * len(experts)] * len(tasks)
    style: dict[str, Any] = {"cmap": "Blues", "vmin": 0, "vmax": 1}
    image = heat_map(axis, np.array(cells), tasks, experts, title, texts, **style)
    axis.set_xlabel("expert", fontsize="small")
    return image
