from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mtl_cli.arch.adatt import AdaTT
from mtl_cli.arch.hps import HPS
from mtl_cli.arch.mmoe import MMoE
from mtl_cli.basis.inputs import BagOfWords, Dense, Tokens
from mtl_cli.encoder.cnn import CNN
from mtl_cli.encoder.linear import Linear
from mtl_cli.encoder.mlp import MLP
from mtl_cli.encoder.text_cnn import TextCNN

TASKS = {"a": "x", "b": "x", "c": "x"}
MLP_3 = partial(MLP, hidden=[6, 5, 7], activation="tanh", dropout=0.0)
CNN_3 = partial(CNN, channels=[3, 4], kernel_size=3, out_features=6, dropout=0.0)
ENCODERS = {
    "vectors": (MLP_3, Dense((4,))),
    "words": (MLP_3, BagOfWords(11)),
    "maps": (CNN_3, Dense((2, 9, 7))),
}


def make(name: str, tasks: Any = TASKS, seed: int = 0, **options: Any) -> AdaTT:
    torch.manual_seed(seed)
    make_encoder, spec = ENCODERS[name]
    values = {"num_task_experts": 2, "num_shared_experts": 1, "num_levels": 2, "gate_bias": True}
    return AdaTT(make_encoder, {"x": spec}, tasks, **(values | options))


