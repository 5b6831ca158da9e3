"""What every gradient aggregation promises: one step out of the Jacobian of the losses.

Jacobian descent, as the methods of this kind are called together, is in Quinton & Rey, "Jacobian
Descent For Multi-Objective Optimization", 2024, https://arxiv.org/abs/2406.16232, section 2; taking
the Jacobian where the tasks part is in Sener & Koltun, "Multi-Task Learning as Multi-Objective
Optimization", NeurIPS 2018, https://arxiv.org/abs/1810.04650, section 3.3.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from mtl_cli.basis import ranks
from mtl_cli.basis.errors import check_choice, check_integer, problem
from mtl_cli.weighting.base import Losses, Weighting, Weights
from mtl_cli.weighting.combination import derivatives, make_loss_weighting
from mtl_cli.weighting.head_gradients import HeadGradients
from mtl_cli.weighting.jacobian import (
    Jacobian,
    all_pass,
    check_features,
    gradients,
    quickest_gradients,
)


class Aggregation(Weighting):
    """The shared parameters step along ``aggregate(J)``, row k of J [K, D] being task k's gradient.

    Specific parameters get the gradient of the sum of the losses.

    On features, J is taken at the tensors where the tasks part, and one backward pass brings the
    aggregated gradient of these from there to the shared parameters. For MGDA this bounds the
    minimum from above (MGDA-UB); for the others it is a cheaper stand-in too.

    With a loss weighting before it, which minimises ``S(L_1, ..., L_K)``, row k is multiplied by
    ``dS/dL_k``, and specific parameters get the gradient of S.

    Args:
        tasks: the names of the tasks.
        on: where the Jacobian is taken: ``parameters``, or ``features``.
        chunk_size: how many rows to take in one backward pass, at least 1; None: the quickest.
        losses: makes a loss weighting, from the names of the tasks; None: none.

    Attributes:
        heads: set by a method whose weights are those of specific gradients too; None: these are
            summed as they are.

    Raises:
        ValueError: where a gradient is not finite; where the tasks part at no single tensor, or a
            step has several parts, and ``on`` is ``features``.
    """

    on_features: ClassVar[bool] = True  # whether the method works there

    def __init__(
        self,
        tasks: Sequence[str],
        on: str,
        chunk_size: int | None,
        losses: Callable[..., Weighting] | None,
    ) -> None:
        super().__init__(tasks)
        places = ["parameters", "features"] if self.on_features else ["parameters"]
        check_choice("weighting.on", on, places, "weighting.on=parameters")
        if chunk_size is not None:
            check_integer("weighting.chunk_size", chunk_size, 1, "weighting.chunk_size=null")
        self.on = on
        self.chunk_size = chunk_size
        self.losses = None if losses is None else make_loss_weighting(losses, tasks)
        self.jacobian = Jacobian(tasks)
        self.heads: HeadGradients | None = None
        self.scales: Weights = {}  # dS/dL_k, the last of the step
        self.reads_features = on == "features"
        self.has_extra = False  # whether a part of the step had a term of the architecture
        self.unsummed: list[Tensor] = []  # whose gradients are not yet those of all processes

    @abstractmethod
    def aggregate(self, jacobian: Tensor, tasks: Sequence[str]) -> tuple[Tensor, Tensor | None]:
        """The step [D], and the rows' weights [K] where it is their weighted sum.

        Args:
            jacobian: [K, D], finite; it may be written to, and is another one's in the next step.
            tasks: the tasks of the rows, in the order of `tasks`.
        """

    def backward(
        self,
        losses: Losses,
        shared: Sequence[nn.Parameter],
        specific: Sequence[nn.Parameter],
        extra: Tensor | None = None,
        features: Sequence[Tensor] = (),
    ) -> Weights | None:
        if extra is not None:
            extra.backward(retain_graph=True)
            self.has_extra = True
        scales: Weights = {}
        if self.losses is not None:
            self.losses.begin(self.part)
            scales = derivatives(self.losses, losses)
            losses = {task: scales[task] * loss for task, loss in losses.items()}
        roots = list(losses.values())
        if specific and shared and self.heads is not None:
            self.heads.add(losses, specific)
        elif specific:
            torch.autograd.backward(roots, inputs=list(specific), retain_graph=bool(shared))
        if not shared:
            return None
        at: Sequence[Tensor] = shared
        if self.on == "features":
            whole = self.part.is_last and not self.jacobian.rows
            check_features(all_pass(features, roots, shared), whole)
            at, rows = features, gradients(roots, features, retain_graph=True)
        else:
            rows = quickest_gradients(features, roots, shared, self.chunk_size)
        for task, grads in zip(losses, rows, strict=True):
            self.jacobian.add(task, grads, at)
        self.scales |= scales
        return self.fill(at, shared, specific) if self.part.is_last else None

    def flush(
        self, shared: Sequence[nn.Parameter], specific: Sequence[nn.Parameter]
    ) -> Weights | None:
        if self.jacobian.rows:
            return self.fill(shared, shared, specific)
        self.unsummed = [*shared, *specific]
        return None

    def add_up(self, shared: Sequence[Tensor], specific: Sequence[Tensor]) -> None:
        if not shared:  # there was no Jacobian
            self.unsummed = list(specific)
        ranks.add_up([], self.unsummed)
        self.unsummed = []

    def fill(
        self,
        at: Sequence[Tensor],
        shared: Sequence[nn.Parameter],
        specific: Sequence[nn.Parameter],
    ) -> Weights | None:
        """Turns the rows that there are into gradients of the shared parameters."""
        tasks, jacobian = self.jacobian.take(at)
        with torch.no_grad():
            if self.on == "features":
                step, weights = self.feature_step(jacobian, tasks)
                self.unsummed = [*shared, *specific]
            else:
                of_extra = shared if self.has_extra else ()
                own = specific if self.heads is None else ()
                self.jacobian.add_up(jacobian, [*of_extra, *own])
                step, weights = self.step(jacobian, tasks)
        self.has_extra = False
        parts = step.split([tensor.numel() for tensor in at])
        grads = [p.view_as(tensor).to(tensor.dtype) for p, tensor in zip(parts, at, strict=True)]
        if self.on == "features":
            torch.autograd.backward(at, grads, inputs=list(shared))
        else:
            for parameter, grad in zip(shared, grads, strict=True):
                before = parameter.grad
                parameter.grad = grad if before is None else before + grad
        scales, self.scales = self.scales, {}
        used = {} if weights is None else dict(zip(tasks, weights.unbind(), strict=True))
        if self.heads is not None:
            self.heads.fill(used)
            self.unsummed = list(specific)
        if weights is None:
            return None
        return {task: w * scales[task] if scales else w for task, w in used.items()}

    def step(self, jacobian: Tensor, tasks: Sequence[str]) -> tuple[Tensor, Tensor | None]:
        """`aggregate`, of gradients that are finite and of the right size."""
        if self.overflows(torch.linalg.vector_norm(jacobian, dim=1), tasks):
            return jacobian.sum(0), None
        if self.part.scale == 1:
            return self.aggregate(jacobian, tasks)
        step, weights = self.aggregate(jacobian.div_(self.part.scale), tasks)
        return step * self.part.scale, weights

    def feature_step(self, jacobian: Tensor, tasks: Sequence[str]) -> tuple[Tensor, Tensor | None]:
        """`step` at features, of which each process has those of its own examples."""
        whole, own = ranks.columns(jacobian)
        step, weights = self.step(whole, tasks)
        return step[own], weights

    def overflows(self, norms: Tensor, tasks: Sequence[str]) -> bool:
        """Whether a gradient is not finite, of which in half precision the trainer takes care.

        Raises:
            ValueError: where it is not, and the precision is full.
        """
        sizes = dict(zip(tasks, norms.tolist(), strict=True))
        bad = {task: size for task, size in sizes.items() if not math.isfinite(size)}
        if bad and self.part.scale == 1:
            thing = f"the gradient of task {', '.join(map(repr, bad))}"
            found = f"one of length {', '.join(map(str, bad.values()))}"
            fix = "a smaller optimizer.lr, or trainer.grad_clip=1.0"
            raise problem(thing, "must stay finite", found, fix)
        return bool(bad)

    def positions(self, tasks: Sequence[str]) -> list[int]:
        """Where the tasks stand among all, for state that is kept by task."""
        return [self.tasks.index(task) for task in tasks]

    def after_step(self, closure: Callable[[], Losses]) -> None:
        if self.losses is not None:
            self.losses.after_step(closure)

    def end_epoch(self, means: Mapping[str, float]) -> None:
        if self.losses is not None:
            self.losses.end_epoch(means)

    def progress(self, fraction: float) -> None:
        if self.losses is not None:
            self.losses.progress(fraction)
