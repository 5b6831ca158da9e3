"""Copies of a module one after the other, for what has no batched form, and stages of such copies.

Where several stages in a row are looped over, each copy goes through all of them before the next
one begins. So nothing is stacked between them, which would be a second copy of the features, and
in the backward pass the features of a copy are free again before the gradients of the next come.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn

from mtl_cli.arch.stacked_linear import Rows
from mtl_cli.basis.alongside import Alongside
from mtl_cli.basis.batch import Examples

Copies = list[Tensor]  # of E copies, each [B, ...]
Each = Examples | Copies  # one input for all copies, [B, ...], or one for each


class Loop(Alongside):
    """E modules one after the other, for what has no batched form."""

    def __init__(self, modules: Sequence[nn.Module], shared_input: bool) -> None:
        super().__init__()
        self.copies = nn.ModuleList(modules)
        self.shared_input = shared_input

    def alongside(self) -> Iterable[nn.Module]:
        return self.copies

    def forward(self, x: Each, rows: Rows = None) -> Tensor:
        return torch.stack(run_loops([self], x, rows, [0])[0])


def run_loops(loops: Sequence[Loop], x: Each, rows: Rows, after: Sequence[int]) -> list[Copies]:
    """Looped stages in a row, copy by copy: [B, ...] or [G, B, ...] to E times [B, ...], after
    each stage of ``after``."""
    numbers = list(range(len(loops[0].copies))) if rows is None else rows
    if not loops[0].shared_input and isinstance(x, Tensor):
        x = list(x.unbind())  # whose gradients come together at once
    outputs: list[Copies] = [[] for _ in after]
    for i, number in enumerate(numbers):
        y: Any = x
        if not loops[0].shared_input:
            assert isinstance(x, list)
            y = x[i * len(x) // len(numbers)]
        for s, loop in enumerate(loops):
            y = loop.copies[number](y)
            if s in after:
                outputs[after.index(s)].append(y)
    return outputs


def run_stages(stages: Sequence[nn.Module], x: Each, rows: Rows = None) -> Tensor | Copies:
    """Stages in order; also such as are no copies, which know no ``rows``.

    Returns:
        [E, B, ...], as a list where the last stage is looped over.
    """
    return passed(stages, [], x, rows)[-1]


def run_pausing(
    stages: Sequence[nn.Module], stops: Sequence[int], x: Each, rows: Rows = None
) -> list[Tensor]:
    """`run_stages`, with what comes after some of them, too: [E, B, ...] after each of ``stops``,
    which are before the last stage, and after that."""
    return [together(own) for own in passed(stages, stops, x, rows)]


def passed(
    stages: Sequence[nn.Module], stops: Sequence[int], x: Each, rows: Rows
) -> list[Tensor | Copies]:
    """What comes after each of ``stops``, and after the last stage."""
    wanted, first = [*stops, len(stages) - 1], 0
    given: list[Tensor | Copies] = []
    for is_looped, run in groupby(stages, lambda stage: isinstance(stage, Loop)):
        own = list(run)
        after = [stop - first for stop in wanted if first <= stop < first + len(own)]
        first += len(own)
        if is_looped:
            last = [*after, *([] if len(own) - 1 in after else [len(own) - 1])]
            outputs = run_loops(own, x, rows, last)  # type: ignore[arg-type]
            given += outputs[: len(after)]
            x = outputs[-1]
            continue
        y: Any = x
        if isinstance(x, list):
            y = together(x)
            if first - len(own) - 1 in stops:
                given[-1] = y  # the same once, not twice
        for s, stage in enumerate(own):
            y = stage(y) if rows is None else stage(y, rows)
            given += [y] if s in after else []
        x = y
    return given


def together(x: Tensor | Copies) -> Tensor:
    """A list of [B, ...] as one [E, B, ...], in the memory layout that they have."""
    if isinstance(x, Tensor):
        return x
    if x[0].dim() == 2 and x[0].stride(0) == 1:  # the batch is innermost
        return torch.stack([y.T for y in x]).transpose(1, 2)
    return torch.stack(x)
