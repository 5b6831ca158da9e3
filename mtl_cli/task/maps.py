"""Tasks whose labels are maps: one for every pixel of a picture.

Missing pixels, -1 in class maps and NaN in others, are replaced before the loss sees them and
count nothing in it. So nothing is gathered, no gradient meets a NaN, and no device is waited for.
"""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from mtl_cli.basis.errors import check_choice, check_integer, problem
from mtl_cli.task.base import Parts, Task
from mtl_cli.task.labels import per_label

LARGEST_TRIED = 16  # pixels a side of the made-up maps that losses and metrics are tried on
POOLINGS = ["pixels", "batches"]


class MapTask(Task):
    """Labels of every pixel, [B, H, W] or [B, C, H, W]; the head gives [B, O, H, W].

    Args:
        parts: what every task has.
        out_features: O, the channels of the output.
        size: (H, W), of all maps.
        pooling: over what the metrics are means: ``pixels``, of the whole split, or ``batches``,
            as most published code prints, which depends on the batch size.
    """

    def __init__(self, parts: Parts, out_features: int, size: Sequence[int], pooling: str) -> None:
        if not isinstance(size, list | tuple) or len(size) != 2:
            rule = "must be the height and the width of the maps, in pixels"
            raise problem(f"{parts.slot}.size", rule, size, f"'{parts.slot}.size=[288,384]'")
        for side in size:
            check_integer(f"each side of {parts.slot}.size", side, 1, f"'{parts.slot}.size=[9,9]'")
        check_choice(f"{parts.slot}.pooling", pooling, POOLINGS, f"{parts.slot}.pooling=pixels")
        self.size: tuple[int, int] = (size[0], size[1])  # first: the kind of task tries maps of it
        super().__init__(parts, out_features)

    @property
    def tried_size(self) -> tuple[int, int]:
        height, width = self.size
        return min(height, LARGEST_TRIED), min(width, LARGEST_TRIED)

    shown_as: ClassVar[str]  # classes, numbers, shares or directions: what its maps are to an eye

    def answer(self, prediction: Tensor) -> Tensor:
        """What is said of each pixel, from `predict`: [B, H, W], or [B, C, H, W] of vectors."""
        return prediction.squeeze(1)

    def example_output(self, batch_size: int) -> Tensor:
        return torch.zeros(batch_size, self.out_features, *self.tried_size)

    def align(self, output: Tensor, target: Tensor) -> Tensor:
        return output

    def filled(self, target: Tensor, there: Tensor) -> Tensor:
        """The target with some valid label where it is missing."""
        return target.masked_fill(~there, 0)

    def of_pixels(self, each: Tensor) -> Tensor:
        """The loss of each pixel, in the shape of `is_labelled`."""
        return each

    def mean_loss(
        self,
        output: Tensor,
        target: Tensor,
        complete: bool,
        weights: Tensor | None,
        labels: int | None = None,
        others: Sequence[Tensor] = (),
    ) -> Tensor:
        """The mean over the pixels that are there; 0 where none is.

        Their number is taken from the labels, or on the device, where nobody waits for it.
        """
        output, target = self.align(output, target), self.to_loss_unit(target)
        if complete and weights is None:
            return self.plain_loss(output, target)
        there = self.is_labelled(target)
        each = self.of_pixels(self.each_loss(output, self.filled(target, there)))
        each = torch.where(there, each, 0)
        if weights is not None:
            each = each * per_label(weights, each)
        over = self.denominator(target, complete, weights, labels)
        if isinstance(over, Tensor):
            over = torch.where(over > 0, over, 1).to(each.dtype)
        return each.sum() / over

    def counted(self, target: Tensor, complete: bool, weights: Tensor | None) -> Tensor | None:
        there = self.is_labelled(target)
        counted = super().counted(target, complete, None)
        if weights is None:
            return counted
        own = per_label(weights, there)
        return own * (there if counted is None else counted)

    def may_count_nothing(self, complete: bool, weights: Tensor | None) -> bool:
        """Never looked at: a step without any pixel adds a loss of 0."""
        return False

    def score(
        self, output: Tensor, target: Tensor, complete: bool = False
    ) -> tuple[Tensor, Tensor]:
        """Whole maps where all metrics leave out what is missing, else the labelled pixels."""
        every = [*self.metrics.values(), *self.plots.values()]
        whole = complete or all(getattr(metric, "reads_missing", False) for metric in every)
        prediction = self.predict(self.align(output, target))
        if whole:
            return prediction, target
        pixels = self.is_labelled(target).view(len(target), *target.shape[-2:])  # [B, H, W]
        return vectors(prediction)[pixels], vectors(target)[pixels]

    def check_targets(self, target: Tensor) -> None:
        """Refuses maps of another size or kind and labels that the task cannot have."""
        if tuple(target.shape[-2:]) != self.size:
            height, width = target.shape[-2:]
            slot, rule = f"tasks.{self.name}.size", "must be that of the maps"
            raise problem(slot, rule, list(self.size), f"'{slot}=[{height},{width}]'")
        own, slot = described(self.example_target(1)), f"tasks.{self.name}"
        if described(target) != own:
            rule = f"needs {own} as labels"
            raise problem(slot, rule, described(target), f"{slot}={kind_for(target)}")
        super().check_targets(target)


def described(target: Tensor) -> str:
    """What kind of maps labels are."""
    channels = [str(size) for size in target.shape[1:-2]]
    number = "numbers" if target.is_floating_point() else "integers"
    return f"{number} [{', '.join([*channels, 'H', 'W'])}]"


def kind_for(target: Tensor) -> str:
    """The kind of task whose labels most likely look so."""
    if not target.is_floating_point():
        return "segmentation"
    return "normals" if target.dim() > 3 and target.shape[1] == 3 else "depth"


def vectors(maps: Tensor) -> Tensor:
    """Maps [B, C, H, W] with the channels last, and without them where there is one."""
    if maps.dim() == 3:
        return maps
    return maps.squeeze(1) if maps.shape[1] == 1 else maps.movedim(1, -1)
