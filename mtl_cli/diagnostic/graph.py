"""The backward graph that autograd keeps, walked and measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from mtl_cli.basis.backward_graph import nodes

Node = torch.autograd.graph.Node
Shape = tuple[int, ...]


@dataclass
class Branch:
    """An operation of the backward pass, or a parameter, and what leads on from it.

    Args:
        number: of the operation or parameter, from 1, in the order in which they were met.
        operation: autograd's name for it, such as ``AddmmBackward0``.
        parameter: the parameter's name; None for an operation.
        shapes: of what it made in the forward pass; empty where no gradient came.
        norm: of the gradient with respect to that; None where none came.
        shared_by: the tasks whose graphs have it, where there are several.
        below: what it leads on to.
        repeated: whether it was met before; what is below it is not repeated.
        named_again: whether it is met again, later.
        hidden: where the branch is cut off, how many operations are below, and the norms of the
            parameters that it leads to.
    """

    number: int
    operation: str
    parameter: str | None
    shapes: list[Shape]
    norm: float | None
    shared_by: list[str]
    below: list[Branch] = field(default_factory=list)
    repeated: bool = False
    named_again: bool = False
    hidden: tuple[int, dict[str, float | None]] | None = None

    def walk(self, parent: int | None = None, depth: int = 0) -> Iterator[tuple[Branch, Any, int]]:
        """All branches with the number of their parent and their depth, from the root."""
        yield self, parent, depth
        for branch in self.below:
            yield from branch.walk(self.number, depth + 1)


class Graph:
    """The graphs of several tasks' outputs, which have a part in common.

    Args:
        outputs: ``{task: its output}``.
        names: of the parameters, by their ids.
        max_depth: operations from a root to where a branch is cut off.
    """

    def __init__(
        self, outputs: Mapping[str, Tensor], names: Mapping[int, str], max_depth: int
    ) -> None:
        self.names = names
        self.max_depth = max_depth
        self.users: dict[Node, list[str]] = {}
        for task, output in outputs.items():
            for node in nodes([output]):
                self.users.setdefault(node, []).append(task)
        self.numbers: dict[Node, int] = {}

    def tree(self, root: Tensor, loss: Tensor) -> Branch:
        """The tree from what made ``root``, with the norms of the gradients of ``loss``."""
        assert root.grad_fn is not None
        seen = measure(root.grad_fn, loss)
        return self._branch(root.grad_fn, seen, {}, 0)

    def _branch(
        self, node: Node, seen: Mapping[Node, Measured], met: dict[Node, Branch], depth: int
    ) -> Branch:
        users = self.users.get(node, [])
        shapes, norm = seen.get(node, ([], None))
        branch = Branch(
            number=self.numbers.setdefault(node, len(self.numbers) + 1),
            operation=node.name(),
            parameter=self._parameter(node),
            shapes=shapes,
            norm=norm,
            shared_by=users if len(users) > 1 else [],
        )
        if node in met:
            branch.repeated = met[node].named_again = True
            return branch
        met[node] = branch
        children = list(dict.fromkeys(child for child, _ in node.next_functions if child))
        if depth == self.max_depth:
            cut = [child for child in children if self._parameter(child) is None]
            if cut:
                branch.hidden = self._below(cut, seen)
            children = [child for child in children if child not in cut]
        branch.below = [self._branch(child, seen, met, depth + 1) for child in children]
        return branch

    def _below(
        self, cut: list[Node], seen: Mapping[Node, Measured]
    ) -> tuple[int, dict[str, float | None]]:
        """How many operations lead on from these, and the norms of the parameters at their ends."""
        below = {node: self._parameter(node) for node in nodes(cut)}
        norms = {name: seen.get(node, ([], None))[1] for node, name in below.items() if name}
        return len(below) - len(norms), norms

    def _parameter(self, node: Node) -> str | None:
        return self.names.get(id(node.variable), "a tensor") if hasattr(node, "variable") else None


Measured = tuple[list[Shape], float | None]


def measure(root: Node, loss: Tensor) -> dict[Node, Measured]:
    """The shapes and norms of the gradients that come to each node below ``root`` from ``loss``."""
    found: dict[Node, Measured] = {}
    below = list(nodes([root]))
    leaves = [node for node in below if hasattr(node, "variable")]
    with ExitStack() as stack:
        for node in below:
            if not hasattr(node, "variable"):

                def note(grads: tuple[Tensor | None, ...], node: Node = node) -> None:
                    found[node] = measured(grads)

                stack.callback(node.register_prehook(note).remove)
        grads = torch.autograd.grad(
            loss, [leaf.variable for leaf in leaves], retain_graph=True, allow_unused=True
        )
    for leaf, grad in zip(leaves, grads, strict=True):
        shape = tuple(leaf.variable.shape)
        found[leaf] = [shape], None if grad is None else float(grad.norm())
    return found


def measured(grads: tuple[Tensor | None, ...]) -> Measured:
    there = [grad for grad in grads if grad is not None]
    if not there:
        return [], None
    norms = torch.stack([torch.linalg.vector_norm(grad.float()) for grad in there])
    return [tuple(grad.shape) for grad in there], float(torch.linalg.vector_norm(norms))
