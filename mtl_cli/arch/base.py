"""What every architecture promises: features for each task, from the inputs that are present."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mtl_cli.arch.loop import Each, run_stages, together
from mtl_cli.basis.batch import Examples
from mtl_cli.basis.errors import problem
from mtl_cli.basis.inputs import InputSpec
from mtl_cli.encoder.base import Encoder, Shape

MakeEncoder = Callable[[InputSpec], Encoder]


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

    A task reads one named input; an architecture is written for one input (`encode`), and is
    called once for each that is present. So with several inputs a task's features are those that
    the same architecture gives on that task's input alone.

    Args:
        inputs: ``{input name: its spec}``.
        tasks: ``{task: the input that it reads}``.

    Attributes:
        out_shapes: ``{task: per-example shape of its features}``, set by the subclass.
        representations: the tensors of the last forward pass, one an input, from which on the
            tasks' computations part; empty where they part at no single tensor.
        weighed: ``{input: (tasks, weights of the experts [K, B, E])}`` of the last forward pass,
            where a subclass notes them, for `expert_weights`.
    """

    out_shapes: dict[str, Shape]

    def __init__(self, inputs: Mapping[str, InputSpec], tasks: Mapping[str, str]) -> None:
        super().__init__()
        self.inputs = dict(inputs)
        self.tasks = dict(tasks)
        self.representations: list[Tensor] = []
        self.weighed: dict[str, tuple[list[str], Tensor]] = {}

    def __getstate__(self) -> dict[str, Any]:
        """A copy has nothing of the last forward pass: tensors in a graph cannot be copied."""
        return self.__dict__ | {"representations": [], "weighed": {}}

    def forward(
        self, inputs: Mapping[str, Examples], tasks: Collection[str] | None = None
    ) -> dict[str, Tensor]:
        """The features of ``tasks`` (all, where None) whose input is present."""
        self.representations = []
        features: dict[str, Tensor] = {}
        for name, x in inputs.items():
            reading = [t for t in self.readers(name) if tasks is None or t in tasks]
            if reading:
                features |= self.encode(x, name, reading)
        return {task: features[task] for task in self.tasks if task in features}

    def readers(self, input: str) -> list[str]:
        """The tasks that read this input, in the order of the tasks."""
        return [task for task, read in self.tasks.items() if read == input]

    @abstractmethod
    def encode(self, x: Examples, input: str, tasks: list[str]) -> dict[str, Tensor]:
        """The features of ``tasks``, all of which read ``input``, of which ``x`` is a batch."""

    def stacked_over_tasks(self) -> Iterable[nn.Parameter]:
        """Parameters that hold a slice for each task, so that no entry of them is shared."""
        return ()

    def last_shared_layer(self) -> nn.Module | None:
        """The part of it that ends in the last layer that tasks share; None: its last part does.

        What is last is told by the order in which modules were registered, which need not be the
        order in which they compute.
        """
        return None

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
        """Notes that the tasks part here, for weightings that work on features."""
        if torch.is_grad_enabled():
            self.representations.append(features)
        return features


class Trunk(nn.Module):
    """An encoder for several inputs, or ``copies`` of it side by side, stage by stage.

    Inputs of equal spec share every stage. Inputs of different specs have a first stage of their
    own, and share the later ones whose input and output shapes agree.

    Args:
        make_encoder: makes an encoder for a spec.
        inputs: ``{input name: its spec}``.
        combine: how the same stage of the encoders made for one spec becomes one module;
            called with a list of ``copies`` stages and whether it is the first.
        copies: how many encoders to make for each spec.

    Raises:
        ValueError: where inputs of different specs can share no stage.
    """

    def __init__(
        self,
        make_encoder: MakeEncoder,
        inputs: Mapping[str, InputSpec],
        copies: int = 1,
        combine: Callable[[list[nn.Module], bool], nn.Module] = lambda stages, first: stages[0],
    ) -> None:
        super().__init__()
        specs = list(dict.fromkeys(inputs.values()))
        encoders = {spec: [make_encoder(spec) for _ in range(copies)] for spec in specs}
        shapes = {spec: encoders[spec][0].shapes for spec in specs}
        self.num_stages = len(shapes[specs[0]])
        self.shapes = shapes[specs[0]]
        self.stages = nn.ModuleList()  # by stage: one module for each group of specs
        self.which: list[dict[str, int]] = []  # by stage: {input: its module}
        for s in range(self.num_stages):
            signatures = {
                spec: (shapes[spec][s - 1], shapes[spec][s]) if s else spec for spec in specs
            }
            groups = list(dict.fromkeys(signatures.values()))
            owners = [next(sp for sp in specs if signatures[sp] == group) for group in groups]
            stage = [combine([e.stages[s] for e in encoders[owner]], s == 0) for owner in owners]
            self.stages.append(nn.ModuleList(stage))
            self.which.append({name: groups.index(signatures[sp]) for name, sp in inputs.items()})
        if len(specs) > 1 and all(len(stage) == len(specs) for stage in self.stages):  # type: ignore[arg-type]
            found = ", ".join(f"{name}: {spec}" for name, spec in inputs.items())
            rule = "needs a stage after the first whose shapes agree, to share between inputs"
            fix = "an encoder with more stages ('encoder.hidden=[128,128]'), or arch=single_task"
            raise problem("encoder", rule, found, fix)
        self.stage_shapes = {name: shapes[spec] for name, spec in inputs.items()}
        self.out_shapes = {name: own[-1] for name, own in self.stage_shapes.items()}

    def run(self, stages: Iterable[int], x: Each, input: str) -> Tensor | list[Tensor]:
        """These stages (from 0) on what the stage before gave for this input: see `run_stages`."""
        return run_stages([self.stages[s][self.which[s][input]] for s in stages], x)  # type: ignore[index]

    def stage(self, s: int, x: Examples, input: str) -> Tensor:
        return together(self.run([s], x, input))

    def forward(self, x: Examples, input: str) -> Tensor:
        return together(self.run(range(self.num_stages), x, input))
