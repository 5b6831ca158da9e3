"""What every weighting promises: it turns the losses of a step into gradients."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from mtl_cli.basis import ranks
from mtl_cli.basis.device import waits
from mtl_cli.basis.gradient_scale import scale_gradient
from mtl_cli.basis.naming import module_key
from mtl_cli.weighting.part import WHOLE, Part
from mtl_cli.weighting.positive import Positive, read

Losses = Mapping[str, Tensor]
Weights = dict[str, Tensor]

log = logging.getLogger(__name__)


class Weighting(nn.Module, ABC):
    """How K losses become one update. Its one verb is `backward`.

    Its state (learned weights as parameters, all else as buffers) is part of a checkpoint; its
    parameters are trained by the model's optimizer, without decay.

    Args:
        tasks: the names of the tasks that it balances.

    Attributes:
        part: what the losses to come are of, as `begin` said.
        reads_features: whether it takes gradients at the tensors where the tasks part.
        takes_rows: whether other gradients than those of the shared parameters will do, in every
            step others: those of the rows of tables that it reads. Not where it keeps gradients.
        draws: whether chance has a part in it. All that torch draws in `backward` and `flush` is
            then of the seed and the step alone, and the same in all processes.
        failures: how often the method could not do what it promises, for ``summary.json``.
        on_host: the buffers that stay in the host's memory, where they are read and written.
        unread: what a device has still to say whether it is above zero; see `need`.
    """

    failures: Tensor
    on_host: ClassVar[tuple[str, ...]] = ("failures",)
    reads_features = False
    takes_rows = True
    draws = False

    def __init__(self, tasks: Sequence[str]) -> None:
        super().__init__()
        self.tasks = list(tasks)
        self.part = WHOLE
        self.register_buffer("failures", torch.zeros((), dtype=torch.long))
        self.unread: list[Positive] = []

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        kept = {name: self._buffers[name] for name in self.on_host}
        super()._apply(fn, recurse)
        self._buffers.update(kept)
        return self

    def begin(self, part: Part) -> None:
        """Called before the losses of each part of a step, and before `flush`."""
        self.part = part

    @abstractmethod
    def backward(
        self,
        losses: Losses,
        shared: Sequence[nn.Parameter],
        specific: Sequence[nn.Parameter],
        extra: Tensor | None = None,
        features: Sequence[Tensor] = (),
    ) -> Weights | None:
        """Adds the step's gradients to ``.grad``, and says which weights it used.

        Args:
            losses: ``{task: scalar}``, each times its task's weight; only the tasks that have a
                label in this step. The state of the others stays as it is.
            shared: the parameters that several of the tasks reach.
            specific: the others; they get the gradient of the sum of the losses (of a loss
                weighting: of what it minimises).
            extra: the architecture's own term, added as it is.
            features: the tensors at which the tasks part, where there are any.

        Returns:
            What multiplied each loss's gradient, ``{task: scalar}``; None where that is nothing, or
            the method is no weighted sum.
        """

    def flush(
        self, shared: Sequence[nn.Parameter], specific: Sequence[nn.Parameter]
    ) -> Weights | None:
        """Called in place of `backward` where the last part of a step has no label: what was kept
        of the parts before becomes the step's gradients."""
        return None

    def add_up(self, shared: Sequence[Tensor], specific: Sequence[Tensor]) -> None:
        """Called after the last part of a step: the gradients of all processes become their sum,
        as far as they are not yet."""
        ranks.add_up([], [*shared, *specific])

    def share(self, task: str) -> float:
        """How much the task's loss counts in the step; 1 where that is in one part."""
        return self.part.shares.get(task, 1.0)

    def tasks_of_step(self, losses: Losses) -> list[str]:
        """The tasks with a loss in some part of the step, of which ``losses`` is one."""
        return [task for task in self.tasks if task in self.part.shares] or list(losses)

    def watch(self, last_shared: Sequence[nn.Parameter]) -> None:
        """Called once, before training, with the parameters of the last shared layer."""

    def need(self, check: Positive) -> None:
        """Refuses what is not above zero: at once, or in `check` where it would take a wait."""
        if waits(check.values):
            losses = {task: loss.detach() for task, loss in check.losses.items()}
            self.unread.append(check._replace(losses=losses, values=check.values.detach()))
        else:
            read([check])

    def check(self) -> None:
        """Called where figures are read from the device: refuses what `need` left unread."""
        for module in self.modules():
            if isinstance(module, Weighting) and module.unread:
                unread, module.unread = module.unread, []
                read(unread)

    def note_failure(self, what: str) -> None:
        """Counts a failure, and logs the first one."""
        if not self.failures:
            log.warning("weighting   %s; summary.json has the count", what)
        self.failures += 1

    def after_step(self, closure: Callable[[], Losses]) -> None:
        """Called after the optimizer's step; ``closure`` computes the losses anew, on demand."""

    def end_epoch(self, means: Mapping[str, float]) -> None:
        """Called after an epoch with the mean of each task's loss over it."""

    def progress(self, fraction: float) -> None:
        """Called before each step with the share of the training that is done, from 0 to 1."""


class LossWeighting(Weighting):
    """A weighting that makes one scalar S of the losses and follows its gradient.

    Attributes:
        reads_gradients: whether it does so by the gradients of the losses too, which it then has
            to take itself, and cannot stand before an aggregation.
    """

    reads_gradients = False

    @abstractmethod
    def combine(self, losses: Losses) -> Tensor:
        """S, a scalar."""

    def learned(self, values: nn.ParameterDict, losses: Losses) -> Tensor:
        """The learned numbers of the present tasks, [K], whose gradients add up over the parts."""
        return torch.stack(
            [scale_gradient(values[module_key(task)], self.share(task)) for task in losses]
        )

    def backward(
        self,
        losses: Losses,
        shared: Sequence[nn.Parameter],
        specific: Sequence[nn.Parameter],
        extra: Tensor | None = None,
        features: Sequence[Tensor] = (),
    ) -> Weights:
        for loss in losses.values():
            loss.retain_grad()  # which will be dS/dL_k
        terms = [self.combine(losses), *([] if extra is None else [extra])]
        sum(terms[1:], start=terms[0]).backward()
        return {task: loss.grad for task, loss in losses.items() if loss.grad is not None}
