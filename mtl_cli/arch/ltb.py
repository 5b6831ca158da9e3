"""Learning to branch: columns of the encoder side by side, and a tree through them is learned.

Guo, Lee & Ulbricht, "Learning to Branch for Multi-Task Learning", ICML 2020,
https://arxiv.org/abs/2006.01895, section 3. The Gumbel-softmax is that of Jang, Gu & Poole,
"Categorical Reparameterization with Gumbel-Softmax", ICLR 2017, https://arxiv.org/abs/1611.01144.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mtl_cli.arch.base import Architecture, Gate
from mtl_cli.arch.branches import renumber
from mtl_cli.arch.experts import expert_trunk
from mtl_cli.arch.loop import Each, together
from mtl_cli.arch.mixture import mix, sum_of_products
from mtl_cli.arch.trunk import MakeEncoder
from mtl_cli.basis.batch import Examples
from mtl_cli.basis.errors import check_integer, check_number
from mtl_cli.basis.inputs import InputSpec

LOWEST_TEMPERATURE = 0.01


class LTB(Architecture):
    """Between stages, column j reads ``sum_i d_ji h_i``, where ``d_j`` is one-hot: its parent.

    In training ``d_j`` is drawn, ``one_hot(argmax_i(theta_ji + g_i))`` with Gumbel noise g, and
    its gradient is that of ``softmax((theta_j + g) / temperature)``. The heads choose among the
    columns of the last stage in the same way. At evaluation each takes its likeliest parent: that
    is the learned tree, which ``arch=tree`` trains anew.

    In the warm-up every ``d_ji`` is 1 / C and theta rests. After it the temperature falls from the
    first to the last by the same factor every step, however long the training is (LibMTL's falls
    as ``1 / sqrt(epoch)``).

    Departure: each example draws a tree of its own, not each step. All columns are computed in
    any case, so this costs nothing, and theta's gradient is a mean over the batch's draws.

    Args:
        make_encoder: makes a column, for an input's spec.
        inputs: ``{input name: its spec}``.
        tasks: ``{task: the input that it reads}``.
        num_columns: C, the columns of each stage; None: as many as tasks.
        warmup: the share of the training that the warm-up takes, from 0 to 0.9.
        initial_temperature: after the warm-up, at least 0.01.
        final_temperature: at the end of the training, from 0.01 to ``initial_temperature``.
    """

    temperature: Tensor
    is_warmup: Tensor

    def __init__(
        self,
        make_encoder: MakeEncoder,
        inputs: Mapping[str, InputSpec],
        tasks: Mapping[str, str],
        num_columns: int | None,
        warmup: float,
        initial_temperature: float,
        final_temperature: float,
    ) -> None:
        super().__init__(inputs, tasks)
        if num_columns is not None:
            check_integer("arch.num_columns", num_columns, 1, "arch.num_columns=4")
        check_number("arch.warmup", warmup, "arch.warmup=0.1", 0, 0.9)
        first, last = initial_temperature, final_temperature
        fix = "arch.initial_temperature=10"
        check_number("arch.initial_temperature", first, fix, LOWEST_TEMPERATURE)
        fix = "arch.final_temperature=0.1"
        check_number("arch.final_temperature", last, fix, LOWEST_TEMPERATURE, first)
        self.warmup = warmup
        self.temperatures = first, last
        self.order = {task: k for k, task in enumerate(tasks)}
        columns = len(tasks) if num_columns is None else num_columns
        self.columns = expert_trunk(make_encoder, inputs, columns)
        self.at_stages(self.columns.stage_shapes)
        choosing = [columns] * (self.columns.num_stages - 1) + [len(tasks)]
        self.thetas = nn.ParameterList(torch.zeros(number, columns) for number in choosing)
        self.register_buffer("temperature", torch.tensor(float(first)))
        self.register_buffer("is_warmup", torch.tensor(False))

    def encode(self, x: Examples, input: str, tasks: list[str]) -> dict[str, Tensor]:
        read: Each = x
        *inner, theta = self.thetas
        passed: list[tuple[Tensor, Tensor | list[Tensor]]] = []  # choices and columns, by stage
        for s, parents in enumerate(inner):
            columns = self.columns.run([s], read, input)  # C times [B, ...]
            choices = self.choices(parents, columns[0].shape[0])
            read = chosen(choices, columns)
            passed.append((choices, columns))
        last = together(self.columns.run([len(inner)], read, input))
        features = self.mark_representation(last)  # [C, B, ...]
        if tasks != list(self.order):
            theta = torch.stack([theta[self.order[task]] for task in tasks])
        choices = self.choices(theta, features.shape[1])
        path, stops = choices, self.stops(tasks)
        for s, (parents, columns) in reversed(list(enumerate(passed))):
            if not stops or s < stops[0]:
                break
            path = along(path, parents)
            if tapping := self.tapping(s, tasks):
                own = path[[tasks.index(task) for task in tapping]]
                self.tap(s, dict(zip(tapping, chosen(own, columns), strict=True)))
        return dict(zip(tasks, chosen(choices, features), strict=True))

    def choices(self, theta: Tensor, batch_size: int) -> Tensor:
        """What each of N takes of C: in evaluation the numbers of the columns, [N], in training
        how much of each for each example, [N, B, C]."""
        if not self.training:
            return theta.argmax(-1)
        num_columns = theta.shape[-1]
        shape = len(theta), batch_size, num_columns
        noise = -torch.empty(shape, dtype=theta.dtype, device=theta.device).exponential_().log()
        soft = ((theta.unsqueeze(1) + noise) / self.temperature).softmax(-1)  # [N, B, C]
        columns = torch.arange(num_columns, device=theta.device)
        hard = (soft.argmax(-1, keepdim=True) == columns).to(soft.dtype)
        drawn = hard + (soft - soft.detach())  # exactly one-hot, with the gradient of soft
        return torch.where(self.is_warmup, 1 / num_columns, drawn)

    def progress(self, fraction: float) -> None:
        first, last = self.temperatures
        done = max(0.0, fraction - self.warmup) / (1 - self.warmup)
        self.temperature.fill_(first * (last / first) ** done)
        self.is_warmup.fill_(fraction < self.warmup)

    def expert_weights(self) -> list[Gate]:
        """How probable it is that a task's path takes each column, stage by stage."""
        *inner, likely = [theta.detach().softmax(-1) for theta in self.thetas]
        by_stage = [likely]  # [K, C], from the last stage on
        for parents in reversed(inner):
            by_stage.append(by_stage[-1] @ parents)
        columns = [f"column {c + 1}" for c in range(likely.shape[-1])]
        return [
            Gate(f"stage {s}", list(self.order), columns, taken.unsqueeze(1))
            for s, taken in enumerate(reversed(by_stage), 1)
        ]

    def stacked_over_tasks(self) -> Iterable[nn.Parameter]:
        return [self.thetas[-1]]  # row k is the choice of the head of task k

    def last_shared_layer(self) -> nn.Module:
        return self.columns

    def learned(self) -> dict[str, Any] | None:
        """The tree of the likeliest parents: ``{"tree": {task: its column at each stage}}``."""
        *inner, heads = [theta.argmax(-1).tolist() for theta in self.thetas]
        paths = {}
        for task, column in zip(self.order, heads, strict=True):
            path = [column]
            for parents in reversed(inner):
                path.insert(0, parents[path[0]])
            paths[task] = path
        return {"tree": renumber(paths)}


def chosen(choices: Tensor, features: Tensor | list[Tensor]) -> Tensor | list[Tensor]:
    """What each of N reads of the columns [C, B, ...], by its choices: N times [B, ...], lists as
    lists."""
    if choices.dim() == 1:
        taken = together(features)[choices]  # no number of it is asked for: a pass can be traced
        return taken if isinstance(features, Tensor) else list(taken.unbind())
    if isinstance(features, Tensor):
        return mix(choices, features)
    weights = choices.to(features[0].dtype)[(...,) + (None,) * (features[0].dim() - 1)]
    return [sum_of_products(zip(row.unbind(1), features, strict=True)) for row in weights]


def along(path: Tensor, parents: Tensor) -> Tensor:
    """A path one stage further back: choices of columns, and what each of these columns chose."""
    return parents[path] if path.dim() == 1 else torch.einsum("kbj,jbi->kbi", path, parents)
