"""Linear maps with low-rank additions, one for all tasks and one for each.

Hu, Shen, Wallis, Allen-Zhu, Li, Wang, Wang & Chen, "LoRA: Low-Rank Adaptation of Large Language
Models", ICLR 2022, https://arxiv.org/abs/2106.09685, section 4.1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from mtl_cli.basis.inputs import InputSpec
from mtl_cli.basis.rows import take_rows


@dataclass
class Turn:
    """Whose rows a forward pass has; all low-rank maps of an architecture read the same one.

    Args:
        tasks: their numbers; each has equally many rows, one task after the other.
    """

    tasks: list[int] = field(default_factory=lambda: [0])


@dataclass(frozen=True)
class Ranks:
    """How large the additions are.

    Args:
        shared: rank of the one of all tasks; 0: there is none.
        own: rank of each task's.
        scale: multiplies both.
        num_tasks: K.
    """

    shared: int
    own: int
    scale: float
    num_tasks: int


class LowRank(nn.Module):
    """``y_k = W x + b + s (B A x + B_k A_k x)`` for the rows of task k.

    A and A_k are drawn as ``nn.Linear`` draws, B and B_k are zero at first: it begins as the map
    that it is made of.

    Args:
        linear: W and b.
        ranks: of the additions.
        turn: whose rows come.
    """

    def __init__(self, linear: nn.Linear, ranks: Ranks, turn: Turn) -> None:
        super().__init__()
        self.linear, self.ranks, self.turn = linear, ranks, turn
        out_features, in_features = linear.weight.shape

        def drawn(*shape: int) -> nn.Parameter:
            bound = 1 / math.sqrt(in_features)
            return nn.Parameter(linear.weight.new_empty(shape).uniform_(-bound, bound))

        def zeros(*shape: int) -> nn.Parameter:
            return nn.Parameter(linear.weight.new_zeros(shape))

        shared, own, tasks = ranks.shared, ranks.own, ranks.num_tasks
        self.down = drawn(shared, in_features) if shared else None  # A
        self.up = zeros(out_features, shared) if shared else None  # B
        self.own_down = drawn(tasks, own, in_features) if own else None  # A_k
        self.own_up = zeros(tasks, out_features, own) if own else None  # B_k

    def forward(self, x: Tensor) -> Tensor:
        y = self.linear(x)
        if self.down is not None and self.up is not None:
            y = y + self.ranks.scale * ((x @ self.down.T) @ self.up.T)
        if self.own_down is None or self.own_up is None:
            return y
        tasks = self.turn.tasks
        down, up = take_rows(self.own_down, tasks), take_rows(self.own_up, tasks)
        rows = x.reshape(len(tasks), -1, x.shape[-1])  # [K, B ..., in]
        own = rows @ down.transpose(1, 2) @ up.transpose(1, 2)  # [K, B ..., out]
        return y + self.ranks.scale * own.view_as(y)


def adapt(
    whole: nn.Module, stages: Sequence[nn.Module], spec: InputSpec, ranks: Ranks, turn: Turn
) -> None:
    """Puts a `LowRank` in the place of each linear map that the stages call on an input.

    What is used without being called (of attention that reads a projection's weight) stays as it
    is: rows of other tasks could not be told apart there. So does what reads an input that is no
    tensor, whose rows cannot be repeated.

    Args:
        whole: holds the stages; changed in place.
        stages: of an encoder, in order.
        spec: of its input, of which an example is tried.
        ranks: of the additions.
        turn: whose rows come.
    """
    called: dict[nn.Linear, None] = {}

    def note(module: nn.Module, *_: Any) -> None:
        if type(module) is nn.Linear:
            called[module] = None

    device = next((p.device for own in stages for p in own.parameters()), torch.device("cpu"))
    x: Any = spec.example(2).to(device)
    for stage in stages:
        watched = stage.modules() if isinstance(x, Tensor) else ()
        handles = [module.register_forward_hook(note) for module in watched]
        x = stage.eval()(x)  # draws nothing, and leaves a batch norm as it is
        stage.train()
        for handle in handles:
            handle.remove()
    made = {linear: LowRank(linear, ranks, turn) for linear in called}
    for parent in list(whole.modules()):
        if isinstance(parent, LowRank):
            continue
        if isinstance(parent, nn.TransformerEncoderLayer):
            parent.activation_relu_or_gelu = 0  # no shortcut that reads weights past the maps
        for name, child in list(parent.named_children()):
            if child in made:
                setattr(parent, name, made[child])


def is_adapted(stage: nn.Module) -> bool:
    """Whether a stage has low-rank maps."""
    return any(isinstance(module, LowRank) for module in stage.modules())
