"""Which examples have a label, known on the host: so no step has to ask the device for it."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from mtl_cli.dataset.base import is_missing


class Labelled:
    """Of all examples of a split, looked at once.

    Args:
        targets: ``{task: [N, ...]}``, on the training device.
        weights: ``{task: [N]}``, how much each example counts.

    Attributes:
        complete: the tasks that miss no label.
    """

    def __init__(self, targets: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> None:
        there = {task: ~is_missing(target) for task, target in targets.items()}
        self.complete = frozenset(task for task, mask in there.items() if bool(mask.all()))
        self.devices = {task: target.device for task, target in targets.items()}
        self.counts = {task: (own > 0).cpu() for task, own in weights.items()}
        # A target of several labels an example is complete, or is looked at label by label.
        self.there = {
            task: mask.cpu()
            for task, mask in there.items()
            if mask.dim() == 1 and (task not in self.complete or task in weights)
        }

    def of(self, positions: Tensor) -> dict[str, Tensor]:
        """The places of the labelled ones among some examples, where not all are; none where they
        all count nothing.

        Args:
            positions: of these examples in the split, [B], on the CPU.

        Returns:
            ``{task: [..]}``, on the training device.
        """
        found = {}
        for task, mask in self.there.items():
            rows = mask[positions].nonzero().squeeze(1)
            if task in self.counts and not self.counts[task][positions[rows]].any():
                rows = rows[:0]
            found[task] = rows.to(self.devices[task], non_blocking=True)
        return found
