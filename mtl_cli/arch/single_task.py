"""Single-task learning: an encoder of its own for each task, the baseline of every comparison.

The tasks share nothing, so training them in one run is training each of them alone.
"""

from collections.abc import Mapping

from torch import Tensor, nn

from mtl_cli.arch.base import Architecture, MakeEncoder
from mtl_cli.basis.batch import Examples
from mtl_cli.basis.inputs import InputSpec
from mtl_cli.basis.naming import module_key


class SingleTask(Architecture):
    """``f_k(x) = E_k(x)``.

    Args:
        make_encoder: makes the encoder of a task, for its input's spec.
        inputs: ``{input name: its spec}``.
        tasks: ``{task: the input that it reads}``.
    """

    def __init__(
        self, make_encoder: MakeEncoder, inputs: Mapping[str, InputSpec], tasks: Mapping[str, str]
    ) -> None:
        super().__init__(inputs, tasks)
        encoders = {task: make_encoder(inputs[name]) for task, name in tasks.items()}
        self.out_shapes = {task: encoder.out_shape for task, encoder in encoders.items()}
        self.encoders = nn.ModuleDict({module_key(task): e for task, e in encoders.items()})

    def encode(self, x: Examples, input: str, tasks: list[str]) -> dict[str, Tensor]:
        return {task: self.encoders[module_key(task)](x) for task in tasks}
