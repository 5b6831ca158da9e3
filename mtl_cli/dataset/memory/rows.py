"""Examples in memory: inputs, targets, weights and groups in the same order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from mtl_cli.dataset.memory.take import part_of
from mtl_cli.dataset.prepared.stored import Kept


@dataclass(frozen=True)
class Rows:
    """Examples in memory: the rows of all inputs and targets, in the same order.

    Args:
        inputs: ``{input name: [N, ...]}``, in memory or `Stored`.
        targets: ``{task: [N, ...]}``.
        weights: ``{task: [N]}``, how much each example counts in its loss; the others count 1.
        groups: ``{column: [N]}``, see `Batch`; they are none of what is learned from.
    """

    inputs: Mapping[str, Kept]
    targets: dict[str, Tensor]
    weights: dict[str, Tensor] = field(default_factory=dict)
    groups: dict[str, Tensor] = field(default_factory=dict, compare=False)

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def at(self, positions: Tensor) -> Rows:
        """The examples at these positions, in that order; all lie in the host's memory."""
        return Rows(
            {name: part_of(x, positions) for name, x in self.inputs.items()},
            {task: target[positions] for task, target in self.targets.items()},
            {task: weights[positions] for task, weights in self.weights.items()},
            {column: codes[positions] for column, codes in self.groups.items()},
        )
