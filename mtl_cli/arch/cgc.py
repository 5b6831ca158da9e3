"""Customized gate control: every task weighs experts of its own and the shared ones.

Tang, Liu, Zhao & Gong, "Progressive Layered Extraction (PLE): A Novel Multi-Task Learning (MTL)
Model for Personalized Recommendations", RecSys 2020, https://doi.org/10.1145/3383313.3412236,
equations 1-4.
"""

from collections.abc import Iterable, Mapping

from torch import Tensor, nn

from mtl_cli.arch.base import Architecture, Gate
from mtl_cli.arch.levels import NumTaskExperts, make_levels
from mtl_cli.arch.trunk import MakeEncoder
from mtl_cli.basis.batch import Examples
from mtl_cli.basis.inputs import InputSpec


class CGC(Architecture):
    """``f_k(x) = sum_i softmax(W_k x + b_k)_i E_i(x)``, i over task k's own and the shared experts.

    An expert is the whole encoder; features of any shape are weighted. The paper's gates have no
    bias (``gate_bias=false``). Without task-specific experts this is MMoE.

    Args:
        make_encoder: makes an expert, for an input's spec.
        inputs: ``{input name: its spec}``.
        tasks: ``{task: the input that it reads}``.
        num_shared_experts: experts of all tasks, at least 1.
        num_task_experts: experts of each task: a number, or one for each task in their order, or
            ``{task: number}``; from 0.
        gate_bias: whether the gates have a ``b_k``.

    Raises:
        ValueError: where there is not a number of experts for each task.
    """

    def __init__(
        self,
        make_encoder: MakeEncoder,
        inputs: Mapping[str, InputSpec],
        tasks: Mapping[str, str],
        num_shared_experts: int,
        num_task_experts: NumTaskExperts,
        gate_bias: bool,
    ) -> None:
        super().__init__(inputs, tasks)
        (self.level,), shapes = make_levels(
            make_encoder, inputs, tasks, num_shared_experts, num_task_experts, gate_bias, 1
        )
        self.at_stages(shapes)

    def encode(self, x: Examples, input: str, tasks: list[str]) -> dict[str, Tensor]:
        tapping = {stage: self.tapping(stage, tasks) for stage in self.stops(tasks)}
        passed = self.level(x, dict.fromkeys(tasks, x), input, tasks, tapping)
        for stage, features in passed.tapped.items():
            self.tap(stage, features)
        self.mark_representation(passed.experts)
        return passed.paths

    def expert_weights(self) -> list[Gate]:
        return list(self.level.expert_weights("", self.tasks))

    def stacked_over_tasks(self) -> Iterable[nn.Parameter]:
        return self.level.stacked_over_tasks()
