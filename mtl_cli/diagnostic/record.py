"""A record of everything that a computation made, in order, as fingerprints of its bits."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, is_dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mtl_cli.basis.batch import Batch
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.model.model import Model
from mtl_cli.training.observer import Observer
from mtl_cli.training.trainer import Trainer


@dataclass(frozen=True)
class Event:
    """A tensor that came to be.

    Args:
        step: of the training, from 1; 0 before it, or without one.
        what: its kind, such as ``output of module``.
        name: which one.
        print: of its bits, its shape and its type.
    """

    step: int
    what: str
    name: str
    print: str

    def __str__(self) -> str:
        when = f"step {self.step}" if self.step else "before the first step"
        return f"{self.what} {self.name}, {when}"


class Recorder(Observer):
    """Notes what a trainer computes, beside the modules' outputs.

    Args:
        trainer: watched.
    """

    def __init__(self, trainer: Trainer) -> None:
        super().__init__(every=1)
        self.trainer = trainer
        self.events: list[Event] = []

    def note(self, what: str, values: Mapping[str, Any], ahead: int = 0) -> None:
        for name, value in values.items():
            if isinstance(value, Tensor):
                self.events.append(Event(self.trainer.step + ahead, what, name, fingerprint(value)))

    def note_batches(self, batches: list[Batch]) -> None:
        """Before their step."""
        for batch in batches:
            for name, x in batch.inputs.items():
                for part in tensors_in(x):
                    self.note("input", {name: part}, ahead=1)
            self.note("target of task", batch.targets, ahead=1)

    def before_backward(
        self, epoch: int, step: int, model: Model, losses: dict[str, Tensor]
    ) -> None:
        self.note("loss of task", losses)

    def after_backward(self, epoch: int, step: int, model: Model) -> None:
        for learner in self.trainer.learners:
            self.note("state of the weighting of", named(learner.weighting, learner.group.tasks))
        grads = {name: p.grad for name, p in model.named_parameters()}
        self.note("gradient of", dict(reversed(grads.items())))  # as backward comes to them

    def note_state(self) -> None:
        """After a step, or before the first."""
        weights = dict(self.trainer.model.named_parameters())
        self.note("parameter", weights)
        self.note("buffer", dict(self.trainer.model.named_buffers()))

    def finish(self, folder: RunFolder, title: str) -> str:
        return ""

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        pass


@contextmanager
def record_outputs(
    model: nn.Module, events: list[Event], step: Callable[[], int]
) -> Iterator[None]:
    """While the block lasts, notes what every module gives, the inner ones first."""

    def hook(name: str, kind: str) -> Callable[..., None]:
        def note(module: nn.Module, args: Any, output: Any) -> None:
            events.extend(
                Event(step(), "output of module", f"{name} ({kind})", fingerprint(tensor))
                for tensor in tensors_in(output)
            )

        return note

    with ExitStack() as stack:
        for name, module in model.named_modules():
            handle = module.register_forward_hook(hook(name or "the model", type(module).__name__))
            stack.callback(handle.remove)
        yield


def named(module: nn.Module, tasks: list[str]) -> dict[str, Tensor]:
    """The parameters and buffers of a weighting, with the tasks that it is for."""
    of = ", ".join(tasks)
    both = [*module.named_parameters(), *module.named_buffers()]
    return {f"{of}: {name}": tensor for name, tensor in both}


def tensors_in(value: Any) -> list[Tensor]:
    """The tensors in a value, at any depth."""
    if isinstance(value, Tensor):
        return [value]
    if is_dataclass(value) and not isinstance(value, type):
        return [tensor for item in vars(value).values() for tensor in tensors_in(item)]
    if isinstance(value, Mapping):
        return [tensor for item in value.values() for tensor in tensors_in(item)]
    if isinstance(value, list | tuple):
        return [tensor for item in value for tensor in tensors_in(item)]
    return []


def fingerprint(tensor: Tensor) -> str:
    """Of the bits, the shape and the type; equal for equal tensors alone."""
    data = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
    digest = hashlib.blake2b(data.tobytes(), digest_size=16).hexdigest()
    return f"{tensor.dtype} {tuple(tensor.shape)} {digest}"
