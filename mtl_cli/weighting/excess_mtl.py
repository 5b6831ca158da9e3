"""ExcessMTL: tasks that are far from their best possible loss weigh more, noisy ones do not.

He, Zhou, Zhang, Yang & Zhao, "Robust Multi-Task Learning with Excess Risks", ICML 2024,
https://arxiv.org/abs/2402.02009, equations 6, 7 and 9.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from mtl_cli.basis.errors import check_boolean, check_integer, check_number
from mtl_cli.weighting.aggregation import Aggregation
from mtl_cli.weighting.base import Weighting
from mtl_cli.weighting.by_task import places
from mtl_cli.weighting.head_gradients import HeadGradients

EPS = 1e-7  # keeps from dividing by zero, as in the authors' code


class ExcessMTL(Aggregation):
    """``d = sum_k w_k g_k``, where at every step ``w_k`` grows by ``exp(step_size e_k / b_k)``.

    ``e_k = sum_i g_ki^2 / sqrt(s_ki)`` estimates the excess risk, where ``s_ki`` is the sum of
    ``g_ki^2`` over the steps, and ``b_k`` is the first e_k, or its mean over the warm-up, in which
    the weights stay even. They are normalised to a sum of 1, so a task alone gives its own
    gradient, and so do equal ones. The order of the tasks does not matter.

    Departures: the first e_k is divided by itself, as the paper says and its authors' code does
    not. Their code weighs the losses, and so the heads; here ``weigh_heads`` does. Tasks without a
    label in a step keep their weight, and the others share theirs. The state is as large as the
    Jacobian, K times the shared parameters.

    Args:
        tasks: the names of the tasks.
        on: where the Jacobian is taken: ``parameters``, for the sums are over the steps.
        chunk_size, losses: see `Aggregation`.
        step_size: how fast the weights follow the excess risks, above 0.
        warmup_steps: in which each task's b_k is found; 0: the first e_k serves.
        weigh_heads: whether ``w_k`` multiplies the specific gradients too, as in the authors' code.
    """

    on_features = False
    squares: Tensor  # s, [K, D]; without columns until the first step
    baseline: Tensor  # b, [K]
    log_weights: Tensor  # [K]
    seen: Tensor  # how many steps each task had a label in, [K]

    takes_rows = False

    def __init__(
        self,
        tasks: Sequence[str],
        on: str,
        chunk_size: int | None,
        losses: Callable[..., Weighting] | None,
        step_size: float,
        warmup_steps: int,
        weigh_heads: bool,
    ) -> None:
        super().__init__(tasks, on, chunk_size, losses)
        check_boolean("weighting.weigh_heads", weigh_heads)
        self.heads = HeadGradients() if weigh_heads else None
        check_number("weighting.step_size", step_size, "weighting.step_size=1.0", 1e-12)
        check_integer("weighting.warmup_steps", warmup_steps, 0, "weighting.warmup_steps=0")
        self.step_size = step_size
        self.warmup_steps = warmup_steps
        self.register_buffer("squares", torch.zeros(len(tasks), 0))
        self.register_buffer("baseline", torch.zeros(len(tasks)))
        self.register_buffer("log_weights", -torch.ones(len(tasks)).mul(len(tasks)).log())
        self.register_buffer("seen", torch.zeros(len(tasks), dtype=torch.long))

    def aggregate(self, jacobian: Tensor, tasks: Sequence[str]) -> tuple[Tensor, Tensor]:
        present = places(self.tasks, tasks, jacobian.device)
        if not self.squares.numel():
            self.squares = jacobian.new_zeros(len(self.tasks), jacobian.shape[1])
        sums = [self.squares[k] for k in self.positions(tasks)]
        risk = torch.stack(list(map(excess_risk, jacobian, sums))).to(self.baseline)
        seen = self.seen[present]
        warm = seen < self.warmup_steps
        share = torch.where(warm, 1 / max(self.warmup_steps, 1), (seen == 0).to(risk))
        self.baseline[present] += risk * share
        self.seen[present] += 1
        growth = self.step_size * risk / (self.baseline[present] + EPS)
        before = self.log_weights[present]
        after = (before + growth.masked_fill(warm, 0)).log_softmax(0)
        self.log_weights[present] = before.logsumexp(0) + after
        weights = after.exp().to(jacobian)
        return weights @ jacobian, weights

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        saved = state_dict.get(f"{prefix}squares", self.squares)
        self.squares = torch.empty_like(saved, device=self.seen.device)
        super()._load_from_state_dict(state_dict, prefix, *args)


def excess_risk(gradient: Tensor, squares: Tensor) -> Tensor:
    """``sum_i g_i^2 / sqrt(s_i)``, a scalar, after adding ``g_i^2`` to ``s_i``."""
    squares.addcmul_(gradient, gradient)
    return (squares + EPS).sqrt_().reciprocal_().mul_(gradient).dot(gradient)
