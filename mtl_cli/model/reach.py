"""What the losses of a model reach: found by walking the graphs of made-up losses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node
from torch.func import functional_call

from mtl_cli.arch.base import Architecture
from mtl_cli.basis.backward_graph import leaf_ids, nodes
from mtl_cli.basis.batch import Examples
from mtl_cli.basis.errors import problem
from mtl_cli.basis.inputs import InputSpec
from mtl_cli.model.derivation import Derivation
from mtl_cli.model.mode import mode
from mtl_cli.task.base import Task


@dataclass(frozen=True)
class Reach:
    """What is reached, where only tasks with a loss reach anything.

    Args:
        parameters: ``{parameter: the tasks whose loss reaches it}``.
        outputs: ``{task: the tasks whose loss its output reaches}``.
        leaves: ``{task: the ids of what its output is computed from}``.
        losses: the made-up ones.
        representations: the tensors at which the tasks part, of the same pass.
    """

    parameters: dict[str, frozenset[str]]
    outputs: dict[str, frozenset[str]]
    leaves: dict[str, set[int]]
    losses: list[Tensor]
    representations: list[Tensor]

    @property
    def slices_are_shared(self) -> bool:
        """Whether the losses of several tasks reach what is a single task's in the architecture."""
        return any(len(tasks) > 1 for tasks in self.outputs.values())


def find_reach(
    model: nn.Module,
    arch: Architecture,
    inputs: Mapping[str, InputSpec],
    tasks: Mapping[str, Task],
    heads: Mapping[str, nn.Module],
) -> Reach:
    """Walks the graphs of the losses of a forward pass on made-up examples.

    So products of outputs, detached outputs and towers without a loss need no declaration.

    Args:
        model: gives ``{task: output}`` for ``{input: examples}``.
        arch: its architecture.
        inputs: ``{input name: its spec}``.
        tasks: its tasks.
        heads: ``{task: its head}``, where it has one.
    """
    outputs, losses, representations = try_model(model, arch, inputs, tasks)
    leaves: dict[str, set[int]] = {}
    edges: dict[str, set[tuple[Node | None, int]]] = {}
    for task, loss in losses.items():
        leaves[task], edges[task] = set(), {(loss.grad_fn, loss.output_nr)}
        for node in nodes([loss]):
            edges[task].update(node.next_functions)
            if hasattr(node, "variable"):
                leaves[task].add(id(node.variable))
    for task, head in heads.items():
        if task in leaves:  # also what is not trained of its head is its own
            leaves[task] |= {id(p) for p in head.parameters()}
    return Reach(
        parameters={
            name: frozenset(task for task in leaves if id(p) in leaves[task])
            for name, p in model.named_parameters()
        },
        outputs={
            name: frozenset(t for t in edges if (output.grad_fn, output.output_nr) in edges[t])
            for name, output in outputs.items()
        },
        leaves={name: leaf_ids([output]) for name, output in outputs.items()},
        losses=list(losses.values()),
        representations=representations,
    )


class MadeUp(nn.Module):
    """A model as far as its losses, on made-up labels."""

    def __init__(self, model: nn.Module, tasks: Mapping[str, Task]) -> None:
        super().__init__()
        self.model = model
        self.tasks = dict(tasks)  # whose buffers are the model's

    def forward(
        self, inputs: Mapping[str, Examples], device: torch.device
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        outputs = self.model(inputs)
        losses = {}
        for name, task in self.tasks.items():
            if task.trained and name in outputs:
                target, output = task.example_target(2).to(device), outputs[name]
                if task.size is not None:  # made-up maps are small
                    output = output[..., : target.shape[-2], : target.shape[-1]]
                others = [outputs[other] for other in task.reads]
                losses[name] = task.mean_loss(output, target, True, None, None, others)
        return outputs, losses


def try_model(
    model: nn.Module,
    arch: Architecture,
    inputs: Mapping[str, InputSpec],
    tasks: Mapping[str, Task],
) -> tuple[dict[str, Tensor], dict[str, Tensor], list[Tensor]]:
    """Outputs, losses and representations of a training forward pass that leaves no trace."""
    device = next(model.parameters()).device
    whole = MadeUp(model, tasks)
    buffers = {name: buffer.clone() for name, buffer in whole.named_buffers()}
    before = arch.representations
    others = [] if device.type == "cpu" else [device.index or 0]
    with (
        torch.random.fork_rng(others, device_type="cuda" if not others else device.type),
        torch.enable_grad(),
        mode(model, training=True),
    ):
        examples = {n: spec.example(2).to(device) for n, spec in inputs.items()}
        outputs, losses = functional_call(whole, buffers, (examples, device))  # writes to copies
    representations, arch.representations = arch.representations, before
    return outputs, losses, representations


def measured_with(
    tasks: Mapping[str, Task], derivation: Derivation, reach: Reach
) -> dict[str, frozenset[str]]:
    """For each task whose figures depend on the training of others, these: those whose losses reach
    its output or what it is made of, and those whose outputs its loss reads.

    Raises:
        ValueError: where nothing trains the output of a task.
    """
    found: dict[str, frozenset[str]] = {}
    for name, task in tasks.items():
        made_of = derivation.needed([name, *task.reads]) or ()
        if name not in derivation.tasks and not task.trained and not reach.outputs[name]:
            slot = f"tasks.{name}"
            rule = "must be reached by a loss, its own or that of a task made of it"
            fix = f"{slot}.loss={task.usual_loss}, or " * task.has_labels + f"'~{slot}'"
            raise problem(slot, rule, "no loss that trains its output", fix)
        if not task.trained or len(made_of) > 1:
            found[name] = frozenset().union(*(reach.outputs[part] for part in made_of))
    return found
