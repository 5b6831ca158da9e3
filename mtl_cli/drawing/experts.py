"""How much each task used each expert at the end, where runs measured it."""

from __future__ import annotations

import csv
import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mtl_cli.basis.errors import problem
from mtl_cli.comparison.compare import telling
from mtl_cli.comparison.group import Group
from mtl_cli.drawing.files import save
from mtl_cli.drawing.style import MOST, label, new_figure

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
    columns = min(2, len(shown))
    rows = math.ceil(len(shown) / columns)
    tasks, experts = (max(len({key[i] for key in own}) for own in means) for i in range(2))
    width = max(3.6, 1.8 + 0.46 * min(experts, 30))
    height = 1.7 + 0.4 * min(tasks, 40)
    figure = new_figure(
        max(6.0, width * columns), height * rows + 0.8, f"{title}: use of experts by each task"
    )
    axes = figure.subplots(rows, columns, squeeze=False).flatten()
    for axis, group, own in zip(axes, shown, means, strict=False):
        image = draw_shares(axis, own)
        axis.set_title(label(group.words, 40), fontsize="small")
    for axis in axes[len(shown) :]:
        axis.set_axis_off()
    bar = figure.colorbar(image, ax=list(axes), shrink=0.8)
    bar.set_label("share of a task", fontsize="small")
    bar.ax.tick_params(labelsize="x-small")
    return [save(figure, out / "experts.png")]


def mean_shares(runs: Sequence[Shares]) -> Shares:
    keys = list(dict.fromkeys(key for run in runs for key in run))
    return {key: statistics.mean(run[key] for run in runs if key in run) for key in keys}


def draw_shares(axis: Any, shares: Shares) -> Any:
    tasks, experts = (list(dict.fromkeys(key[i] for key in shares)) for i in range(2))
    cells = [[shares.get((task, expert), math.nan) for expert in experts] for task in tasks]
    image = axis.imshow(cells, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axis.set_yticks(range(len(tasks)), tasks, fontsize="x-small")
    turned = max(map(len, experts)) > 3
    axis.set_xticks(
        range(len(experts)),
        experts,
        fontsize="x-small",
        rotation=45 if turned else 0,
        ha="right" if turned else "center",
    )
    if len(experts) <= NUMBERED:
        for y, row in enumerate(cells):
            for x, share in enumerate(row):
                if not math.isnan(share):
                    shade = "white" if share > 0.5 else "black"
                    axis.text(x, y, f"{share:.2f}", ha="center", va="center", color=shade, size=7)
    axis.set_xlabel("expert", fontsize="small")
    return image
