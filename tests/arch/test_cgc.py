"""CGC against a plain loop over modules, and the case in which it is MMoE."""

import copy

import pytest
import torch

from mtl_cli.arch.cgc import CGC
from mtl_cli.arch.mmoe import MMoE
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import Dense
from mtl_cli.encoder.mlp import MLP

pytestmark = pytest.mark.usefixtures("double_precision")
TASKS = {"a": "x", "b": "x"}


def mlp(spec):
    return MLP(spec, hidden=[5, 6], activation="tanh", dropout=0.0)


@pytest.mark.parametrize("gate_bias", [True, False])
def test_outputs_and_gradients_are_those_of_a_plain_loop(gate_bias):
    torch.manual_seed(0)
    made = []

    def make_and_note(spec):
        made.append(mlp(spec))
        return copy.deepcopy(made[-1])

    cgc = CGC(make_and_note, {"x": Dense((4,))}, TASKS, 2, 3, gate_bias)
    shared, own = made[:2], {"a": made[2:5], "b": made[5:]}
    assert len(made) == 8
    gates = {}
    for k, task in enumerate(TASKS):
        gates[task] = torch.nn.Linear(4, 5, gate_bias)
        stacked = cgc.level.tasks[0].gates.named_parameters()
        for plain, (_, ours) in zip(gates[task].parameters(), stacked, strict=True):
            plain.data.copy_(ours[k])
    x = torch.randn(7, 4)
    expected = {}
    for task in TASKS:
        weights = gates[task](x).softmax(1)  # equation 2
        experts = torch.stack([expert(x) for expert in own[task] + shared], 1)  # equation 3
        expected[task] = torch.einsum("be,bef->bf", weights, experts)  # equation 1
    outputs = cgc({"x": x})
    for task, output in outputs.items():
        torch.testing.assert_close(output, expected[task])
        direction = torch.randn_like(output)
        output.backward(direction, retain_graph=True)
        expected[task].backward(direction, retain_graph=True)
    part = cgc.level.tasks[0]
    for columns, encoders in ((cgc.level.shared, shared), (part.experts, own["a"] + own["b"])):
        plain = zip(*(encoder.parameters() for encoder in encoders), strict=True)
        for ours, copies in zip(columns.parameters(), plain, strict=True):
            torch.testing.assert_close(ours.grad, torch.stack([p.grad for p in copies]))
    plain = zip(*(gate.parameters() for gate in gates.values()), strict=True)
    for ours, copies in zip(part.gates.parameters(), plain, strict=True):
        torch.testing.assert_close(ours.grad, torch.stack([p.grad for p in copies]))


@pytest.mark.parametrize("gate_bias", [True, False])
def test_without_experts_of_the_tasks_it_is_mmoe(gate_bias):
    cgc = CGC(mlp, {"x": Dense((4,))}, TASKS, 3, 0, gate_bias)
    mmoe = MMoE(mlp, {"x": Dense((4,))}, TASKS, 3, gate_bias, one_gate=False)
    with torch.no_grad():
        for ours, other in zip(cgc.parameters(), mmoe.parameters(), strict=True):
            ours.copy_(other)
    x = torch.randn(7, 4)
    results = []
    for arch in (cgc, mmoe):
        outputs = torch.stack(list(arch({"x": x}).values()))
        outputs.square().sum().backward()
        results.append([outputs, *(p.grad for p in arch.parameters())])
    for ours, other in zip(*results, strict=True):
        torch.testing.assert_close(ours, other)


def test_an_expert_of_a_task_learns_from_that_task_alone():
    cgc = CGC(mlp, {"x": Dense((4,))}, TASKS, 2, 3, True)
    cgc({"x": torch.randn(7, 4)})["b"].sum().backward()
    for stacked in cgc.level.tasks[0].experts.parameters():  # three of a, then three of b
        assert not stacked.grad[:3].any()
        assert stacked.grad[3:].any()


def test_the_tasks_part_at_the_shared_experts():
    cgc = CGC(mlp, {"x": Dense((4,))}, TASKS, 2, 3, True)
    cgc({"x": torch.randn(7, 4)})
    assert [tuple(features.shape) for features in cgc.representations] == [(2, 7, 6)]


@pytest.mark.parametrize(
    ("counts", "thing"),
    [
        ((0, 1), "arch.num_shared_experts"),
        ((2, [1]), "arch.num_task_experts"),
        ((2, {"a": 1}), "arch.num_task_experts"),
    ],
)
def test_an_option_that_cannot_be_is_refused(counts, thing):
    with pytest.raises(Problem, match=rf"{thing} must .*\n  found: .*\n  try:   .*arch\."):
        CGC(mlp, {"x": Dense((4,))}, TASKS, *counts, True)
