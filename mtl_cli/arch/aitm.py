"""AITM: tasks in an order, each of which attends to what the task before it hands on.

Xi, Chen, Yan, Zhang, Zhu, Zhuang & Chen, "Modeling the Sequential Dependence among Audience
Multi-step Conversions with Multi-task Learning in Targeted Display Advertising", KDD 2021,
https://arxiv.org/abs/2105.08489, sections 3.2 and 3.3.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from mtl_cli.arch.base import Architecture, Features
from mtl_cli.arch.trunk import MakeEncoder
from mtl_cli.basis.batch import Examples
from mtl_cli.basis.errors import check_number, problem
from mtl_cli.basis.inputs import InputSpec
from mtl_cli.basis.naming import module_key
from mtl_cli.encoder.base import Encoder


class AITM(Architecture):
    """``z_1 = q_1``, and ``z_t = AIT(p_t, q_t)`` of ``q_t = E_t(x)`` and ``p_t = g_t(z_(t - 1))``.

    ``AIT(p, q) = sum_u w_u h1(u)`` over u = p, q, with ``w = softmax(<h2(u), h3(u)> / sqrt(C))``;
    g is linear with a ReLU, and each task but the first has its own; h1 to h3 are linear without a
    bias, one for all steps, as in the authors' code (https://github.com/xidongbo/AITM). On maps
    they are maps of the C channels, the same at every position, which has weights w of its own.

    Calibrator: what follows cannot be likelier than what it follows. To the loss is added
    ``calibration * sum_t mean_b max(sigmoid(y_t) - sigmoid(y_(t - 1)), 0)``, y being the outputs of
    two tasks of two classes, one right after the other. For a chain such as click and purchase the
    labels are of the whole: bought, in all impressions (CTCVR). Other orders want 0. Tasks whose
    probabilities are multiplied are left out: a product is less likely than they are by itself.

    Tasks that read different inputs are in chains of their own. A head that taps inner stages gets
    those of its task's encoder. Departure: no dropout in g, which the encoder has where wanted.

    Args:
        make_encoder: makes the encoder of a task, for its input's spec.
        inputs: ``{input name: its spec}``.
        tasks: ``{task: the input that it reads}``.
        order: all tasks, what comes first at the beginning; None: as they are listed.
        calibration: the calibrator's weight, alpha, at least 0.

    Raises:
        ValueError: where ``order`` is not all tasks, each once.
    """

    def __init__(
        self,
        make_encoder: MakeEncoder,
        inputs: Mapping[str, InputSpec],
        tasks: Mapping[str, str],
        order: Sequence[str] | None,
        calibration: float,
    ) -> None:
        super().__init__(inputs, tasks)
        check_number("arch.calibration", calibration, "arch.calibration=0.6", 0)
        if order is not None and sorted(map(str, order)) != sorted(tasks):
            rule, fix = "must be all tasks, each once", f"'arch.order=[{','.join(tasks)}]'"
            raise problem("arch.order", rule, order, fix)
        self.order = list(order or tasks)
        self.calibration = calibration
        encoders = {task: make_encoder(inputs[name]) for task, name in tasks.items()}
        self.stage_shapes = {task: encoder.shapes for task, encoder in encoders.items()}
        self.out_shapes = {task: encoder.out_shape for task, encoder in encoders.items()}
        self.encoders = nn.ModuleDict({module_key(task): e for task, e in encoders.items()})
        self.followers = [pair for name in inputs for pair in pairwise(self.chain(name))]
        self.transfers = nn.ModuleDict(
            {module_key(task): Transfer(self.out_shapes[task][0]) for _, task in self.followers}
        )
        sizes = {tasks[task]: self.out_shapes[task][0] for _, task in self.followers}
        self.attentions = nn.ModuleDict(
            {module_key(name): Attention(size) for name, size in sizes.items()}
        )
        self.likely: dict[str, Tensor] = {}  # of the last forward pass, of tasks of two classes

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"likely": {}}

    def chain(self, input: str) -> list[str]:
        """The tasks that read an input, in their order."""
        return [task for task in self.order if self.tasks[task] == input]

    def forward(
        self, inputs: Mapping[str, Examples], tasks: Collection[str] | None = None
    ) -> dict[str, Features]:
        self.likely = {}
        return super().forward(inputs, tasks)

    def encode(self, x: Examples, input: str, tasks: list[str]) -> dict[str, Tensor]:
        chain = self.chain(input)
        last = max(chain.index(task) for task in tasks)
        features: dict[str, Tensor] = {}
        before: Tensor | None = None
        for task in chain[: last + 1]:
            own = self.bottom(x, task, self.stops([task]) if task in tasks else [])
            if before is not None:
                handed = self.transfers[module_key(task)](before)
                own = self.attentions[module_key(input)](handed, own)
            features[task] = before = own
        return {task: features[task] for task in tasks}

    def bottom(self, x: Examples, task: str, stops: list[int]) -> Tensor:
        """``q`` of a task, whose features after some stages before the last are handed on."""
        encoder = self.encoders[module_key(task)]
        assert isinstance(encoder, Encoder)
        q: Any = x
        for s, stage in enumerate(encoder.stages):
            q = stage(q)
            if s in stops:
                self.tap(s, {task: q})
        found: Tensor = q
        return found

    def see(self, logits: Mapping[str, Tensor]) -> None:
        if torch.is_grad_enabled():
            self.likely = {task: probability(logit) for task, logit in logits.items()}

    def extra_loss(self) -> Tensor | None:
        there = [pair for pair in self.followers if self.likely.keys() >= {*pair}]
        if not there or not self.calibration:
            return None
        over = [(self.likely[task] - self.likely[before]).relu().mean() for before, task in there]
        return self.calibration * torch.stack(over).sum()


def probability(logit: Tensor) -> Tensor:
    """In single precision at least."""
    return logit.to(torch.promote_types(logit.dtype, torch.float32)).sigmoid()


class Transfer(nn.Module):
    """``g``: what a task hands on to the one after it.

    Args:
        channels: C, of the features.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, channels)

    def forward(self, z: Tensor) -> Tensor:
        """[B, C, ...] -> [B, C, ...]."""
        handed: Tensor = self.linear(z.movedim(1, -1)).relu()
        return handed.movedim(-1, 1)


class Attention(nn.Module):
    """``AIT``, of what is handed on and what is a task's own.

    Args:
        channels: C, of both.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.value, self.query, self.key = (
            nn.Linear(channels, channels, bias=False) for _ in range(3)
        )

    def forward(self, handed: Tensor, own: Tensor) -> Tensor:
        """[B, C, ...], [B, C, ...] -> [B, C, ...]."""
        both = torch.stack([handed, own]).movedim(2, -1)  # [2, B, ..., C]
        alike = (self.query(both) * self.key(both)).sum(-1) / math.sqrt(both.shape[-1])
        weights = alike.softmax(0).unsqueeze(-1)  # [2, B, ..., 1]
        mixed: Tensor = (weights * self.value(both)).sum(0)
        return mixed.movedim(-1, 1)
