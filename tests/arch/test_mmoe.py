"""MMoE against a plain loop over one module for each expert and each gate."""

from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from mtl_cli.arch.hps import HPS
from mtl_cli.arch.mmoe import MMoE
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import BagOfWords, Dense, Tokens
from mtl_cli.encoder.cnn import CNN
from mtl_cli.encoder.mlp import MLP
from mtl_cli.encoder.text_cnn import TextCNN

pytestmark = pytest.mark.usefixtures("double_precision")

E = 4
TASKS = {"a": "x", "type": "x", "c": "x"}


def make_mlp(spec):
    return MLP(spec, hidden=[6, 5], activation="tanh", dropout=0.0)


def make_text_cnn(spec):
    return TextCNN(spec, embedding_dim=5, widths=[2, 3], channels=3, dropout=0.0)


def make_map(spec):
    """A CNN whose features are a map [C, H, W]."""
    encoder = CNN(spec, [3, 2], 3, 5, 0.0)
    del encoder.stages[-1], encoder.shapes[-1]
    return encoder


CASES = [
    pytest.param(Dense((7,)), make_mlp, id="vector"),
    pytest.param(Dense((2, 8, 8)), make_mlp, id="image"),
    pytest.param(Dense((2, 4, 4)), make_map, id="map"),
    pytest.param(BagOfWords(11), make_mlp, id="bag of words"),
    pytest.param(Tokens(11, 6), make_text_cnn, id="tokens"),
]


class PlainMMoE(nn.Module):
    """The paper's equations 5-7, expert by expert and gate by gate."""

    def __init__(self, experts, gates):
        super().__init__()
        self.experts = nn.ModuleList(experts)
        self.gates = nn.ModuleList(gates)

    def forward(self, x):
        outputs = []
        for gate in self.gates:
            weights = torch.softmax(gate(x), dim=1)  # [B, E]
            mixed = torch.zeros(())
            for i, expert in enumerate(self.experts):
                features = expert(x)
                mixed = mixed + weights[:, i].view(-1, *[1] * (features.dim() - 1)) * features
            outputs.append(mixed)
        return outputs


@pytest.fixture
def make_both(monkeypatch):
    """Makes an MMoE, and the plain loop with the same weights."""

    def make(spec, make_encoder, gate_bias):
        torch.manual_seed(0)
        plain = PlainMMoE(
            [make_encoder(spec) for _ in range(E)], [spec.linear(E, gate_bias) for _ in TASKS]
        )
        experts, gates = iter(deepcopy(plain.experts)), iter(deepcopy(plain.gates))
        with monkeypatch.context() as patch:
            patch.setattr(type(spec), "linear", lambda *_: next(gates))
            arch = MMoE(lambda _: next(experts), {"x": spec}, TASKS, E, gate_bias, one_gate=False)
        return arch, plain

    return make


def gradients(module: nn.Module) -> Tensor:
    """The gradients of all entries, in the order of their values: layouts do not matter."""
    parameters = list(module.parameters())
    values = torch.cat([p.detach().flatten() for p in parameters])
    return torch.cat([p.grad.flatten() for p in parameters])[values.argsort(stable=True)]


@pytest.mark.parametrize("batch_size", [1, 5, 2048])  # large batches are laid out differently
@pytest.mark.parametrize("gate_bias", [True, False])
@pytest.mark.parametrize(("spec", "make_encoder"), CASES)
def test_outputs_and_gradients_are_those_of_a_plain_loop(
    make_both, spec, make_encoder, gate_bias, batch_size
):
    arch, plain = make_both(spec, make_encoder, gate_bias)
    x = spec.example(batch_size)
    outputs = list(arch({"x": x}).values())
    for output, expected in zip(outputs, plain(x), strict=True):
        torch.testing.assert_close(output, expected)
    directions = [torch.randn_like(output) for output in outputs]
    torch.autograd.backward(outputs, directions)
    torch.autograd.backward(plain(x), directions)
    torch.testing.assert_close(gradients(arch.experts), gradients(plain.experts))
    torch.testing.assert_close(gradients(arch.gates), gradients(plain.gates))


@pytest.mark.parametrize(("spec", "make_encoder"), CASES)
@pytest.mark.parametrize("gate_bias", [True, False])
def test_one_expert_is_hard_sharing(spec, make_encoder, gate_bias):
    encoder = make_encoder(spec)
    mmoe = MMoE(lambda _: deepcopy(encoder), {"x": spec}, TASKS, 1, gate_bias, one_gate=False)
    hps = HPS(lambda _: encoder, {"x": spec}, TASKS)
    x = spec.example(5)
    expected = hps({"x": x})
    for task, output in mmoe({"x": x}).items():
        torch.testing.assert_close(output, expected[task], rtol=0, atol=1e-12)


def test_features_lie_between_those_of_the_experts():
    arch = MMoE(make_mlp, {"x": Dense((7,))}, TASKS, E, True, one_gate=False)
    x = Dense((7,)).example(50)
    features = arch.experts(x, "x")  # [E, B, F]
    for output in arch({"x": x}).values():
        assert (output >= features.amin(0) - 1e-12).all()
        assert (output <= features.amax(0) + 1e-12).all()


def test_gates_without_bias_weigh_the_experts_equally_at_zero():
    arch = MMoE(make_mlp, {"x": Dense((7,))}, TASKS, E, gate_bias=False, one_gate=False)
    x = torch.zeros(3, 7)
    for output in arch({"x": x}).values():
        torch.testing.assert_close(output, arch.experts(x, "x").mean(0))


@pytest.mark.parametrize(
    ("num_experts", "gate_bias", "word"),
    [(0, True, "num_experts"), (2.0, True, "num_experts"), (2, "yes", "gate_bias")],
)
def test_what_it_cannot_take_is_named(num_experts, gate_bias, word):
    with pytest.raises(Problem, match=f"arch.{word}"):
        MMoE(make_mlp, {"x": Dense((7,))}, TASKS, num_experts, gate_bias, one_gate=False)


def test_one_gate_weighs_the_experts_alike_for_all_tasks_and_is_shared():
    arch = MMoE(make_mlp, {"x": Dense((7,))}, TASKS, E, True, one_gate=True)
    features = list(arch({"x": torch.randn(5, 7)}).values())
    assert all(torch.equal(features[0], other) for other in features[1:])
    assert not list(arch.stacked_over_tasks())
    inputs = {"x": Dense((7,)), "y": Dense((7,))}
    two = MMoE(make_mlp, inputs, {"a": "x", "b": "y"}, E, True, one_gate=True)
    x = torch.randn(5, 7)
    both = two({"x": x, "y": x})
    assert torch.equal(both["a"], both["b"]), "inputs of one spec share the gate"
