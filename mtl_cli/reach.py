"""Which parameters a backward graph reaches, and which of them are the last layer's."""

from collections.abc import Collection

import torch
from torch import nn

from mtl_cli.arch.experts import Loop


def last_layer(module: nn.Module, wanted: Collection[int]) -> list[nn.Parameter]:
    """The parameters of the last layer that has some of those with the ids ``wanted``.

    Layers that only scale or shift (batch norm) do not count where there is another one, and of
    modules side by side each gives its own.
    """
    own = [p for p in module.parameters(recurse=False) if id(p) in wanted]
    if isinstance(module, Loop):
        return own + [p for copy in module.copies for p in last_layer(copy, wanted)]
    parts = [last_layer(child, wanted) for child in reversed(list(module.children()))]
    layers = [layer for layer in [*parts, own] if layer]
    matrices = (layer for layer in layers if any(p.dim() > 1 for p in layer))
    return next(matrices, layers[0] if layers else [])


def leaf_parameters(root: torch.autograd.graph.Node | None) -> set[int]:
    """The ids of the parameters that the backward graph from ``root`` ends in."""
    leaves: set[int] = set()
    seen = set()
    todo = [root]
    while todo:
        node = todo.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):  # the node that accumulates a leaf's gradient
            leaves.add(id(node.variable))
        todo += [parent for parent, _ in node.next_functions]
    return leaves
