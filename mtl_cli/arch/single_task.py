"""Single-task learning: an encoder of its own for each task, the baseline of every comparison.

The tasks share nothing, so training them in one run is training each of them alone.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from mtl_cli.arch.base import Architecture
from mtl_cli.arch.trunk import MakeEncoder
from mtl_cli.basis.batch import Examples
from mtl_cli.basis.inputs import InputSpec
from mtl_cli.basis.naming import module_key
from mtl_cli.encoder.base import Encoder


class SingleTask(Architecture):
    """``f_k(x) = E_k(x)``.

    Args:
        make_encoder: makes the encoder of a task, for its input's spec.
        inputs: ``{input name: its spec}``.
        tasks: ``{task: the input that it reads}``.
    """

    apart = True

    def __init__(
        self, make_encoder: MakeEncoder, inputs: Mapping[str, InputSpec], tasks: Mapping[str, str]
    ) -> None:
        super().__init__(inputs, tasks)
        encoders = {task: make_encoder(inputs[name]) for task, name in tasks.items()}
        self.stage_shapes = {task: encoder.shapes for task, encoder in encoders.items()}
        self.out_shapes = {task: encoder.out_shape for task, encoder in encoders.items()}
        self.encoders = nn.ModuleDict({module_key(task): e for task, e in encoders.items()})

    def whole_encoders(self, input: str) -> list[list[nn.Module]]:
        own = [self.encoders[module_key(task)] for task in self.readers(input)]
        return [list(encoder.stages) for encoder in own if isinstance(encoder, Encoder)]

    def encode(self, x: Examples, input: str, tasks: list[str]) -> dict[str, Tensor]:
        features: dict[str, Any] = dict.fromkeys(tasks, x)
        for task in tasks:
            encoder = self.encoders[module_key(task)]
            assert isinstance(encoder, Encoder)
            if not (stops := self.stops([task])):
                features[task] = encoder(x)
                continue
            for s, stage in enumerate(encoder.stages):
                features[task] = stage(features[task])
                if s in stops:
                    self.tap(s, {task: features[task]})
        return features
