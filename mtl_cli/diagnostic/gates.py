"""Gates: how much each task uses each expert of a mixture, in training or at one moment.

The picture is that of Ma, Zhao, Yi, Chen, Hong & Chi, "Modeling Task Relationships in Multi-task
Learning with Multi-gate Mixture-of-Experts", KDD 2018, https://doi.org/10.1145/3219819.3220007,
figure 6.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.errors import problem
from mtl_cli.comparison.table import text_table
from mtl_cli.diagnostic.base import Watcher, save_picture, write_rows
from mtl_cli.diagnostic.drawing import (
    Array,
    draw_lines,
    heat_map,
    height_of,
    make_figure,
    name_lines,
    width_for,
    width_of,
)
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.model.model import Model

COLUMNS = ["epoch", "step", "task", "expert", "share"]
MOST_PANELS = 6  # tasks with curves of their own


class Gates(Watcher):
    """``mean_b |w_be| / sum_i |w_bi|`` for the weights w that a task gives to experts e.

    For a softmax that is the mean weight. Where an architecture has several levels, the shares of
    a task add up to 1 at each of them.

    Args:
        every: steps from one look to the next, in training.
    """

    name = "gates"

    def __init__(self, every: int) -> None:
        super().__init__(every)
        self.cells: dict[tuple[str, str], int] = {}  # {(task, expert): its number}
        self.looks: list[tuple[int, int]] = []  # (epoch, step)
        self.shares: list[tuple[list[int], Tensor]] = []  # which of the cells, and their shares

    def before_backward(
        self, epoch: int, step: int, model: Model, losses: dict[str, Tensor]
    ) -> None:
        gates = model.arch.expert_weights()
        if not gates:
            found = f"arch={type(model.arch).__name__}, which has no gates"
            fix = "arch=mmoe, say, or diagnostic=conflict"
            raise problem("diagnostic=gates", "needs tasks that weigh experts", found, fix)
        present, values = [], []
        for gate in gates:
            names = [f"{gate.level}: {expert}" if gate.level else expert for expert in gate.experts]
            for task, share in zip(gate.tasks, mean_shares(gate.weights), strict=True):
                if task in losses:
                    cells = [(task, name) for name in names]
                    present += [self.cells.setdefault(cell, len(self.cells)) for cell in cells]
                    values.append(share)
        self.looks.append((epoch, step))
        self.shares.append((present, torch.cat(values) if values else torch.zeros(0)))

    def matrix(self) -> Tensor:
        """The shares of all looks, [N, cells]; NaN where a task was absent."""
        matrix = torch.full((len(self.looks), len(self.cells)), float("nan"))
        for row, (present, values) in zip(matrix, self.shares, strict=True):
            row[torch.tensor(present, dtype=torch.long)] = values.float().cpu()
        return matrix

    def finish(self, folder: RunFolder, title: str) -> str:
        values = self.matrix().double().numpy()
        write_rows(
            folder,
            self.name,
            COLUMNS,
            (
                [*look, *cell, f"{share:.6f}"]
                for look, shares in zip(self.looks, values, strict=True)
                for cell, share in zip(self.cells, shares, strict=True)
                if not np.isnan(share)
            ),
        )
        table = Table(list(self.cells), self.looks, values)
        save_picture(folder, self.name, table.draw(title))
        return table.describe()

    def state_dict(self) -> dict[str, Any]:
        return {
            "cells": [list(cell) for cell in self.cells],
            "looks": torch.tensor(self.looks, dtype=torch.long),
            "shares": self.matrix(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.cells = {(task, expert): n for n, (task, expert) in enumerate(state["cells"])}
        self.looks = [(int(epoch), int(step)) for epoch, step in state["looks"].tolist()]
        everything = list(range(len(self.cells)))
        self.shares = [(everything, row) for row in state["shares"]]


def mean_shares(weights: Tensor) -> Tensor:
    """The weights [K, B, E] as shares of each example's sum, and their mean: [K, E]."""
    sizes = weights.detach().abs()
    return (sizes / sizes.sum(-1, keepdim=True).clamp(min=1e-30)).mean(1)


class Table:
    """The shares [N, cells] by task and expert.

    Args:
        cells: (task, expert) of each column.
        looks: (epoch, step) of each row.
        values: NaN where a task was absent.
    """

    def __init__(
        self, cells: list[tuple[str, str]], looks: list[tuple[int, int]], values: Array
    ) -> None:
        self.tasks = list(dict.fromkeys(task for task, _ in cells))
        self.experts = list(dict.fromkeys(expert for _, expert in cells))
        self.looks, self.values = looks, values
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
        return f"gates: how much each task uses each expert; {when}\n" + text_table(
            ["expert", *self.tasks], cells
        )

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
        what = f"mean share in epoch {self.looks[-1][0]}"
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
