"""FAMO: all losses fall at one rate, by what the last step did to them and without their gradients.

Liu, Feng, Stone & Liu, "FAMO: Fast Adaptive Multitask Optimization", NeurIPS 2023,
https://arxiv.org/abs/2306.03792, algorithm 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from mtl_cli.basis.errors import check_number
from mtl_cli.weighting.base import Losses, LossWeighting
from mtl_cli.weighting.by_task import check_each, places
from mtl_cli.weighting.positive import Positive

EPSILON = 1e-8  # keeps the logarithm of a loss of 0 finite, as in the authors' code
BETAS = 0.9, 0.999


class FAMO(LossWeighting):
    """Minimises ``c sum_k z_k log(L_k - b_k)``, where ``z = softmax(w)``.

    ``c = 1 / sum_k z_k / (L_k - b_k)`` counts as a constant, so that the weights of the losses sum
    to 1: a task alone, and tasks with equal gradients, get that gradient. After the model's step
    the losses are computed anew, without gradients, and Adam takes a step for w down the slope of
    ``sum_k z_k (log(L_k - b_k) before - log(L_k - b_k) after)``: what fell fast loses weight.

    TorchJD's FAMO has all logits in one parameter of an optimizer of its own, which moves that of a
    task without a label, too, and is in no state; here Adam's moments are buffers, task by task.

    Args:
        tasks: the names of the tasks.
        lower_bounds: b, below which a loss never is, [K]; None: 0.
        lr: Adam's learning rate for w, at least 0; the paper has 0.025.
        weight_decay: added to w's gradient times w, at least 0; the paper has 0.001.
    """

    bounds: Tensor
    betas: Tensor
    logits: Tensor
    moments: Tensor
    steps: Tensor

    def __init__(
        self,
        tasks: Sequence[str],
        lower_bounds: Sequence[float] | None,
        lr: float,
        weight_decay: float,
    ) -> None:
        super().__init__(tasks)
        check_number("weighting.lr", lr, "weighting.lr=0.025", 0)
        check_number("weighting.weight_decay", weight_decay, "weighting.weight_decay=0.001", 0)
        bounds = check_each("weighting.lower_bounds", lower_bounds, self.tasks, 0.0)
        self.lr, self.weight_decay = lr, weight_decay
        self.register_buffer("bounds", torch.tensor(bounds), persistent=False)
        self.register_buffer("betas", torch.tensor(BETAS)[:, None], persistent=False)
        self.register_buffer("logits", torch.zeros(len(self.tasks)))
        self.register_buffer("moments", torch.zeros(2, len(self.tasks)))  # Adam's: mean, square
        self.register_buffer("steps", torch.zeros(len(self.tasks)))
        self.before: dict[str, Tensor] = {}  # of the step in progress, from the parts so far

    def combine(self, losses: Losses) -> Tensor:
        for task, loss in losses.items():
            own = self.share(task) * loss.detach()
            self.before[task] = self.before[task] + own if task in self.before else own
        shifted = self.shift(losses)
        weights = self.logits[self.places(losses)].softmax(0).to(shifted)
        scale = 1 / (weights / shifted.detach()).sum()
        return (scale * weights) @ shifted.log()

    def places(self, present: Losses) -> slice | Tensor:
        """The index of the present tasks' entries."""
        return places(self.tasks, present, self.logits.device)

    def shift(self, losses: Losses) -> Tensor:
        """What the losses are above their lower bounds, [K]."""
        bounds = self.bounds[self.places(losses)]
        shifted = torch.stack(list(losses.values())).to(bounds) - bounds + EPSILON
        rule = "at least its weighting.lower_bounds"
        self.need(Positive("weighting=famo", losses, shifted, rule))
        return shifted

    @torch.no_grad()
    def after_step(self, closure: Callable[[], Losses]) -> None:
        before, self.before = self.before, {}
        if not before:  # no task had a label
            return
        after = {task: loss for task, loss in closure().items() if task in before}
        before = {task: before[task] for task in after}
        progress = self.shift(before).log() - self.shift(after).log()
        present = self.places(after)
        w = self.logits[present]
        z = w.softmax(0)
        self.adam(z * (progress - z @ progress) + self.weight_decay * w, present)

    def adam(self, grad: Tensor, present: slice | Tensor) -> None:
        """Adam's step on the present tasks' logits; Kingma & Ba, ICLR 2015, algorithm 1."""
        steps = self.steps[present] + 1
        powers = torch.stack([grad, grad.square()])
        moments = self.betas * self.moments[:, present] + (1 - self.betas) * powers
        mean, square = moments / (1 - self.betas**steps)
        self.logits[present] -= self.lr * mean / (square.sqrt() + EPSILON)
        self.moments[:, present] = moments
        self.steps[present] = steps