def unstack(stacked: nn.Module, plain: list[nn.Module]) -> list[Tensor]:
    """Copies a stack's weights into plain modules, and gives those in the order of the stack's."""
    order = []
    parameters = list(stacked.parameters())
    per_copy = len(list(plain[0].parameters()))
    for i, parameter in enumerate(parameters):
        if len(parameters) > per_copy:  # what has no batched form is one copy after the other
            copy = list(plain[i // per_copy].parameters())[i % per_copy]
            copy.data.copy_(parameter.data)
            order.append(copy)
            continue
        copies = [list(module.parameters())[i] for module in plain]
        dim = 0 if parameter.shape[1:] == copies[0].shape else 1  # a bag's weight is [V, E, O]
        for copy, value in zip(copies, parameter.data.unbind(dim), strict=True):
            copy.data.copy_(value)
        order.append(torch.stack(copies, dim))
    return order


def by_the_paper(arch: AdaTT, name: str, x: Any) -> tuple[list[Tensor], list[Tensor]]:
    """Equations 2-10, a unit after the other; also the weights, in the order of the parameters."""
    make_encoder, spec = ENCODERS[name]
    encoders = [make_encoder(spec) for _ in arch.owners]
    weights = []
    for s, stages in enumerate(arch.experts.stages):
        weights += unstack(stages[0], [encoder.stages[s] for encoder in encoders])
    owners = arch.owners
    f = [x] * (max(owners) + 1)
    for level, fusion in zip(arch.levels, arch.fusions, strict=True):
        experts = []
        for encoder, owner in zip(encoders, owners, strict=True):
            h = f[owner]
            for s in level:
                h = encoder.stages[s](h)
            experts.append(h)
        is_last = level.stop == len(encoders[0].stages)
        units = range(len(TASKS)) if is_last else range(len(f))
        reads = spec if level.start == 0 else Dense((f[0].shape[1],))
        has_bias = len(fusion.gates.choices[0][-1].state_dict()) == 2
        gates = [reads.linear(len(experts), has_bias) for _ in units]
        own_weights = unstack(fusion.gates.choices[0], gates)
        if fusion.native is not None:
            native = fusion.native.detach().clone().requires_grad_()
            own_weights = [native, *own_weights]
        weights += own_weights
        fused = []
        for unit, gate in zip(units, gates, strict=True):
            read = f[unit]
            if level.start and read.dim() > 2:
                read = read.mean(tuple(range(2, read.dim())))
            gated = gate(read).softmax(-1)  # [B, E]
            total = sum(
                torch.einsum("b,b...->b...", g, h) for g, h in zip(gated.T, experts, strict=True)
            )
            for i, (owner, h) in enumerate(zip(owners, experts, strict=True)):
                if owner == unit:
                    total = total + (h if fusion.native is None else native[i] * h)
            fused.append(total)
        f = fused
    return f, weights


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("num_levels", [1, 2, 3])
@pytest.mark.parametrize("sizes", [(1, 0), (1, 1), (2, 0), (2, 1), (1, 2)])
@pytest.mark.parametrize("gate_bias", [True, False])
def test_it_is_the_papers_equations_unit_by_unit(name, num_levels, sizes, gate_bias):
    options = {"num_task_experts": sizes[0], "num_shared_experts": sizes[1]}
    arch = make(name, num_levels=num_levels, gate_bias=gate_bias, **options)
    x = arch.inputs["x"].example(5)
    ours = list(arch({"x": x}).values())
    theirs, weights = by_the_paper(arch, name, x)
    noise = [torch.randn_like(f) for f in ours]
    grads = torch.autograd.grad(ours, list(arch.parameters()), noise)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)
    plain = sum((f * n).sum() for f, n in zip(theirs, noise, strict=True))
    for grad, weight in zip(grads, weights, strict=True):
        torch.testing.assert_close(grad, gradient(plain, weight), rtol=1e-5, atol=1e-5)


def gradient(loss: Tensor, weight: Tensor) -> Tensor:
    """The gradient of the loss on the plain weights that were stacked into ``weight``."""
    if weight.is_leaf:
        return torch.autograd.grad(loss, weight, retain_graph=True)[0]
    leaves = [node.variable for node, _ in weight.grad_fn.next_functions]
    grads = torch.autograd.grad(loss, leaves, retain_graph=True)
    dim = 0 if weight.shape[1:] == grads[0].shape else 1
    return torch.stack(grads, dim)


def test_without_the_residual_part_one_level_is_a_mixture_of_experts():
    arch = make("vectors", num_levels=1)
    torch.manual_seed(0)
    mmoe = MMoE(MLP_3, arch.inputs, TASKS, num_experts=7, gate_bias=True, one_gate=False)
    nn.init.zeros_(arch.fusions[0].native)
    for ours, theirs in zip(
        arch.fusions[0].gates.parameters(), mmoe.gates.parameters(), strict=True
    ):
        theirs.data.copy_(ours.data)
    x = torch.randn(5, 4)
    expected = mmoe({"x": x})
    for task, features in arch({"x": x}).items():
        torch.testing.assert_close(features, expected[task])


def test_a_task_alone_with_one_expert_has_it_twice():
    options = {"num_task_experts": 1, "num_shared_experts": 0, "num_levels": 1}
    arch = make("vectors", {"a": "x"}, **options)
    torch.manual_seed(0)
    hps = HPS(MLP_3, arch.inputs, {"a": "x"})
    x = torch.randn(5, 4)
    torch.testing.assert_close(arch({"x": x})["a"], 2 * hps({"x": x})["a"])


@pytest.mark.parametrize("name", ENCODERS)
def test_some_tasks_get_what_all_would_get(name):
    arch = make(name)
    x = arch.inputs["x"].example(5)
    whole, part = arch({"x": x}), arch({"x": x}, ["c", "a"])
    assert list(part) == ["a", "c"]
    for task, features in part.items():
        torch.testing.assert_close(features, whole[task])


@pytest.mark.parametrize(("num_levels", "levels"), [(1, [3]), (2, [1, 2]), (3, [1, 1, 1])])
def test_a_level_is_some_consecutive_stages(num_levels, levels):
    assert [len(level) for level in make("vectors", num_levels=num_levels).levels] == levels


def test_by_default_there_are_two_levels_where_there_are_two_stages():
    assert len(make("vectors", num_levels=None).levels) == 2
    torch.manual_seed(0)
    one = AdaTT(partial(Linear, out_features=5), {"x": Dense((4,))}, TASKS, 2, 1, None, True)
    assert len(one.levels) == 1


def test_the_shared_unit_fuses_at_all_levels_but_the_last():
    for shared, units in [(0, [3, 3, 3]), (2, [4, 4, 3])]:
        arch = make("vectors", num_levels=3, num_shared_experts=shared)
        assert [len(fusion.own) for fusion in arch.fusions] == units


def test_own_experts_start_with_weights_within_one_by_the_root_of_their_number():
    arch = make("vectors", num_task_experts=16, num_shared_experts=4, num_levels=2)
    first, last = (fusion.native.detach().abs() for fusion in arch.fusions)
    assert (len(first), len(last)) == (3 * 16 + 4, 3 * 16)
    for weights, bound in [(first[:48], 1 / 4), (first[48:], 1 / 2), (last, 1 / 4)]:
        assert bound / 2 < weights.max() <= bound


def test_padding_that_is_cut_off_changes_nothing():
    torch.manual_seed(0)
    encoder = partial(TextCNN, embedding_dim=4, widths=[2, 3], channels=3, dropout=0.0)
    arch = AdaTT(encoder, {"x": Tokens(9, 8)}, TASKS, 2, 1, 2, True)
    words = torch.tensor([[3, 1, 4, 1, 5, 0, 0, 0], [2, 7, 0, 0, 0, 0, 0, 0]])
    whole, cut = arch({"x": words}), arch({"x": words[:, :5]})
    for task in TASKS:
        torch.testing.assert_close(whole[task], cut[task])


def test_inputs_of_different_specs_share_the_gates_that_fit_both():
    inputs, tasks = {"x": Dense((4,)), "y": BagOfWords(9)}, {"a": "x", "b": "y", "c": "x"}
    arch = AdaTT(MLP_3, inputs, tasks, 1, 0, 3, True)
    assert [len(fusion.gates.choices) for fusion in arch.fusions] == [2, 1, 2]


@pytest.mark.parametrize(
    "options",
    [
        {"num_task_experts": 0},
        {"num_task_experts": 1.5},
        {"num_shared_experts": -1},
        {"num_shared_experts": None},
        {"num_levels": 0},
        {"num_levels": 4},
        {"gate_bias": 1},
    ],
)
def test_options_out_of_range_are_refused(options):
    [option] = options
    with pytest.raises(ValueError, match=rf"arch.{option} must be .*\n  found: .*\n  try:   arch"):
        make("vectors", **options)
