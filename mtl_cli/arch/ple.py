"""Progressive layered extraction: levels of shared and task-specific experts, mixed after each.

Tang, Liu, Zhao & Gong, "Progressive Layered Extraction (PLE): A Novel Multi-Task Learning (MTL)
Model for Personalized Recommendations", RecSys 2020, https://doi.org/10.1145/3383313.3412236,
equations 5 and 6.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor, nn

from mtl_cli.arch.base import Architecture, Gate
from mtl_cli.arch.extraction import Level
from mtl_cli.arch.levels import NumTaskExperts, make_levels
from mtl_cli.arch.trunk import MakeEncoder
from mtl_cli.basis.batch import Examples
from mtl_cli.basis.inputs import InputSpec


class PLE(Architecture):
    """``g_k <- sum_i softmax(W_k g_k + b_k)_i E_i``, level by level, from ``g_k = x``.

    i runs over task k's own experts, which read ``g_k``, and the shared ones, which read
    ``g_s <- sum_i softmax(W_s g_s + b_s)_i E_i``, i over the experts of all tasks and the shared
    ones. The last level has no ``g_s``; one level is CGC.

    An expert of a level is some consecutive stages of the encoder, as many in each level as can
    be, later levels having more where it does not come out even. Gates of the first level read the
    input, later ones features, of maps the channels' means. The paper's gates have no bias
    (``gate_bias=false``). With several inputs the experts of all tasks run on each, but at the last
    level, so that ``g_s`` is what one input gives.

    Args:
        make_encoder: makes an expert of every level, for an input's spec.
        inputs: ``{input name: its spec}``.
        tasks: ``{task: the input that it reads}``.
        num_levels: from 1 to the encoder's stages; None: 2, or 1 with a single stage.
        num_shared_experts: experts of all tasks at each level, at least 1.
        num_task_experts: experts of each task at each level: a number, or one for each task in
            their order, or ``{task: number}``; from 0.
        gate_bias: whether the gates have a ``b``.

    Raises:
        ValueError: where there are more levels than stages, or not a number of experts for each
            task.
    """

    def __init__(
        self,
        make_encoder: MakeEncoder,
        inputs: Mapping[str, InputSpec],
        tasks: Mapping[str, str],
        num_levels: int | None,
        num_shared_experts: int,
        num_task_experts: NumTaskExperts,
        gate_bias: bool,
    ) -> None:
        super().__init__(inputs, tasks)
        levels, shapes = make_levels(
            make_encoder, inputs, tasks, num_shared_experts, num_task_experts, gate_bias, num_levels
        )
        self.levels = nn.ModuleList(levels)
        self.at_stages(shapes)

    def encode(self, x: Examples, input: str, tasks: list[str]) -> dict[str, Tensor]:
        alone = len(self.levels) == 1
        shared: Examples = x
        own: Any = dict.fromkeys(tasks if alone else self.tasks, x)
        stops = self.stops(tasks)
        for level in self.in_order:
            inside = {s: self.tapping(s, tasks) for s in stops if s in level.stages[:-1]}
            experts, shared, own, tapped = level(shared, own, input, tasks, inside)
            for stage, features in [*tapped.items(), (level.stages[-1], own)]:
                if stage in stops:
                    self.tap(stage, features)
        if alone:
            self.mark_representation(experts)
        return own

    def expert_weights(self) -> list[Gate]:
        levels = self.in_order
        gates: list[Gate] = []
        for n, level in enumerate(levels, 1):
            gates += level.expert_weights(f"level {n}" if len(levels) > 1 else "", self.tasks)
        return gates

    def stacked_over_tasks(self) -> Iterable[nn.Parameter]:
        return [p for level in self.in_order for p in level.stacked_over_tasks()]

    @property
    def in_order(self) -> list[Level]:
        return [level for level in self.levels if isinstance(level, Level)]
