"""No head of maps at all: the features of a stage are the logits."""

from collections.abc import Sequence

from torch import Tensor

from mtl_cli.basis.errors import problem
from mtl_cli.head.dense import DenseHead, Shape


class Maps(DenseHead):
    """The map of the stage that it reads, brought to the labels' size: for modules of one's own
    that end in logits.

    Args:
        in_shapes, out_features, size, stages, align_corners: see `DenseHead`; of several stages
            the last is read.

    Raises:
        ValueError: where the map has not as many channels as the task has outputs.
    """

    def __init__(
        self,
        in_shapes: Sequence[Shape],
        out_features: int,
        size: tuple[int, int],
        stages: str | Sequence[int],
        align_corners: bool,
    ) -> None:
        super().__init__(in_shapes, out_features, size, stages, align_corners)
        channels = self.shapes[-1][0]
        if channels != out_features:
            rule = f"needs as many channels as the task has outputs, {out_features}"
            raise problem("head=maps", rule, f"{channels} channels", "head=fcn")

    def logits(self, maps: Sequence[Tensor]) -> Tensor:
        return maps[-1]
