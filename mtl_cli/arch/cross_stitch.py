"""Cross-stitch networks: a column for each task, and after every stage a learned mix of them.

Misra, Shrivastava, Gupta & Hebert, "Cross-stitch Networks for Multi-task Learning", CVPR 2016,
https://arxiv.org/abs/1604.03539, equation 1 and section 4.
"""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from mtl_cli.arch.base import Architecture, Gate
from mtl_cli.arch.experts import expert_trunk
from mtl_cli.arch.loop import Each
from mtl_cli.arch.mixture import sum_of_products
from mtl_cli.arch.trunk import MakeEncoder
from mtl_cli.basis.batch import Examples
from mtl_cli.basis.errors import check_number
from mtl_cli.basis.inputs import InputSpec
from mtl_cli.basis.rows import take_rows


class CrossStitch(Architecture):
    """After every stage, ``h_k <- sum_j alpha_kj * h_j``, with an alpha for each channel.

    ``alpha_kk`` starts at ``self_weight`` and ``alpha_kj`` at ``(1 - self_weight) / (K - 1)``; a
    task alone starts at 1. The last mix gives the features of the heads.

    Args:
        make_encoder: makes the column of a task, for an input's spec.
        inputs: ``{input name: its spec}``.
        tasks: ``{task: the input that it reads}``.
        self_weight: the first weight of a task's own column, from 0 to 1; the paper's best
            settings are 0.9 and more.
    """

    def __init__(
        self,
        make_encoder: MakeEncoder,
        inputs: Mapping[str, InputSpec],
        tasks: Mapping[str, str],
        self_weight: float,
    ) -> None:
        super().__init__(inputs, tasks)
        check_number("arch.self_weight", self_weight, "arch.self_weight=0.9", 0, 1)
        self.order = {task: k for k, task in enumerate(tasks)}
        self.columns = expert_trunk(make_encoder, inputs, len(tasks))
        self.at_stages(self.columns.stage_shapes)
        start = torch.ones(1, 1)
        if len(tasks) > 1:
            start = torch.full((len(tasks),) * 2, (1 - self_weight) / (len(tasks) - 1))
            start.fill_diagonal_(self_weight)
        self.alphas = nn.ParameterList(
            start.unsqueeze(-1).repeat(1, 1, shape[0]) for shape in self.columns.shapes
        )  # [K, K, C] for each stage

    def encode(self, x: Examples, input: str, tasks: list[str]) -> dict[str, Tensor]:
        rows: list[int] | None = None
        read: Each = x
        for s, alpha in enumerate(self.alphas):
            if s == len(self.alphas) - 1 and tasks != list(self.order):
                rows = [self.order[task] for task in tasks]
            read = self.columns.run([s], read, input)
            read = stitch(take_rows(alpha, rows), read)  # K times [B, C, ...]
            if tapping := self.tapping(s, tasks):
                self.tap(s, {task: read[self.order[task]] for task in tapping})
        assert isinstance(read, Tensor | list)
        return dict(zip(tasks, read, strict=True))

    def expert_weights(self) -> list[Gate]:
        """How much of each column a task's next stage reads: the mean over the channels."""
        columns = [f"column of {task}" for task in self.order]
        means = [alpha.detach().abs().mean(-1).unsqueeze(1) for alpha in self.alphas]  # [K, 1, K]
        return [Gate(f"stage {s}", list(self.order), columns, w) for s, w in enumerate(means, 1)]

    def stacked_over_tasks(self) -> Iterable[nn.Parameter]:
        return [self.alphas[-1]]  # row k of the last mix feeds the head of task k alone

    def last_shared_layer(self) -> nn.Module:
        return self.columns


def stitch(alpha: Tensor, features: Tensor | list[Tensor]) -> Tensor | list[Tensor]:
    """``sum_j alpha_kj * h_j``: [N, K, C], [K, B, C, ...] -> [N, B, C, ...], lists as lists."""
    if isinstance(features, Tensor):
        return torch.einsum("kjc,jbc...->kbc...", alpha, features)
    weights = alpha[(...,) + (None,) * (features[0].dim() - 2)]  # a channel's for its positions
    return [sum_of_products(zip(row, features, strict=True)) for row in weights]
