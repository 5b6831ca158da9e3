"""Which tasks have labels in which batch, known to the host before any batch is made."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from mtl_cli.dataset.base import missing


class Labels:
    """How many labels each row has, by task; kept on the host, and read from the device once.

    Args:
        targets: ``{task: [N, ...]}``.
        weights: ``{task: [N]}``, how much each row counts; the others count 1.

    Attributes:
        complete: the tasks that miss no label.
    """

    def __init__(self, targets: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> None:
        # The labels of each row, [N], of the tasks that may lack all; and those of rows that count.
        self.there: dict[str, Tensor] = {}
        self.counting: dict[str, Tensor] = {}
        full = set()
        for task, target in targets.items():
            gone = missing(target)
            if not gone.any():
                full.add(task)
                if task not in weights:
                    continue
            number = (~gone).flatten(1).sum(1) if gone.dim() > 1 else ~gone
            small = target[0].numel() < 256
            self.there[task] = number.to(torch.uint8 if small else torch.int32).cpu()
            if task in weights:
                self.counting[task] = self.there[task] * (weights[task].cpu() > 0)
        self.complete = frozenset(full)

    def of_batches(self, order: Tensor | None, bounds: list[int]) -> list[dict[str, int]]:
        """The labels of each task in each batch of rows in this order: `Batch.labels`.

        Args:
            order: of the rows, on the host; None: as they lie.
            bounds: where each batch begins in it, and the end of the last.
        """
        batches: list[dict[str, int]] = []
        for task, there in self.there.items():
            numbers = sums(there, order, bounds)
            if task in self.counting:
                counting = sums(self.counting[task], order, bounds)
                numbers = [n if some else 0 for n, some in zip(numbers, counting, strict=True)]
            batches = batches or [{} for _ in numbers]
            for batch, number in zip(batches, numbers, strict=True):
                batch[task] = number
        return batches


def sums(values: Tensor, order: Tensor | None, bounds: list[int]) -> list[int]:
    """The sum over each batch."""
    chosen = values if order is None else values[order]
    total = torch.zeros(len(chosen) + 1, dtype=torch.long)
    torch.cumsum(chosen, 0, dtype=torch.long, out=total[1:])
    return total[bounds].diff().tolist()
