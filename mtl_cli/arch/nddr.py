"""NDDR-CNN: a column for each task, and after every stage a learned 1x1 convolution of them all.

Gao, Ma, Zhao, Liu & Yuille, "NDDR-CNN: Layerwise Feature Fusing in Multi-Task CNNs by Neural
Discriminative Dimensionality Reduction", CVPR 2019, https://arxiv.org/abs/1801.08297, section 3.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from mtl_cli.arch.base import Architecture, Gate
from mtl_cli.arch.experts import expert_trunk
from mtl_cli.arch.loop import Each
from mtl_cli.arch.trunk import MakeEncoder
from mtl_cli.basis.batch import Examples
from mtl_cli.basis.errors import check_choice, check_number
from mtl_cli.basis.inputs import InputSpec

NORMALIZATIONS = ["batch", "none"]
MOMENTUM = 0.05  # of batch norm's running statistics, in torch's sense
# By the number of dimensions that a channel has: a linear map of the channels at every position.
LINEAR: dict[int, Callable[..., Tensor]] = {
    0: nn.functional.linear,
    1: nn.functional.conv1d,
    2: nn.functional.conv2d,
}


class NDDR(Architecture):
    """After every stage, ``h_k <- relu(norm(W_k [h_1; ...; h_K]))``, channels concatenated.

    W_k is the same at every position: a 1x1 convolution on maps, a linear map on vectors. It starts
    with ``self_weight`` on the diagonal of its block for the own column, and with
    ``(1 - self_weight) / (K - 1)`` on those of the others. The last h_k are the heads' features.

    Departures: a task alone has nothing to fuse and is its encoder; batch norm has running
    statistics for each input, and of a single example without positions, which has no variance, it
    uses these in training too; positions of a text that are zero in all columns, which is what
    padding is, stay zero. The paper starts from trained single-task networks, and gives the fusing
    layers 100 times the learning rate of the columns.

    Args:
        make_encoder: makes the column of a task, for an input's spec.
        inputs: ``{input name: its spec}``.
        tasks: ``{task: the input that it reads}``.
        self_weight: the first weight of a task's own column, from 0 to 1; the paper's is 0.9.
        normalization: ``batch`` or ``none``, which has a bias in its place.
    """

    def __init__(
        self,
        make_encoder: MakeEncoder,
        inputs: Mapping[str, InputSpec],
        tasks: Mapping[str, str],
        self_weight: float,
        normalization: str,
    ) -> None:
        super().__init__(inputs, tasks)
        check_number("arch.self_weight", self_weight, "arch.self_weight=0.9", 0, 1)
        fix = "arch.normalization=batch"
        check_choice("arch.normalization", normalization, NORMALIZATIONS, fix)
        self.order = {task: k for k, task in enumerate(tasks)}
        self.columns = expert_trunk(make_encoder, inputs, len(tasks))
        self.at_stages(self.columns.stage_shapes)
        self.reductions = (
            nn.ModuleList()
        )  # by stage: a reduction for each task; none for a task alone
        for shape in self.columns.shapes if len(tasks) > 1 else ():
            first = torch.full((len(tasks),) * 2, (1 - self_weight) / (len(tasks) - 1))
            first.fill_diagonal_(self_weight)
            norms = [Norm(shape[0], inputs, normalization == "batch") for _ in tasks]
            reductions = [Reduction(own, norm) for own, norm in zip(first, norms, strict=True)]
            self.reductions.append(nn.ModuleList(reductions))

    def encode(self, x: Examples, input: str, tasks: list[str]) -> dict[str, Tensor]:
        read: Each = x
        for s in range(self.columns.num_stages):
            last = s == self.columns.num_stages - 1
            columns = self.columns.run([s], read, input)  # K times [B, C, ...]
            read = self.fuse(s, columns, input, tasks if last else list(self.order))
            if tapping := self.tapping(s, tasks):
                assert isinstance(read, Tensor | list)
                fused = dict(zip(self.order, read, strict=True))
                self.tap(s, {task: fused[task] for task in tapping})
        assert isinstance(read, Tensor | list)
        return dict(zip(tasks, read, strict=True))

    def fuse(self, s: int, columns: Tensor | list[Tensor], input: str, tasks: list[str]) -> Each:
        """What these tasks' columns read next."""
        if not self.reductions:
            return columns
        joined = torch.cat(list(columns), 1)  # [B, K * C, ...]
        reductions = self.reductions[s]
        return [reductions[self.order[task]](joined, input) for task in tasks]  # type: ignore[index]

    def expert_weights(self) -> list[Gate]:
        """How much of each column a task's next stage reads: the mean size of its weights."""
        columns = [f"column of {task}" for task in self.order]
        gates = []
        for s, reductions in enumerate(self.reductions, 1):
            weights = [own.weight.detach().abs() for own in reductions]  # type: ignore[attr-defined]
            sizes = torch.stack(weights)  # [K, C, K * C]
            means = sizes.unflatten(2, (len(columns), -1)).mean((1, 3))  # [K, K]
            gates.append(Gate(f"stage {s}", list(self.order), columns, means.unsqueeze(1)))
        return gates

    def last_shared_layer(self) -> nn.Module:
        return self.columns


class Norm(nn.Module):
    """Batch norm with running statistics for each input; or only its bias.

    Args:
        channels: C.
        inputs: their names.
        statistics: whether it divides by the deviation and subtracts the mean.
    """

    def __init__(self, channels: int, inputs: Mapping[str, InputSpec], statistics: bool) -> None:
        super().__init__()
        self.rows = {name: row for row, name in enumerate(inputs)}
        self.weight = nn.Parameter(torch.ones(channels)) if statistics else None
        self.bias = nn.Parameter(torch.zeros(channels))
        self.running_mean: Tensor
        self.running_var: Tensor
        size = (len(inputs), channels) if statistics else (0, channels)
        self.register_buffer("running_mean", torch.zeros(size))
        self.register_buffer("running_var", torch.ones(size))

    def forward(self, x: Tensor, input: str) -> Tensor:
        if self.weight is None:
            return x + self.bias[(...,) + (None,) * (x.dim() - 2)]
        row = self.rows[input]
        mean, var = self.running_mean[row], self.running_var[row]
        by_batch = self.training and x.numel() > x.shape[1]
        return nn.functional.batch_norm(x, mean, var, self.weight, self.bias, by_batch, MOMENTUM)


class Reduction(nn.Module):
    """``relu(norm(W x))`` of the concatenated channels of all columns, for one task."""

    def __init__(self, first: Tensor, norm: Norm) -> None:
        super().__init__()
        own = torch.eye(len(norm.bias))
        self.weight = nn.Parameter(torch.cat([weight * own for weight in first], 1))  # [C, K * C]
        self.norm = norm

    def forward(self, x: Tensor, input: str) -> Tensor:
        dims = x.dim() - 2
        fused = self.norm(LINEAR[dims](x, self.weight[(...,) + (None,) * dims]), input).relu()
        return fused * (x != 0).any(1, keepdim=True) if dims == 1 else fused
