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

from mtl_cli.basis import ranks
from mtl_cli.diagnostic.base import Watcher, save_picture, write_rows
from mtl_cli.diagnostic.shares import Table
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.model.model import Model
from mtl_cli.training.observer import NothingToMeasure

COLUMNS = ["epoch", "step", "task", "expert", "share"]


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
            rule = "needs tasks that weigh experts"
            raise NothingToMeasure("diagnostic=gates", rule, found, fix)
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
            row[torch.tensor(present, dtype=torch.long)] = values.to(row)
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
        table = Table(list(self.cells), self.looks, values, self.after)
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
    """The weights [K, B, E] as shares of each example's sum, and their mean: [K, E].

    The mean is over the examples of all processes.
    """
    sizes = weights.detach().abs()
    shares = sizes / sizes.sum(-1, keepdim=True).clamp(min=1e-30)
    if ranks.size() == 1:
        return shares.mean(1)
    sums, count = shares.sum(1), shares.new_full((), shares.shape[1])
    ranks.add_up([sums, count])
    return sums / count
