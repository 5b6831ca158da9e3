"""DSelect-k: every task mixes at most k of the experts, and learns which by gradient descent.

Hazimeh, Zhao, Chowdhery, Sathiamoorthy, Chen, Mazumder, Hong & Chi, "DSelect-k: Differentiable
Selection in the Mixture of Experts with Applications to Multi-Task Learning", NeurIPS 2021,
https://arxiv.org/abs/2106.03760, section 3; the authors' code is in
https://github.com/google-research/google-research/tree/master/dselect_k_moe.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mtl_cli.arch.base import Architecture, Features
from mtl_cli.arch.experts import expert_trunk
from mtl_cli.arch.mixture import mixes
from mtl_cli.arch.selectors import ExampleGates, StaticGates, select, smooth_step
from mtl_cli.arch.trunk import MakeEncoder
from mtl_cli.basis.batch import Examples
from mtl_cli.basis.errors import check_choice, check_integer, check_number, problem
from mtl_cli.basis.inputs import InputSpec

EPSILON = 1e-6  # keeps the logarithm of a weight of 0 finite, as in the authors' code
SMALLEST_SUM = 0.01  # of a selector's weights in its penalty, which is 100 then


class DSelectK(Architecture):
    """``f_t(x) = sum_i softmax(w_t)_i sum_j r(z_ti)_j E_j(x)``, selectors i = 1..k, j = 0..E - 1.

    ``r(z)_j = prod_b (S(z_b) if bit b of j is set, else 1 - S(z_b))`` leaves one expert where every
    S is 0 or 1: the smooth step ``S(z) = -2 z^3 / gamma^3 + 3 z / (2 gamma) + 1/2`` is 0 from
    ``z = -gamma / 2`` down and 1 from ``gamma / 2`` up. Static gates learn z and w themselves,
    gates per example have them linear in x.

    To the loss is added ``entropy_weight * sum_ti entropy(r(z_ti))``, which drives selectors to one
    expert, and ``sum_ti 1 / sum_j r(z_ti)_j`` where E is no power of 2: this is least, 1 for each
    selector, once codes of no expert have no weight. Until then the experts' weights sum to less
    than 1, as in the authors' code. Departures from that code: with gates per example both terms
    are means over the batch, not sums, so as not to depend on its size; and ``sum_j`` counts as
    0.01 where it is less, so that an example that selects no expert at all costs 100, not infinity.

    Args:
        make_encoder: makes an expert, for an input's spec.
        inputs: ``{input name: its spec}``.
        tasks: ``{task: the input that it reads}``.
        num_experts: E, at least 2.
        num_nonzeros: k, how many experts a task mixes at most, from 1 to E.
        gamma: the width of the smooth step, above 0; z starts uniform in -+ gamma / 100.
        gate: ``static`` or ``per_example``.
        entropy_weight: of the entropy in nats, at least 0.

    Raises:
        ValueError: where a task is to mix more experts than there are.
    """

    def __init__(
        self,
        make_encoder: MakeEncoder,
        inputs: Mapping[str, InputSpec],
        tasks: Mapping[str, str],
        num_experts: int,
        num_nonzeros: int,
        gamma: float,
        gate: str,
        entropy_weight: float,
    ) -> None:
        super().__init__(inputs, tasks)
        check_integer("arch.num_experts", num_experts, 2, "arch.num_experts=8")
        check_integer("arch.num_nonzeros", num_nonzeros, 1, "arch.num_nonzeros=2")
        check_number("arch.gamma", gamma, "arch.gamma=1.0", 0)
        check_choice("arch.gate", gate, ["static", "per_example"], "arch.gate=static")
        check_number("arch.entropy_weight", entropy_weight, "arch.entropy_weight=0.01", 0)
        if num_nonzeros > num_experts:
            rule = f"must be at most arch.num_experts={num_experts}"
            fix = f"arch.num_nonzeros={num_experts}, or arch.num_experts={num_nonzeros}"
            raise problem("arch.num_nonzeros", rule, num_nonzeros, fix)
        if gamma == 0:
            raise problem("arch.gamma", "must be greater than 0", gamma, "arch.gamma=1.0")
        self.num_experts = num_experts
        self.gamma = gamma
        self.entropy_weight = entropy_weight
        num_bits = (num_experts - 1).bit_length()
        self.has_unused_codes = num_experts < 2**num_bits
        self.experts = expert_trunk(make_encoder, inputs, num_experts)
        make_gates = StaticGates if gate == "static" else ExampleGates
        self.gates = make_gates(inputs, tasks, num_nonzeros, num_bits, gamma)
        self.at_stages(self.experts.stage_shapes)
        self.selectors: list[Tensor] = []  # of the last forward pass, for each input

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"selectors": []}

    def forward(
        self, inputs: Mapping[str, Examples], tasks: Collection[str] | None = None
    ) -> dict[str, Features]:
        self.selectors = []
        return super().forward(inputs, tasks)

    def encode(self, x: Examples, input: str, tasks: list[str]) -> dict[str, Tensor]:
        stops = self.stops(tasks)
        *inner, last = self.experts.pausing(stops, x, input)
        features = self.mark_representation(last)  # [E, B, *shape]
        z, w = self.gates(x, input, tasks)  # here and below, B is 1 where the gates are static
        r = select(smooth_step(z, self.gamma), self.num_experts)  # [K, k, E, B]
        if torch.is_grad_enabled():
            self.selectors.append(r)
        weights = (w.softmax(1).unsqueeze(2) * r).sum(1).transpose(1, 2)  # [K, B, E]
        self.weighed[input] = tasks, weights.detach()
        weights = weights.expand(-1, features.shape[1], -1)
        for stage, own in zip(stops, inner, strict=True):
            self.tap(stage, mixes(self.tapping(stage, tasks), tasks, weights, own))
        return mixes(tasks, tasks, weights, features)

    def stacked_over_tasks(self) -> Iterable[nn.Parameter]:
        return self.gates.parameters()

    def extra_loss(self) -> Tensor | None:
        if not self.selectors or not (self.entropy_weight or self.has_unused_codes):
            return None
        return torch.stack([self.penalty(r) for r in self.selectors]).sum()

    def penalty(self, r: Tensor) -> Tensor:
        """What the selectors [K, k, E, B] of one input add to the loss."""
        terms = -self.entropy_weight * (r * (r + EPSILON).log()).sum(2)  # [K, k, B]
        if self.has_unused_codes:
            terms = terms + 1 / r.sum(2).clamp(min=SMALLEST_SUM)
        return terms.sum((0, 1)).mean()
