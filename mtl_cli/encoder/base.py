"""What every encoder promises: a list of stages, and the shape that comes out of each."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from torch import Tensor, nn

from mtl_cli.basis.batch import Encoded, Examples
from mtl_cli.basis.errors import problem
from mtl_cli.basis.inputs import BagOfWords, InputSpec, Joined, Tokens

Shape = tuple[int, ...]


class Encoder(nn.Module):
    """Features of one input: ``forward(x) -> [B, *out_shape]``, its stages called in order.

    Architectures that share stage by stage use ``stages``; the others call the encoder whole.

    A subclass names the kinds of input that it ``reads`` and calls ``check_reads`` first, and the
    options that it is ``wide_by``, none where more width would learn nothing more. Those that say
    its ``first_weights`` (None: drawn at random) are not asked where a checkpoint replaces them.
    Those whose last stage may give a vector or a map say what to type for a map: ``maps_by``.
    Those that take a package of an extra say which it ``needs``.

    Args:
        stages: the modules, each reading what the one before it gives.
        shapes: the per-example output shape of each stage, ``(F,)`` or ``(C, H, W)``.
    """

    reads: ClassVar[tuple[type[InputSpec], ...]] = ()
    wide_by: ClassVar[tuple[str, ...]] = ()
    first_weights: ClassVar[tuple[str, ...]] = ()
    maps_by: ClassVar[str | None] = None
    needs: ClassVar[str | None] = None

    def __init__(self, stages: Iterable[nn.Module], shapes: Iterable[Shape]) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.shapes = list(shapes)
        assert len(self.stages) == len(self.shapes)

    @property
    def out_shape(self) -> Shape:
        return self.shapes[-1]

    def forward(self, x: Examples) -> Tensor:
        if isinstance(x, Encoded):
            return x.features
        features: Any = x
        for stage in self.stages:
            features = stage(features)
        return features

    @classmethod
    def kept(cls, options: Mapping[str, Any]) -> dict[str, Any]:
        """Options that say what others only point to, for the configuration that a run keeps: so
        that it can be loaded without what was pointed to. Empty: there are none.

        Args:
            options: its own, by name.
        """
        return {}

    @classmethod
    def to_be_loaded(cls, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options without first weights, which a checkpoint replaces.

        Args:
            options: its own, by name.
        """
        return {**options, **dict.fromkeys(cls.first_weights)}

    @classmethod
    def widened(cls, options: Mapping[str, Any], factor: float) -> dict[str, Any]:
        """The options that make it ``factor`` times as wide; empty where it cannot be widened.

        Args:
            options: its own, by name.
            factor: above 0.
        """
        widths = {name: options[name] for name in cls.wide_by}
        return {name: scaled(own, factor) for name, own in widths.items() if own is not None}

    @classmethod
    def check_reads(cls, spec: InputSpec) -> None:
        """Refuses an input of a kind that this encoder does not read."""
        if not isinstance(spec, cls.reads):
            kinds = " or ".join(kind.kind for kind in cls.reads)
            name = cls.__name__
            fix = f"encoder={'joined' if isinstance(spec, Joined) else 'mlp'}"
            if isinstance(spec, BagOfWords) and Tokens in cls.reads:
                fix = "read_as=tokens of the texts (dataset.read_as, or the column's)"
            raise problem(f"encoder {name}", f"reads {kinds}", str(spec), fix)


def scaled(width: Any, factor: float) -> Any:
    """A width, or each width of a list, times a factor; at least 1."""
    if isinstance(width, int):
        return max(1, round(factor * width))
    return [scaled(one, factor) for one in width]
