"""Attribution: which task's loss moves which parameter, and how strongly, in one step."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mtl_cli.basis.errors import check_integer
from mtl_cli.comparison.table import text_table
from mtl_cli.diagnostic.base import (
    Diagnosis,
    Subject,
    count,
    number,
    save_picture,
    short,
    weigh,
    write_rows,
)
from mtl_cli.diagnostic.drawing import height_of, make_figure, width_for, width_of
from mtl_cli.drawing.heat_map import color_bar, heat_map

SUM = "sum"
EXTRA = "architecture's own term"
MOST_DRAWN = 120  # parameters in the picture: those that move most

Grads = dict[str, Tensor | None]  # by parameter; None where no path leads from the loss to it


class Attribution(Diagnosis):
    """The norm of ``d L_k / d theta`` for each parameter tensor theta and task k, and of the sum.

    On the first batch of train, each loss times its task's weight. ``–``: no path leads from the
    loss to the parameter; ``0``: a path does, and the gradient is exactly zero. A tensor stacked
    over tasks (the gates of a mixture) has a path from all of them.

    Args:
        max_entries: a model with at most so many numbers is shown number by number too.
    """

    name = "attribution"

    def __init__(self, max_entries: int) -> None:
        check_integer("diagnostic.max_entries", max_entries, 0, "diagnostic.max_entries=64")
        self.max_entries = max_entries

    def run(self, subject: Subject) -> str:
        found = attribute(subject)
        norms = {
            name: {loss: None if g is None else float(g.norm()) for loss, g in grads.items()}
            for name, grads in found.by_parameter()
        }
        header = ["parameter", *found.grads]
        rows = [[name, *own.values()] for name, own in norms.items()]
        write_rows(subject.folder, self.name, header, rows)
        save_picture(subject.folder, self.name, draw(norms, subject.title))
        shown = [[name, *map(number, own.values())] for name, own in norms.items()]
        parts = [found.describe(), text_table(header, shown)]
        if sum(p.numel() for p in found.parameters.values()) <= self.max_entries:
            entries = list(found.entries())
            write_rows(subject.folder, f"{self.name}_entries", ["entry", *found.grads], entries)
            cells = [[entry[0], *map(number, entry[1:])] for entry in entries]
            parts.append(text_table(["entry", *found.grads], cells))
        return "\n\n".join(parts)


@dataclass(frozen=True)
class Attributed:
    """What moves what.

    Args:
        parameters: ``{name: the parameter}``.
        outputs: ``{task: [B, O]}``.
        losses: ``{task: loss}``, without the tasks' weights.
        grads: ``{task: its loss's gradients}``, then those of the architecture's own term, where it
            has one, and of the sum of all.
    """

    parameters: dict[str, nn.Parameter]
    outputs: dict[str, Tensor]
    losses: dict[str, Tensor]
    grads: dict[str, Grads]

    def by_parameter(self) -> Iterator[tuple[str, Grads]]:
        for name in self.parameters:
            yield name, {loss: grads[name] for loss, grads in self.grads.items()}

    def entries(self) -> Iterator[list[Any]]:
        """``name[i, j]`` and its gradients, number by number."""
        for name, grads in self.by_parameter():
            for place in np.ndindex(*self.parameters[name].shape):
                values = [None if g is None else float(g[place]) for g in grads.values()]
                yield [f"{name}[{', '.join(map(str, place))}]" if place else name, *values]

    def describe(self) -> str:
        losses = ", ".join(f"{task} {loss.item():.4f}" for task, loss in self.losses.items())
        size = len(next(iter(self.outputs.values())))
        return (
            "attribution: the norm of each loss's gradient, parameter by parameter\n"
            f"losses on the first batch ({count(size, 'example')}): {losses}\n"
            "–: no path from the loss; 0: a gradient of zero"
        )


def attribute(subject: Subject) -> Attributed:
    """The gradients of every loss, and of their sum, on the first batch that has labels."""
    trainer = subject.make_trainer()
    model = trainer.model.train()
    batch = subject.first_batch(trainer)
    outputs = {}

    def keep(module: nn.Module, args: Any, out: Mapping[str, Tensor]) -> None:
        outputs.update({task: output.detach() for task, output in out.items()})

    with model.register_forward_hook(keep):
        losses = trainer.updates.forward.losses(batch, trainer.model.trained)
    terms = weigh(model.tasks, losses, subject.epoch + 1)
    extra = model.arch.extra_loss()
    if extra is not None and extra.requires_grad:
        terms[EXTRA] = extra
    parameters = {short(n): p for n, p in model.named_parameters() if p.requires_grad}
    grads = {name: gradient(term, parameters) for name, term in terms.items()}
    grads[SUM] = gradient(torch.stack([*terms.values()]).sum(), parameters)
    return Attributed(parameters, outputs, losses, grads)


def gradient(loss: Tensor, parameters: Mapping[str, nn.Parameter]) -> Grads:
    """The gradient of each parameter, None where there is no path. The graph is kept."""
    grads = torch.autograd.grad(
        loss, list(parameters.values()), retain_graph=True, allow_unused=True
    )
    return dict(zip(parameters, grads, strict=True))


def draw(norms: Mapping[str, Mapping[str, float | None]], title: str) -> Any:
    """Parameters × losses: the logarithm of the norm as colour, the norm as a number."""
    moving = sorted(norms, key=lambda name: -max(v or 0 for v in norms[name].values()))
    kept = set(moving[:MOST_DRAWN])
    names = [name for name in norms if name in kept]
    values = np.array(
        [[math.log10(v) if v else np.nan for v in norms[name].values()] for name in names]
    )
    columns = list(norms[names[0]])
    width = 1.4 + width_of(names) + width_for(len(columns), 0.8)
    heading = f"{title}: which loss moves what"
    figure, axes = make_figure(heading, width, height_of(len(names)) + 0.6, nrows=1, ncols=1)
    texts = [[number(v) for v in norms[name].values()] for name in names]
    what = "norm of the gradient (grey: none, or zero)"
    image = heat_map(axes[0, 0], values, names, columns, what, texts=texts, cmap="viridis")
    color_bar(figure, axes[0, 0], image, "log10")
    return figure
