"""The Jacobian of the losses: a row for each task, written into one matrix kept between steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from mtl_cli.basis import ranks
from mtl_cli.basis.backward_graph import leaf_ids, nodes
from mtl_cli.basis.errors import problem
from mtl_cli.basis.rows import take_rows


class Jacobian:
    """Rows of gradients, [K, D], by the names of the tasks.

    The matrix is allocated once and written anew in every step; a row that is added twice in a
    step is summed.

    Args:
        tasks: the names of all tasks that may get a row.
    """

    def __init__(self, tasks: Sequence[str]) -> None:
        self.tasks = list(tasks)
        self.storage = torch.empty(0)
        self.rows: dict[str, int] = {}  # in the order in which they came
        self.behind = 0  # numbers that there is to be room for behind the rows

    def add(self, task: str, grads: Sequence[Tensor | None], of: Sequence[Tensor]) -> None:
        """Adds a task's gradients of the tensors ``of``; None is zero."""
        parts = [
            torch.zeros_like(tensor).flatten() if grad is None else grad.flatten()
            for grad, tensor in zip(grads, of, strict=True)
        ]
        if task in self.rows:
            self._matrix(of)[self.rows[task]] += torch.cat(parts)
        else:
            self.rows[task] = len(self.rows)
            torch.cat(parts, out=self._matrix(of)[self.rows[task]])

    def take(self, of: Sequence[Tensor]) -> tuple[list[str], Tensor]:
        """The tasks in their order, and their rows; the next row starts a new matrix.

        The matrix may be written to, until then.
        """
        tasks = [task for task in self.tasks if task in self.rows]
        matrix = self._matrix(of)[: len(tasks)]
        order = [self.rows[task] for task in tasks]
        self.rows = {}
        if order == sorted(order):
            return tasks, matrix
        return tasks, take_rows(matrix, order)

    def add_up(self, matrix: Tensor, grads_of: Sequence[Tensor]) -> None:
        """Adds up the matrix of `take` and other gradients over all processes, in one reduction.

        These are sent from behind the rows, for which there is room from the second step on.
        """
        if ranks.size() == 1:
            return
        behind = sum(p.numel() for p in grads_of) + len(grads_of)
        self.behind = max(self.behind, behind)
        whole = matrix.data_ptr() == self.storage.data_ptr()
        ranks.add_up([matrix], grads_of, self.storage if whole else None)

    def _matrix(self, of: Sequence[Tensor]) -> Tensor:
        """The storage as rows of the right length, in single precision at least."""
        size = sum(tensor.numel() for tensor in of)
        dtype = torch.promote_types(of[0].dtype, torch.float32)
        old, needed = self.storage, len(self.tasks) * size + self.behind
        short = len(old) < (len(self.tasks) * size if self.rows else needed)
        if old.dtype != dtype or old.device != of[0].device or short:
            self.storage = torch.empty(needed, dtype=dtype, device=of[0].device)
        return self.storage[: len(self.tasks) * size].view(len(self.tasks), size)


def gradients(
    losses: Sequence[Tensor], of: Sequence[Tensor], retain_graph: bool
) -> Iterator[Sequence[Tensor | None]]:
    """The gradients of each loss, in one backward pass each."""
    for k, loss in enumerate(losses):
        retain = retain_graph or k < len(losses) - 1
        yield torch.autograd.grad(loss, of, retain_graph=retain, allow_unused=True)


def quickest_gradients(
    features: Sequence[Tensor],
    losses: Sequence[Tensor],
    shared: Sequence[Tensor],
    chunk_size: int | None,
) -> Iterator[Sequence[Tensor | None]]:
    """The same of the shared parameters, of several losses in a pass where that is quicker.

    Args:
        features: where the tasks part, if they do at some tensors.
        losses: of which the gradients are.
        shared: parameters.
        chunk_size: losses in a pass; None: as many as are quickest.
    """
    at_once = chunk_size or quickest_chunk(len(losses), shared[0].device)
    if at_once > 1 and all_pass(features, losses, shared) and batches_well(features):
        return gradients_through(features, losses, shared, at_once)
    return gradients(losses, shared, retain_graph=False)


def gradients_through(
    features: Sequence[Tensor], losses: Sequence[Tensor], of: Sequence[Tensor], chunk_size: int
) -> Iterator[Sequence[Tensor | None]]:
    """The same, by one backward pass for several losses from the features on, which all pass."""
    for start in range(0, len(losses), chunk_size):
        chunk = losses[start : start + chunk_size]
        each = [
            torch.autograd.grad(loss, features, retain_graph=True, materialize_grads=True)
            for loss in chunk
        ]
        stacked = [torch.stack(grads) for grads in zip(*each, strict=True)]  # [chunk, B, ...]
        retain = start + chunk_size < len(losses)
        grads = torch.autograd.grad(
            features, of, stacked, retain_graph=retain, allow_unused=True, is_grads_batched=True
        )
        for k in range(len(chunk)):
            yield [None if grad is None else grad[k] for grad in grads]


def quickest_chunk(num_losses: int, device: torch.device) -> int:
    """How many losses to take in one pass: on an accelerator all, as every pass has its price.

    On a CPU two or three are quicker one by one, and with more than eight, what is between no
    longer fits its caches.
    """
    if device.type != "cpu":
        return num_losses
    return 8 if num_losses >= 4 else 1


def all_pass(
    features: Sequence[Tensor], losses: Sequence[Tensor], shared: Sequence[Tensor]
) -> bool:
    """Whether the losses reach the shared parameters through the features alone."""
    if not features or any(feature.grad_fn is None for feature in features):
        return False
    ids = {id(parameter) for parameter in shared}
    return ids.isdisjoint(leaf_ids(losses, features))


def check_features(passes: bool, whole: bool) -> None:
    """Refuses a Jacobian at the features where there can be none.

    Args:
        passes: whether the losses reach the shared parameters through the features alone.
        whole: whether a step has one part.

    Raises:
        ValueError: where one of them is false.
    """
    thing, fix = "weighting.on=features", "weighting.on=parameters"
    if not passes:
        rule = "needs tasks that part at one tensor (arch=hps, with heads that read its last stage)"
        raise problem(thing, rule, "shared parameters that a task reaches beside it", fix)
    if not whole:
        rule = "needs the whole batch at once: features of other examples are other tensors"
        raise problem(thing, rule, "a step in several parts", fix)


def batches_well(features: Sequence[Tensor]) -> bool:
    """Whether one backward pass from the features does for many gradients, and is quicker so."""
    return all(node.name() in BATCHED for node in nodes(features))


# Kinds of nodes that torch.vmap does in one kernel. Convolutions on a CPU are slower so, and bags
# of words, attention and what is compiled would fall back on a loop, with a warning.
BATCHED = {
    "AccumulateGrad",
    "torch::autograd::AccumulateGrad",
    "AddBackward0",
    "AddmmBackward0",
    "BaddbmmBackward0",
    "BmmBackward0",
    "DivBackward0",
    "EluBackward0",
    "ExpandBackward0",
    "GeluBackward0",
    "LeakyReluBackward0",
    "MmBackward0",
    "MulBackward0",
    "ReluBackward0",
    "SigmoidBackward0",
    "SiluBackward0",
    "SqueezeBackward1",
    "TanhBackward0",
    "TBackward0",
    "TransposeBackward0",
    "UnsafeViewBackward0",
    "UnsqueezeBackward0",
    "ViewBackward0",
}
