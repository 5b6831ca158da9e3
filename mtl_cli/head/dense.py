"""What heads of maps have in common: stages in, a label for every pixel out."""

from abc import abstractmethod
from collections.abc import Sequence

from torch import Tensor, nn

from mtl_cli.basis.errors import Problem, check_boolean, problem

Shape = tuple[int, ...]


class NoMap(Problem):
    """A stage that a head of maps reads gives a vector."""


class DenseHead(nn.Module):
    """``forward(maps) -> [B, O, H, W]``, from the features after some of an encoder's stages.

    A subclass computes `logits` at any resolution; they are brought to the labels' here.

    Args:
        in_shapes: the shape of the features after each stage, of which it reads ``stages``.
        out_features: O.
        size: (H, W) of the labels.
        stages: ``last``, ``all`` stages that are maps, or a list of their numbers, from 0 for the
            first and -1 for the last.
        align_corners: how logits are enlarged: whether the centres of the corner pixels stay where
            they are, as in some published code, or the corners of the picture.

    Attributes:
        taps: the stages that it reads, from 0, in order.
        shapes: of what these give, (C, h, w).

    Raises:
        ValueError: where a stage is not there, or gives no map.
    """

    def __init__(
        self,
        in_shapes: Sequence[Shape],
        out_features: int,
        size: tuple[int, int],
        stages: str | Sequence[int],
        align_corners: bool,
    ) -> None:
        super().__init__()
        check_boolean("head.align_corners", align_corners)
        self.taps = tapped(in_shapes, stages)
        self.shapes = [in_shapes[stage] for stage in self.taps]
        self.out_features = out_features
        self.size = size
        self.align_corners = align_corners

    @abstractmethod
    def logits(self, maps: Sequence[Tensor]) -> Tensor:
        """[B, O, h, w] from a map [B, C, h, w] for each of ``taps``."""

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        return resized(self.logits(maps), self.size, self.align_corners)


def resized(maps: Tensor, size: Sequence[int], align_corners: bool = False) -> Tensor:
    """Maps [B, C, h, w] enlarged bilinearly to [B, C, *size]; as they are where they fit."""
    if tuple(maps.shape[2:]) == tuple(size):
        return maps
    return nn.functional.interpolate(
        maps, size=tuple(size), mode="bilinear", align_corners=align_corners
    )


def tapped(in_shapes: Sequence[Shape], stages: str | Sequence[int]) -> tuple[int, ...]:
    """The numbers of the stages that ``stages`` stands for."""
    number = len(in_shapes)
    maps = [stage for stage, shape in enumerate(in_shapes) if len(shape) == 3]
    rule = "must be last, all, or a list of stages"
    if stages == "last":
        wanted = [number - 1]
    elif stages == "all":
        wanted = maps
    elif isinstance(stages, list | tuple) and stages and all(type(s) is int for s in stages):
        wanted = [stage + number if stage < 0 else stage for stage in stages]
        if not all(0 <= stage < number for stage in wanted):
            rule, fix = f"must be stages of the encoder, 0 to {number - 1}", "head.stages=last"
            raise problem("head.stages", rule, list(stages), fix)
        if sorted(set(wanted)) != wanted:
            fix = f"'head.stages={sorted(set(wanted))}'".replace(" ", "")
            raise problem("head.stages", "must be in order, each once", list(stages), fix)
    else:
        raise problem("head.stages", rule, stages, "head.stages=last")
    for stage in wanted or [number - 1]:
        if stage not in maps:
            rule = "needs features that are maps [C, H, W]"
            found = f"{in_shapes[stage]} after stage {stage}"
            raise NoMap("a head of maps", rule, found, "an encoder that gives maps")
    return tuple(wanted)
