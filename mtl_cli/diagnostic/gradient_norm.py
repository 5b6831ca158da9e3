"""Gradient norms, layer by layer: what learns, what stands still, and what explodes.

Norms that shrink or grow from layer to layer are the vanishing and exploding gradients of Glorot &
Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010,
https://proceedings.mlr.press/v9/glorot10a.html, section 4.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mtl_cli.comparison.table import text_table
from mtl_cli.diagnostic.base import Watcher, layer_of, number, save_picture, short, write_rows
from mtl_cli.diagnostic.drawing import (
    MOST_NAMED,
    Array,
    draw_lines,
    heat_map,
    height_of,
    make_figure,
    width_of,
)
from mtl_cli.model import Model
from mtl_cli.run_folder import RunFolder

COLUMNS = ["epoch", "step", "layer", "tasks", "norm"]
MOST_COLUMNS = 60  # looks that a heat map can show


class GradientNorm(Watcher):
    """``|g|`` of each layer's parameters together, for the step's gradient before it is clipped.

    A layer is a module with parameters; the gradient is what the weighting made of the losses.

    Args:
        every: steps from one look to the next, in training.
    """

    name = "gradient_norm"

    def __init__(self, every: int) -> None:
        super().__init__(every)
        self.owners: dict[str, str] = {}  # by layer: the tasks that reach it
        self.looks: list[tuple[int, int]] = []  # (epoch, step)
        self.norms: list[Tensor] = []  # for each look [L], on the device until they are read

    def after_backward(self, epoch: int, step: int, model: Model) -> None:
        layers: dict[str, list[nn.Parameter]] = {}
        owners: dict[str, set[str]] = {}
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                layer = short(layer_of(name))
                layers.setdefault(layer, []).append(parameter)
                owners.setdefault(layer, set()).update(model.reached()[name])
        self.owners = {
            layer: ", ".join(task for task in model.tasks if task in own)
            for layer, own in owners.items()
        }
        self.looks.append((epoch, step))
        self.norms.append(torch.stack([norm_of(own) for own in layers.values()]))

    def finish(self, folder: RunFolder, title: str) -> str:
        values = torch.stack(self.norms).cpu().double().numpy()  # [N, L]
        write_rows(
            folder,
            self.name,
            COLUMNS,
            (
                [*look, layer, tasks, None if np.isnan(norm) else float(norm)]
                for look, norms in zip(self.looks, values, strict=True)
                for (layer, tasks), norm in zip(self.owners.items(), norms, strict=True)
            ),
        )
        save_picture(folder, self.name, self.draw(values, title))
        return self.describe(values)

    def describe(self, values: Array) -> str:
        rows = []
        for (layer, tasks), norms in zip(self.owners.items(), values.T, strict=True):
            there = norms[~np.isnan(norms)]
            of = [there[0], np.median(there), there.max(), there[-1]] if len(there) else [None] * 4
            rows.append([layer, tasks, *map(number, of)])
        header = ["layer", "tasks", "first", "median", "largest", "last"]
        looks = f"{len(self.looks)} look{'' if len(self.looks) == 1 else 's'}"
        return f"gradient_norm: {looks} at {len(rows)} layers\n{text_table(header, rows)}"

    def draw(self, values: Array, title: str) -> Any:
        """The norms as a heat map, layer by layer, and as curves."""
        chosen = np.unique(np.linspace(0, len(values) - 1, MOST_COLUMNS).round().astype(int))
        steps = [step for _, step in self.looks]
        height = max(3.6, height_of(len(self.owners)))
        width = 10 + width_of(list(self.owners))
        grid = {"nrows": 1, "ncols": 2, "width_ratios": [width - 4.5, 4.5]}
        figure, axes = make_figure(f"{title}: norm of the gradient", width, height, **grid)
        with np.errstate(divide="ignore"):
            logs = np.log10(values)
        logs[np.isinf(logs)] = np.nan  # a zero gradient is left grey, and says so
        apart = max(1, len(chosen) // 8)
        shown = ["" if c % apart else str(steps[n]) for c, n in enumerate(chosen)]
        texts = [[number(v) if len(chosen) <= 10 else "" for v in row] for row in values[chosen].T]
        image = heat_map(
            *(axes[0, 0], logs[chosen].T, list(self.owners), shown, "log10 of the norm, by step"),
            texts=texts,
        )
        figure.colorbar(image, ax=axes[0, 0]).ax.tick_params(labelsize="x-small")
        lines = dict(zip(self.owners, np.where(values > 0, values, np.nan).T, strict=True))
        what = "norm of each layer" + (", dark to light" if len(lines) > MOST_NAMED else "")
        draw_lines(axes[0, 1], steps, lines, what, log=True)
        return figure

    def state_dict(self) -> dict[str, Any]:
        self.norms = [norms.cpu() for norms in self.norms]
        return {
            "owners": self.owners,
            "looks": torch.tensor(self.looks, dtype=torch.long),
            "norms": torch.stack(self.norms) if self.norms else None,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.owners = dict(state["owners"])
        self.looks = [(int(epoch), int(step)) for epoch, step in state["looks"].tolist()]
        self.norms = [] if state["norms"] is None else list(state["norms"])


def norm_of(parameters: list[nn.Parameter]) -> Tensor:
    """The norm of their gradients together; NaN where none has one."""
    grads = [p.grad for p in parameters if p.grad is not None]
    if not grads:
        return torch.tensor(float("nan"), device=parameters[0].device)
    return torch.linalg.vector_norm(
        torch.stack([torch.linalg.vector_norm(g.float()) for g in grads])
    )
