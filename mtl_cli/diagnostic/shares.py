"""How much each task uses each expert, as it was seen: in words and as a picture."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtl_cli.comparison.table import text_table
from mtl_cli.diagnostic.base import count
from mtl_cli.diagnostic.drawing import (
    draw_lines,
    height_of,
    make_figure,
    name_lines,
    width_for,
    width_of,
)
from mtl_cli.drawing.heat_map import Array, heat_map

MOST_PANELS = 6  # tasks with curves of their own


class Table:
    """The shares [N, cells] by task and expert.

    Args:
        cells: (task, expert) of each column.
        looks: (epoch, step) of each row.
        values: NaN where a task was absent.
        after: the epoch whose weights all looks are at; None: of a training, as it went on.
    """

    def __init__(
        self,
        cells: list[tuple[str, str]],
        looks: list[tuple[int, int]],
        values: Array,
        after: int | None = None,
    ) -> None:
        self.tasks = list(dict.fromkeys(task for task, _ in cells))
        self.experts = list(dict.fromkeys(expert for _, expert in cells))
        self.looks, self.values, self.after = looks, values, after
        self.column = {cell: number for number, cell in enumerate(cells)}

    def last(self) -> Array:
        """The mean over the last epoch's looks, [tasks, experts]; NaN where there is none."""
        epochs = np.array([epoch for epoch, _ in self.looks])
        recent = self.values[epochs == epochs[-1]]
        there = ~np.isnan(recent)
        with np.errstate(invalid="ignore"):
            means = np.where(there, recent, 0).sum(0) / there.sum(0)
        found = np.full((len(self.tasks), len(self.experts)), np.nan)
        for (task, expert), number in self.column.items():
            found[self.tasks.index(task), self.experts.index(expert)] = means[number]
        return found

    def describe(self) -> str:
        cells = [
            [expert, *(None if np.isnan(share) else float(share) for share in shares)]
            for expert, shares in zip(self.experts, self.last().T, strict=True)
        ]
        epoch, step = self.looks[-1]
        when = f"mean of the looks in epoch {epoch}, to step {step}"
        if self.after is not None:
            when = f"mean of {count(len(self.looks), 'look')}, {self.moment}"
        return f"gates: how much each task uses each expert; {when}\n" + text_table(
            ["expert", *self.tasks], cells
        )

    @property
    def moment(self) -> str:
        """When the looks were that the heat map is a mean of."""
        if self.after is None:
            return f"in epoch {self.looks[-1][0]}"
        return f"after epoch {self.after}" if self.after else "before training"

    def levels(self) -> dict[str, list[str]]:
        """``{level: its experts}``, by the full names; a single level has no name."""
        found: dict[str, list[str]] = {}
        for expert in self.experts:
            found.setdefault(expert.partition(": ")[0] if ": " in expert else "", []).append(expert)
        return found

    def draw(self, title: str) -> Any:
        """For each level a heat map of the last epoch, and each task's shares over the steps.

        Of a single look there is no more to show than the heat map.
        """
        shown = self.tasks[:MOST_PANELS] if len(self.looks) > 1 else []
        levels = self.levels()
        names = width_of(self.experts)
        width = width_for(len(self.tasks), 0.5) + 0.6 + names
        height = sum(max(2.4, height_of(len(own))) for own in levels.values())
        grid = {"nrows": len(levels), "ncols": 1 + len(shown)}
        figure, axes = make_figure(
            f"{title}: how much each task uses each expert",
            width + 3.0 * len(shown) + (names + 0.4 if shown else 0),
            height,
            width_ratios=[width, *[3.0] * len(shown)],
            **grid,
        )
        last, steps = self.last(), [step for _, step in self.looks]
        what = f"mean share {self.moment}"
        nothing = np.full(len(steps), np.nan)  # of an expert that a task does not have
        style: dict[str, Any] = {"cmap": "Blues", "vmin": 0, "vmax": np.nanmax(last)}
        for row, own in zip(axes, levels.values(), strict=True):
            values = last[:, [self.experts.index(expert) for expert in own]].T
            heat_map(row[0], values, own, self.tasks, what, **style)
            for axis, task in zip(row[1:], shown, strict=True):
                at = {expert: self.column.get((task, expert)) for expert in own}
                lines = {e: nothing if n is None else self.values[:, n] for e, n in at.items()}
                draw_lines(axis, steps, lines, f"{task}: share of each expert")
                axis.set_ylim(bottom=0)
            if shown:
                name_lines(row[-1], below=False)
        return figure
