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
from mtl_cli.diagnostic.base import (
    Watcher,
    count,
    layer_of,
    number,
    save_picture,
    short,
    write_rows,
)
from mtl_cli.diagnostic.drawing import (
    draw_lines,
    height_of,
    make_figure,
    map_by_step,
    name_lines,
    width_of,
)
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.drawing.heat_map import Array, color_bar
from mtl_cli.model.model import Model

COLUMNS = ["epoch", "step", "layer", "tasks", "norm"]


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
        looks = count(len(self.looks), "look")
        return f"gradient_norm: {looks} at {len(rows)} layers\n{text_table(header, rows)}"

    def draw(self, values: Array, title: str) -> Any:
        """The norms as a heat map, layer by layer, and of several looks as curves."""
        steps = [step for _, step in self.looks]
        height = max(3.6, height_of(len(self.owners)))
        names = width_of(list(self.owners))
        widths = [5.5 + names, 4.5 + 0.4 + names] if len(steps) > 1 else [2.5 + names]
        grid = {"nrows": 1, "ncols": len(widths), "width_ratios": [w - names for w in widths]}
        figure, axes = make_figure(f"{title}: norm of the gradient", sum(widths), height, **grid)
        by_layer = dict(zip(self.owners, values.T, strict=True))
        what = "norm of each layer"
        image = map_by_step(axes[0, 0], steps, by_layer, what, number, log=True)
        color_bar(figure, axes[0, 0], image, "log10")
        if len(steps) > 1:
            lines = dict(zip(self.owners, np.where(values > 0, values, np.nan).T, strict=True))
            draw_lines(axes[0, 1], steps, lines, what, log=True)
            name_lines(axes[0, 1], below=False)
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
    found = [p.grad for p in parameters if p.grad is not None]
    grads = [grad.coalesce().values() if grad.is_sparse else grad for grad in found]
    if not grads:
        return torch.tensor(float("nan"), device=parameters[0].device)
    return torch.linalg.vector_norm(
        torch.stack([torch.linalg.vector_norm(g.float()) for g in grads])
    )
