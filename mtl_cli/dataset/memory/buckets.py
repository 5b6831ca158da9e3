"""Orders in which examples of like length stand together, so that batches hold little padding."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.bag import Bag
from mtl_cli.basis.batch import Examples
from mtl_cli.basis.errors import problem

MIXED = 50  # batches, whose examples are sorted together: who meets in one stays chance


def lengths_of(x: Examples) -> np.ndarray:
    """How long each text is, [N].

    Raises:
        ValueError: where these are no texts.
    """
    if isinstance(x, Bag):
        return x.bounds.diff().numpy()
    if isinstance(x, Tensor) and x.dim() == 2 and not x.is_floating_point():
        return (x != 0).sum(1).cpu().numpy()
    rule, fix = "needs examples that have a length: texts", "dataset.buckets=false"
    raise problem("dataset.buckets=true", rule, type(x).__name__, fix)


def in_buckets(order: Tensor, lengths: np.ndarray, size: int, draw: np.random.Generator) -> Tensor:
    """The same examples, in batches of like length, which come in random order.

    Runs of ``MIXED`` batches of the order are sorted each. An incomplete last batch stays last.

    Args:
        order: the positions of all examples, at random, [N].
        lengths: of each, [N].
        size: examples a batch.
        draw: of the order of the batches.
    """
    positions = order.numpy()
    whole = len(positions) // size * size
    ends = [*range(0, whole, MIXED * size), whole]
    runs = [positions[begin:end] for begin, end in pairwise(ends)]
    sorted_runs = [run[np.argsort(lengths[run], kind="stable")] for run in runs]
    if not sorted_runs:
        return order
    batches = np.concatenate(sorted_runs).reshape(-1, size)
    mixed = batches[draw.permutation(len(batches))].ravel()
    return torch.from_numpy(np.concatenate([mixed, positions[whole:]]))
