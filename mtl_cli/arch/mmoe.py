"""Multi-gate mixture-of-experts: every task weighs the same experts by a gate of its own.

Ma, Zhao, Yi, Chen, Hong & Chi, "Modeling Task Relationships in Multi-task Learning with
Multi-gate Mixture-of-Experts", KDD 2018, https://doi.org/10.1145/3219819.3220007, equations 5-7.
"""

from collections.abc import Iterable, Mapping

from torch import Tensor, nn

from mtl_cli.arch.base import Architecture
from mtl_cli.arch.experts import Gates, expert_trunk
from mtl_cli.arch.mixture import mixes
from mtl_cli.arch.trunk import MakeEncoder
from mtl_cli.basis.batch import Examples
from mtl_cli.basis.errors import check_boolean, check_integer
from mtl_cli.basis.inputs import InputSpec


class MMoE(Architecture):
    """``f_k(x) = sum_i softmax(W_k x + b_k)_i E_i(x)`` for experts ``E_i``, i = 1..E.

    An expert is the whole encoder; features of any shape are weighted. The paper's gates have no
    bias (``gate_bias=false``).

    Args:
        make_encoder: makes an expert, for an input's spec.
        inputs: ``{input name: its spec}``.
        tasks: ``{task: the input that it reads}``.
        num_experts: E, at least 1.
        gate_bias: whether the gates have a ``b_k``.
        one_gate: whether all tasks share one gate: the paper's OMoE, its baseline of section 3.
    """

    def __init__(
        self,
        make_encoder: MakeEncoder,
        inputs: Mapping[str, InputSpec],
        tasks: Mapping[str, str],
        num_experts: int,
        gate_bias: bool,
        one_gate: bool,
    ) -> None:
        super().__init__(inputs, tasks)
        check_integer("arch.num_experts", num_experts, 1, "arch.num_experts=8")
        check_boolean("arch.gate_bias", gate_bias)
        check_boolean("arch.one_gate", one_gate)
        self.experts = expert_trunk(make_encoder, inputs, num_experts)
        self.one_gate = one_gate
        # By task, or, where all share it, by spec: the name of the first input of that spec.
        firsts = {spec: name for name, spec in reversed(list(inputs.items()))}
        self.gate_of = {name: firsts[spec] for name, spec in inputs.items()}
        owners = {name: name for name in firsts.values()} if one_gate else tasks
        gated = {name: spec for spec, name in firsts.items()} if one_gate else inputs
        self.gates = Gates(gated, owners, num_experts, gate_bias)
        self.at_stages(self.experts.stage_shapes)

    def encode(self, x: Examples, input: str, tasks: list[str]) -> dict[str, Tensor]:
        stops = self.stops(tasks)
        *inner, last = self.experts.pausing(stops, x, input)
        features = self.mark_representation(last)  # [E, B, *shape]
        if self.one_gate:
            gate = self.gate_of[input]
            weights = self.gates(x, gate, [gate]).expand(len(tasks), -1, -1)
        else:
            weights = self.gates(x, input, tasks)  # [K, B, E]
        self.weighed[input] = tasks, weights.detach()
        for stage, own in zip(stops, inner, strict=True):
            self.tap(stage, mixes(self.tapping(stage, tasks), tasks, weights, own))
        return mixes(tasks, tasks, weights, features)

    def stacked_over_tasks(self) -> Iterable[nn.Parameter]:
        return () if self.one_gate else self.gates.parameters()

    def last_shared_layer(self) -> nn.Module:
        return self.experts
