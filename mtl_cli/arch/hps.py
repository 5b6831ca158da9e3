"""Hard parameter sharing: one encoder for all tasks.

Caruana, "Multitask Learning: A Knowledge-Based Source of Inductive Bias", ICML 1993; "Multitask
Learning", Machine Learning 28, 1997, https://doi.org/10.1023/A:1007379606734.
"""

from collections.abc import Mapping

from torch import Tensor, nn

from mtl_cli.arch.base import Architecture
from mtl_cli.arch.trunk import MakeEncoder, Trunk
from mtl_cli.basis.batch import Examples
from mtl_cli.basis.inputs import InputSpec


class HPS(Architecture):
    """``f_k(x) = E(x)`` for every task k.

    Args:
        make_encoder: makes the encoder, for an input's spec.
        inputs: ``{input name: its spec}``.
        tasks: ``{task: the input that it reads}``.
    """

    def __init__(
        self, make_encoder: MakeEncoder, inputs: Mapping[str, InputSpec], tasks: Mapping[str, str]
    ) -> None:
        super().__init__(inputs, tasks)
        self.trunk = Trunk(make_encoder, inputs)
        self.at_stages(self.trunk.stage_shapes)

    def whole_encoders(self, input: str) -> list[list[nn.Module]]:
        return [self.trunk.of_input(input)]

    def encode(self, x: Examples, input: str, tasks: list[str]) -> dict[str, Tensor]:
        stops = self.stops(tasks)
        *inner, last = self.trunk.pausing(stops, x, input)
        for stage, features in zip(stops, inner, strict=True):
            self.tap(stage, dict.fromkeys(tasks, features))
        return dict.fromkeys(tasks, self.mark_representation(last))
