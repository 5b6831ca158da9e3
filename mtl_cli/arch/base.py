"""What every architecture promises: features for each task, from the inputs that are present."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from mtl_cli.basis.batch import Examples
from mtl_cli.basis.inputs import InputSpec
from mtl_cli.encoder.base import Shape

Features = Tensor | list[Tensor]  # of a task: after the last stage, or after each that it taps


class Gate(NamedTuple):
    """How much some tasks weigh some experts: for each task the weights of each example.

    Args:
        level: where the gate stands, empty where there is one place alone.
        tasks: K names.
        experts: E names.
        weights: [K, B, E]; B is 1 where all examples have the same.
    """

    level: str
    tasks: list[str]
    experts: list[str]
    weights: Tensor


class Architecture(nn.Module, ABC):
    """Decides what the tasks share: ``forward(inputs, tasks) -> {task: [B, *shape]}``.

    A task whose head taps stages (a decoder of maps at several scales, say) gets a list instead:
    its features after each of these stages, which are the architecture's idea of sharing there.

    A task reads one named input; an architecture is written for one input (`encode`), and is
    called once for each that is present. So with several inputs a task's features are those that
    the same architecture gives on that task's input alone.

    Args:
        inputs: ``{input name: its spec}``.
        tasks: ``{task: the input that it reads}``.

    Attributes:
        out_shapes: ``{task: per-example shape of its features}``, set by the subclass.
        stage_shapes: ``{task: the shape of its features after each stage}``, set by those that can
            be tapped there; the last is that of ``out_shapes``.
        taps: ``{task: the stages whose features it gets}``, from 0, set by the model; tasks that
            are not there get the last one's.
        tapped: ``{stage: {task: its features}}`` of the forward pass that runs.
        representations: the tensors of the last forward pass, one an input, from which on the
            tasks' computations part; empty where they part at no single tensor.
        weighed: ``{input: (tasks, weights of the experts [K, B, E])}`` of the last forward pass,
            where a subclass notes them, for `expert_weights`.
    """

    out_shapes: dict[str, Shape]
    apart: ClassVar[bool] = False  # whether each task is alone with an encoder of its own
    adapts: ClassVar[type[nn.Module] | None] = None  # what it needs an encoder to have

    def __init__(self, inputs: Mapping[str, InputSpec], tasks: Mapping[str, str]) -> None:
        super().__init__()
        self.inputs = dict(inputs)
        self.tasks = dict(tasks)
        self.stage_shapes: dict[str, list[Shape]] = {}
        self.taps: dict[str, tuple[int, ...]] = {}
        self.tapped: dict[int, dict[str, Tensor]] = {}
        self.representations: list[Tensor] = []
        self.weighed: dict[str, tuple[list[str], Tensor]] = {}

    def __getstate__(self) -> dict[str, Any]:
        """A copy has nothing of the last forward pass: tensors in a graph cannot be copied."""
        return self.__dict__ | {"representations": [], "weighed": {}, "tapped": {}}

    def forward(
        self, inputs: Mapping[str, Examples], tasks: Collection[str] | None = None
    ) -> dict[str, Features]:
        """The features of ``tasks`` (all, where None) whose input is present."""
        self.representations = []
        features: dict[str, Tensor] = {}
        for name, x in inputs.items():
            reading = [t for t in self.readers(name) if tasks is None or t in tasks]
            if reading:
                features |= self.encode(x, name, reading)
        there = [task for task in self.tasks if task in features]
        given = {task: self.of_taps(task, features[task]) for task in there}
        self.tapped = {}
        return given

    def of_taps(self, task: str, last: Tensor) -> Features:
        """The features of the stages that a task taps; where it taps none, the last ones."""
        if task not in self.taps:
            return last
        end = len(self.stage_shapes.get(task, [()])) - 1
        return [last if s == end else self.tapped[s][task] for s in self.taps[task]]

    def readers(self, input: str) -> list[str]:
        """The tasks that read this input, in the order of the tasks."""
        return [task for task, read in self.tasks.items() if read == input]

    @abstractmethod
    def encode(self, x: Examples, input: str, tasks: list[str]) -> dict[str, Tensor]:
        """The features of ``tasks``, all of which read ``input``, of which ``x`` is a batch.

        An architecture with ``stage_shapes`` also calls `tap` after each stage before the last.
        """

    def at_stages(self, shapes: Mapping[str, list[Shape]]) -> None:
        """Sets the shapes, where those of a task are those of its input's encoder.

        Args:
            shapes: ``{input name: the shape after each stage}``.
        """
        self.stage_shapes = {task: list(shapes[name]) for task, name in self.tasks.items()}
        self.out_shapes = {task: own[-1] for task, own in self.stage_shapes.items()}

    def tapping(self, stage: int, tasks: Iterable[str]) -> list[str]:
        """Those of ``tasks`` that get their features after this stage, if it is before the last."""
        return [task for task in tasks if stage in self.inner_taps(task)]

    def stops(self, tasks: Iterable[str]) -> list[int]:
        """The stages before the last that some of ``tasks`` tap, in order."""
        return sorted({stage for task in tasks for stage in self.inner_taps(task)})

    def inner_taps(self, task: str) -> list[int]:
        end = len(self.stage_shapes.get(task, [()])) - 1
        return [stage for stage in self.taps.get(task, ()) if stage < end]

    def tap(self, stage: int, features: Mapping[str, Tensor]) -> None:
        """Hands on what tasks have after a stage before the last; those that do not tap it, too."""
        self.tapped.setdefault(stage, {}).update(features)

    def stacked_over_tasks(self) -> Iterable[nn.Parameter]:
        """Parameters that hold a slice for each task, so that no entry of them is shared."""
        return ()

    def last_shared_layer(self) -> nn.Module | None:
        """The part of it that ends in the last layer that tasks share; None: its last part does.

        What is last is told by the order in which modules were registered, which need not be the
        order in which they compute.
        """
        return None

    def whole_encoders(self, input: str) -> list[list[nn.Module]]:
        """The stages of each encoder of an input, where nothing but whole encoders reads it: what
        they give may then stand in its place, as `Encoded`. Empty: something else does."""
        return []

    def taken_over(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Weights of another run's architecture that this one can begin with, by their names here;
        all others as they are."""
        return dict(weights)

    def see(self, logits: Mapping[str, Tensor]) -> None:
        """Called after a forward pass with the outputs [B, 1] of tasks of two classes (not of those
        that a derived task is made of), for an `extra_loss` that reads them."""

    def extra_loss(self) -> Tensor | None:
        """A term of the architecture's own, added to the loss of the last forward pass."""
        return None

    def expert_weights(self) -> list[Gate]:
        """How the tasks weighed the experts in the last forward pass; empty: they weigh none.

        Of a task that was absent, it is the last pass in which it was there.
        """
        return [
            Gate("", tasks, [f"expert {e + 1}" for e in range(weights.shape[-1])], weights)
            for tasks, weights in self.weighed.values()
        ]

    def progress(self, fraction: float) -> None:
        """Called before each step with the share of the training that is done, from 0 to 1."""

    def learned(self) -> dict[str, Any] | None:
        """What of its structure was learned, as plain data for ``learned.json``; None: nothing."""
        return None

    def mark_representation(self, features: Tensor) -> Tensor:
        """Notes that the tasks part here, for weightings that work on features.

        Where a task taps an inner stage, they part at several tensors, and none is noted.
        """
        if torch.is_grad_enabled() and not self.stops(self.tasks):
            self.representations.append(features)
        return features
