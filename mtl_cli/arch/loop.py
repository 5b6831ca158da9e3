"""Copies of a module one after the other, for what has no batched form, and stages of such copies.

Where several stages in a row are looped over, each copy goes through all of them before the next
one begins. So nothing is stacked between them, which would be a second copy of the features, and
in the backward pass the features of a copy are free again before the gradients of the next come.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise
from typing import Any

import torch
from torch import Tensor, nn

from mtl_cli.arch.stacked_linear import Rows
from mtl_cli.basis.batch import Examples

Each = Examples | list[Tensor]  # one input for all copies, [B, ...], or one for each


class Loop(nn.Module):
    """E modules one after the other, for what has no batched form."""

    def __init__(self, modules: Sequence[nn.Module], shared_input: bool) -> None:
        super().__init__()
        self.copies = nn.ModuleList(modules)
        self.shared_input = shared_input

    def forward(self, x: Each, rows: Rows = None) -> Tensor:
        return torch.stack(run_loops([self], x, rows))


def run_loops(loops: Sequence[Loop], x: Each, rows: Rows) -> list[Tensor]:
    """Looped stages in a row, copy by copy: [B, ...] or [G, B, ...] to E times [B, ...]."""
    numbers = list(range(len(loops[0].copies))) if rows is None else rows
    outputs = []
    for i, number in enumerate(numbers):
        y: Any = x
        if not loops[0].shared_input:
            assert isinstance(x, Tensor | list)
            y = x[i * len(x) // len(numbers)]
        for loop in loops:
            y = loop.copies[number](y)
        outputs.append(y)
    return outputs


def run_stages(stages: Iterable[nn.Module], x: Each, rows: Rows = None) -> Tensor | list[Tensor]:
    """Stages in order; also such as are no copies, which know no ``rows``.

    Returns:
        [E, B, ...], as a list where the last stage is looped over.
    """
    for is_looped, run in groupby(stages, lambda stage: isinstance(stage, Loop)):
        if is_looped:
            x = run_loops(list(run), x, rows)  # type: ignore[arg-type]
            continue
        x = together(x) if isinstance(x, list) else x
        for stage in run:
            x = stage(x) if rows is None else stage(x, rows)
    assert isinstance(x, Tensor | list)
    return x


def run_pausing(
    stages: Sequence[nn.Module], stops: Sequence[int], x: Each, rows: Rows = None
) -> list[Tensor]:
    """`run_stages`, with what comes after some of them, too: [E, B, ...] after each of ``stops``,
    which are before the last stage, and after that."""
    given = []
    for first, end in pairwise([0, *(stop + 1 for stop in stops), len(stages)]):
        x = run_stages(stages[first:end], x, rows)
        given.append(together(x))
    return given


def together(x: Tensor | list[Tensor]) -> Tensor:
    """A list of [B, ...] as one [E, B, ...], in the memory layout that they have."""
    if isinstance(x, Tensor):
        return x
    if x[0].dim() == 2 and x[0].stride(0) == 1:  # the batch is innermost
        return torch.stack([y.T for y in x]).transpose(1, 2)
    return torch.stack(x)
