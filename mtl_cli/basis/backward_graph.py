"""The graph that autograd keeps for the backward pass."""

from collections.abc import Iterator, Sequence

from torch import Tensor
from torch.autograd.graph import Node


def nodes(roots: Sequence[Tensor | Node], until: Sequence[Tensor] = ()) -> Iterator[Node]:
    """The nodes that lead to ``roots``, each once, but for those behind the tensors ``until``."""
    todo: list[tuple[Node | None, int]] = [
        (root.grad_fn, root.output_nr) if isinstance(root, Tensor) else (root, 0) for root in roots
    ]
    hidden = {(tensor.grad_fn, tensor.output_nr) for tensor in until}
    seen = set()
    while todo:
        node, number = todo.pop()
        if node is not None and node not in seen and (node, number) not in hidden:
            seen.add(node)
            yield node
            todo += node.next_functions


def leaf_ids(roots: Sequence[Tensor | Node], until: Sequence[Tensor] = ()) -> set[int]:
    """The ids of the tensors, parameters among them, that gradients of ``roots`` end in."""
    return {id(node.variable) for node in nodes(roots, until) if hasattr(node, "variable")}
