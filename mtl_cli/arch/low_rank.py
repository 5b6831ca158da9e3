"""Linear maps with low-rank additions, one for all tasks and one for each.

Hu, Shen, Wallis, Allen-Zhu, Li, Wang, Wang & Chen, "LoRA: Low-Rank Adaptation of Large Language
Models", ICLR 2022, https://arxiv.org/abs/2106.09685, section 4.1.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

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

    @property
    def some(self) -> bool:
        """Whether there are additions."""
        return self.shared > 0 or self.own > 0


class Addition(nn.Module):
    """``s (B A + B_k A_k)``, which is added to a matrix W for task k.

    A and A_k are drawn as ``nn.Linear`` draws, B and B_k are zero at first.

    Args:
        weight: W, [out, in].
        ranks: of the additions.
    """

    def __init__(self, weight: Tensor, ranks: Ranks) -> None:
        super().__init__()
        self.ranks = ranks
        out_features, in_features = weight.shape

        def drawn(*shape: int) -> nn.Parameter:
            bound = 1 / math.sqrt(in_features)
            return nn.Parameter(weight.new_empty(shape).uniform_(-bound, bound))

        def zeros(*shape: int) -> nn.Parameter:
            return nn.Parameter(weight.new_zeros(shape))

        shared, own, tasks = ranks.shared, ranks.own, ranks.num_tasks
        self.down = drawn(shared, in_features) if shared else None  # A
        self.up = zeros(out_features, shared) if shared else None  # B
        self.own_down = drawn(tasks, own, in_features) if own else None  # A_k
        self.own_up = zeros(tasks, out_features, own) if own else None  # B_k

    def added_to(self, weight: Tensor, task: int) -> Tensor:
        """The matrix with what is added to it for a task."""
        if self.down is not None and self.up is not None:
            weight = weight + self.ranks.scale * (self.up @ self.down)
        if self.own_down is not None and self.own_up is not None:
            weight = weight + self.ranks.scale * (self.own_up[task] @ self.own_down[task])
        return weight


class LowRank(Addition):
    """``y_k = W x + b + s (B A x + B_k A_k x)`` for the rows of task k.

    It begins as the map that it is made of.

    Args:
        linear: W and b.
        ranks: of the additions.
        turn: whose rows come.
    """

    def __init__(self, linear: nn.Linear, ranks: Ranks, turn: Turn) -> None:
        super().__init__(linear.weight, ranks)
        self.linear, self.turn = linear, turn

    def forward(self, x: Tensor) -> Tensor:
        y = self.linear(x)
        downs, ups, number = [], [], 1
        if self.own_down is not None and self.own_up is not None:
            tasks = self.turn.tasks
            number = len(tasks)
            downs, ups = [take_rows(self.own_down, tasks)], [take_rows(self.own_up, tasks)]
        if self.down is not None and self.up is not None:
            downs.append(self.down.expand(number, -1, -1))
            ups.append(self.up.expand(number, -1, -1))
        down, up = torch.cat(downs, 1), torch.cat(ups, 2)  # [K, ranks, in], [K, out, ranks]
        rows = x.reshape(number, -1, x.shape[-1])  # [K, B ..., in]
        low = rows @ down.transpose(1, 2)
        own = y.reshape(number, -1, y.shape[-1])
        return own.baddbmm(low, up.transpose(1, 2), alpha=self.ranks.scale).view_as(y)


class Merged(nn.Module):
    """A module that reads the weights of its linear maps instead of calling them, as attention
    does: for the rows of each task it computes with weights that the additions are in.

    Args:
        inner: the module.
        names: of the weights.
        ranks: of the additions.
        turn: whose rows come.
        of_rows: the arguments, by place or name, that have a row for each example.
    """

    batch_first = False  # which torch's layer asks before a shortcut that reads weights past this

    def __init__(
        self,
        inner: nn.Module,
        names: Sequence[str],
        ranks: Ranks,
        turn: Turn,
        of_rows: Collection[int | str],
    ) -> None:
        super().__init__()
        self.inner, self.names, self.turn, self.of_rows = inner, list(names), turn, of_rows
        weights = map(inner.get_parameter, names)
        self.additions = nn.ModuleList(Addition(weight, ranks) for weight in weights)
        self.has_own = ranks.own > 0

    def forward(self, *args: Any, **named: Any) -> Any:
        tasks = self.turn.tasks
        if not self.has_own or len(tasks) == 1:
            return self.of_task(tasks[0], args, named)
        given: dict[Any, Any] = {**dict(enumerate(args)), **named}
        cut = {
            key: x.unflatten(0, (len(tasks), -1))
            for key, x in given.items()
            if key in self.of_rows and isinstance(x, Tensor)
        }
        found = []
        for i, task in enumerate(tasks):
            own = given | {key: x[i] for key, x in cut.items()}
            self.turn.tasks = [task]  # for what is in it
            placed = [own[place] for place in range(len(args))]
            found.append(self.of_task(task, placed, {name: own[name] for name in named}))
        self.turn.tasks = tasks
        return joined(found)

    def of_task(self, task: int, args: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """What comes of arguments that are of one task's rows."""
        pairs = zip(self.names, self.additions, strict=True)
        weights = {
            name: addition.added_to(self.inner.get_parameter(name), task)  # type: ignore[operator]
            for name, addition in pairs
        }
        return functional_call(self.inner, weights, tuple(args), dict(named))


def joined(parts: Sequence[Any]) -> Any:
    """The rows of all, of a tensor or of each of several."""
    first = parts[0]
    if isinstance(first, Tensor):
        return torch.cat(list(parts))
    return None if first is None else tuple(map(joined, zip(*parts, strict=True)))
