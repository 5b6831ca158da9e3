"""Gradient conflict: how the tasks' gradients on the parameters that they share lie to each other.

Conflicting gradients (a cosine below 0) and the difference of their lengths are what Yu, Kumar,
Gupta, Levine, Hausman & Finn, "Gradient Surgery for Multi-Task Learning", NeurIPS 2020,
https://arxiv.org/abs/2001.06782, section 2.1, hold for the causes of bad training. Layer by layer
as in Shi, Ren, Zhang & Pan, "Recon: Reducing Conflicting Gradients from the Root for Multi-Task
Learning", ICLR 2023, https://arxiv.org/abs/2302.11289.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mtl_cli.basis import ranks
from mtl_cli.diagnostic.base import Watcher, layer_of, save_picture, short, weigh, write_rows
from mtl_cli.diagnostic.pairs import ALL, Seen, describe, draw_curves, draw_maps
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.embedding.base import leaves
from mtl_cli.model.model import Model
from mtl_cli.training.observer import NothingToMeasure

COLUMNS = ["epoch", "step", "layer", "task", "other", "cosine", "norm", "other_norm", "ratio"]


class Conflict(Watcher):
    """``cos(g_i, g_j)`` and ``|g_i| / |g_j|`` for the gradients of every two tasks' losses.

    A layer is a module with parameters that tasks share; the gradient of a loss on them, each loss
    times its task's weight. ``all shared`` is all of them together. There is no cosine where a
    loss does not reach the layer, or its gradient is zero.

    Args:
        every: steps from one look to the next, in training. A look costs one backward pass a task.
    """

    name = "conflict"

    def __init__(self, every: int) -> None:
        super().__init__(every)
        self.tasks: list[str] = []
        self.layers: list[str] = []
        self.looks: list[tuple[int, int]] = []  # (epoch, step)
        self.gramians: list[
            Tensor
        ] = []  # for each look [L, K, K], on the device until they are read

    def before_backward(
        self, epoch: int, step: int, model: Model, losses: dict[str, Tensor]
    ) -> None:
        layers = shared_layers(model)
        if not layers:
            tasks = ", ".join(model.tasks)
            of = f"the tasks {tasks}" if len(model.tasks) > 1 else f"the task {tasks} alone"
            rule, found = "needs parameters that tasks share", f"arch={type(model.arch).__name__}"
            fix = "arch=hps, say, with two tasks; or diagnostic=gradient_norm"
            raise NothingToMeasure("diagnostic=conflict", rule, f"{found} with {of}", fix)
        self.tasks = model.trained
        self.layers = [ALL, *layers]
        self.looks.append((epoch, step))
        read = {name: leaves(model, own) for name, own in layers.items()}
        self.gramians.append(gramians(read, self.tasks, weigh(model.tasks, losses, epoch)))

    def finish(self, folder: RunFolder, title: str) -> str:
        seen = self.seen()
        write_rows(folder, self.name, COLUMNS, self.rows(seen))
        save_picture(folder, self.name, draw_maps(seen, title))
        curves = f"{self.name}_curves"
        if len(self.looks) > 1:
            save_picture(folder, curves, draw_curves(seen, title))
        else:  # one look is in the maps; an older picture would tell of other looks
            (folder.plots / f"{curves}.png").unlink(missing_ok=True)
        return describe(seen)

    def seen(self) -> Seen:
        """All looks as numbers."""
        return Seen(self.tasks, self.layers, self.looks, torch.stack(self.gramians).cpu().numpy())

    def rows(self, seen: Seen) -> Iterator[list[Any]]:
        for n, look in enumerate(self.looks):
            for layer, name in enumerate(self.layers):
                for p, (i, j) in enumerate(seen.pairs):
                    norms = seen.norms[n, layer, i], seen.norms[n, layer, j]
                    figures = [seen.cosines[n, layer, p], *norms, seen.ratios[n, layer, p]]
                    if not np.isnan(norms).any():
                        shown = [float(x) if np.isfinite(x) else None for x in figures]
                        yield [*look, name, self.tasks[i], self.tasks[j], *shown]

    def state_dict(self) -> dict[str, Any]:
        self.gramians = [gramian.cpu() for gramian in self.gramians]
        return {
            "tasks": self.tasks,
            "layers": self.layers,
            "looks": torch.tensor(self.looks, dtype=torch.long),
            "gramians": torch.stack(self.gramians) if self.gramians else None,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.tasks, self.layers = list(state["tasks"]), list(state["layers"])
        self.looks = [(int(epoch), int(step)) for epoch, step in state["looks"].tolist()]
        self.gramians = [] if state["gramians"] is None else list(state["gramians"])


def shared_layers(model: Model) -> dict[str, list[nn.Parameter]]:
    """The parameters that tasks share, by the names of their modules."""
    shared = {id(p) for p in model.shared_parameters()}
    layers: dict[str, list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if id(parameter) in shared and parameter.requires_grad:
            layers.setdefault(short(layer_of(name)), []).append(parameter)
    return layers


def gramians(
    layers: dict[str, list[nn.Parameter]], tasks: list[str], losses: dict[str, Tensor]
) -> Tensor:
    """``g_i . g_j`` for all shared parameters together, then for each layer: [1 + L, K, K].

    The losses' graph is kept; the gradients are those of all processes.
    """
    parameters = [p for own in layers.values() for p in own]
    grads = [
        torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
        for loss in losses.values()
    ]
    dtype = torch.promote_types(parameters[0].dtype, torch.float32)
    device = parameters[0].device
    shape = 1 + len(layers), len(tasks), len(tasks)
    found = torch.full(shape, torch.nan, dtype=dtype, device=device)
    if not grads:
        return found
    jacobian = torch.stack([flat(own, parameters, dtype) for own in grads])  # [T, D]
    ends = np.cumsum([0, *map(len, layers.values())]).tolist()
    reached = [
        [any(grad is not None for grad in own[first:last]) for first, last in pairwise(ends)]
        for own in grads
    ]
    there = torch.tensor(reached, dtype=dtype, device=device)  # [T, L]
    ranks.add_up([jacobian, there])
    at = torch.tensor([tasks.index(t) for t in losses], dtype=torch.long, device=device)
    found[0, at[:, None], at] = 0.0
    sizes = [sum(p.numel() for p in own) for own in layers.values()]
    for layer, rows in enumerate(jacobian.split(sizes, 1)):
        some = there[:, layer] > 0
        own, rows = at[some], rows[some]
        found[layer + 1, own[:, None], own] = rows @ rows.T
        found[0, own[:, None], own] += rows @ rows.T
    return found


def flat(grads: Any, parameters: list[nn.Parameter], dtype: torch.dtype) -> Tensor:
    """A gradient as one vector; a parameter without a path counts as zero."""
    pairs = zip(grads, parameters, strict=True)
    parts = [torch.zeros_like(p) if grad is None else grad for grad, p in pairs]
    return torch.cat([part.flatten() for part in parts]).to(dtype)
