"""DSelect-k against the paper's formulas, written out, and what its gates settle to."""

import copy
import math

import pytest
import torch
from torch import Tensor, nn

from mtl_cli.arch.dselect_k import DSelectK
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import Dense
from mtl_cli.encoder.cnn import CNN
from mtl_cli.encoder.mlp import MLP

pytestmark = pytest.mark.usefixtures("double_precision")
TASKS = {"a": "x", "b": "x", "c": "x"}
GATES = ["static", "per_example"]


def mlp(spec):
    return MLP(spec, hidden=[5, 6], activation="tanh", dropout=0.0)


def make(make_encoder=mlp, inputs=None, tasks=TASKS, **options) -> DSelectK:
    defaults = {"num_experts": 4, "num_nonzeros": 2, "gamma": 1.0, "gate": "static"}
    defaults["entropy_weight"] = 0.1
    return DSelectK(make_encoder, inputs or {"x": Dense((4,))}, tasks, **defaults | options)


class UnitVectors(nn.Module):
    """Experts [E, B, E] whose mix is its weights."""

    def __init__(self, num_experts: int) -> None:
        super().__init__()
        self.num_experts = num_experts

    def forward(self, x: Tensor, input: str) -> Tensor:
        return torch.eye(self.num_experts).unsqueeze(1).expand(-1, len(x), -1)

    def pausing(self, stops: list[int], x: Tensor, input: str) -> list[Tensor]:
        return [self(x, input)]


def weights_of(arch: DSelectK, x: Tensor) -> Tensor:
    """How much of each expert each task mixes, [K, B, E]."""
    probe = copy.copy(arch)
    probe._modules = arch._modules | {"experts": UnitVectors(arch.num_experts)}
    with torch.no_grad():
        return torch.stack(list(probe({"x": x}).values()))


def set_codes(arch: DSelectK, codes: list[list[int]], far: float = 1.0) -> None:
    """Lets selector i of task k select expert ``codes[k][i]``."""
    bits = range(arch.gates.z.shape[2])
    signs = [[[2.0 * (code >> bit & 1) - 1 for bit in bits] for code in row] for row in codes]
    arch.gates.z.data.copy_(far * torch.tensor(signs).unsqueeze(3))


class PlainDSelectK(nn.Module):
    """The formulas of section 3, task by task, selector by selector and expert by expert."""

    def __init__(self, experts, z, w, gamma: float, entropy_weight: float) -> None:
        super().__init__()
        self.experts = nn.ModuleList(experts)
        self.z, self.w, self.gamma, self.entropy_weight = z, w, gamma, entropy_weight

    def forward(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        features = [expert(x) for expert in self.experts]
        outputs, extra = [], torch.zeros(())
        for z, w in zip(self.z, self.w, strict=True):  # of one task, [B, k, bits] and [B, k]
            z, w = z(x), w(x).softmax(1)
            mixed = torch.zeros_like(features[0])
            for i in range(w.shape[1]):
                reached = torch.zeros(())
                for j, expert in enumerate(features):
                    r = torch.ones(())
                    for bit in range(z.shape[2]):
                        t = z[:, i, bit]
                        step = -2 * t**3 / self.gamma**3 + 3 * t / (2 * self.gamma) + 0.5
                        step = torch.where(t <= -self.gamma / 2, 0.0, step)
                        step = torch.where(t >= self.gamma / 2, 1.0, step)
                        r = r * (step if j >> bit & 1 else 1 - step)
                    mixed = mixed + (w[:, i] * r).view(-1, *[1] * (mixed.dim() - 1)) * expert
                    extra = extra - self.entropy_weight * (r * torch.log(r + 1e-6)).mean()
                    reached = reached + r
                if math.log2(len(features)) % 1:
                    extra = extra + (1 / reached.clamp(min=0.01)).mean()
            outputs.append(mixed)
        return outputs, extra


class Logits(nn.Module):
    """The z or w of one task: a parameter, or linear in x."""

    def __init__(self, parameters: list[Tensor], shape: tuple[int, ...]) -> None:
        super().__init__()
        self.values = nn.ParameterList(p.detach().clone() for p in parameters)
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        values = [*self.values]
        logits = values[0] if len(values) == 1 else x.flatten(1) @ values[0].T + values[1]
        return logits.reshape(-1, *self.shape).expand(len(x), *self.shape)


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("num_experts", [2, 4, 5])
@pytest.mark.parametrize("spread", [0.1, 1.0])  # of z: inside the smooth step, and beyond it too
def test_outputs_extra_loss_and_gradients_are_those_of_a_plain_loop(gate, num_experts, spread):
    torch.manual_seed(num_experts)
    made = []

    def make_and_note(spec):
        made.append(CNN(spec, [3], 3, 5, 0.0))
        return copy.deepcopy(made[-1])

    shape, gamma = (2, 4, 4), 1.5
    arch = make(make_and_note, {"x": Dense(shape)}, gate=gate, gamma=gamma, num_experts=num_experts)
    num_bits = math.ceil(math.log2(num_experts))
    stacked = {name: [p for n, p in arch.gates.named_parameters() if n[0] == name] for name in "zw"}
    with torch.no_grad():
        for parameter in stacked["z"]:
            parameter.normal_(0, spread if gate == "static" else spread / 5)
    z = [Logits([p[k] for p in stacked["z"]], (2, num_bits)) for k in range(3)]
    w = [Logits([p[k] for p in stacked["w"]], (2,)) for k in range(3)]
    plain = PlainDSelectK(made, nn.ModuleList(z), nn.ModuleList(w), gamma, 0.1)
    x = torch.randn(7, *shape)
    expected, extra = plain(x)
    outputs = list(arch({"x": x}).values())
    for output, other in zip(outputs, expected, strict=True):
        torch.testing.assert_close(output, other)
    torch.testing.assert_close(arch.extra_loss(), extra)
    directions = [torch.randn_like(output) for output in outputs]
    torch.autograd.backward([*outputs, arch.extra_loss()], [*directions, None])
    torch.autograd.backward([*expected, extra], [*directions, None])
    for name, tasks in (("z", z), ("w", w)):
        for i, ours in enumerate(stacked[name]):
            other = torch.stack([task.values[i].grad for task in tasks])
            torch.testing.assert_close(ours.grad, other)
    copies = [module for loop in arch.experts.modules() for module in getattr(loop, "copies", [])]
    stages = [encoder.stages[0] for encoder in made]
    for ours, other in zip(copies, stages, strict=False):
        for p, q in zip(ours.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(p.grad, q.grad)


def train(arch: DSelectK, loss_of, steps: int) -> None:
    optimizer = torch.optim.Adam(arch.parameters(), lr=0.02)
    for _ in range(steps):
        loss = loss_of()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@pytest.mark.parametrize(("num_experts", "num_nonzeros"), [(8, 1), (8, 3), (6, 2)])
def test_static_gates_settle_on_at_most_k_experts(num_experts, num_nonzeros):
    torch.manual_seed(0)
    arch = make(num_experts=num_experts, num_nonzeros=num_nonzeros, entropy_weight=0.3)
    x = torch.randn(32, 4)
    targets = {task: torch.randn(32, 6) for task in TASKS}

    def loss_of() -> Tensor:
        outputs = arch({"x": x})
        losses = [(outputs[task] - targets[task]).square().mean() for task in TASKS]
        return sum(losses) + arch.extra_loss()

    assert (weights_of(arch, x) > 0).all()
    train(arch, loss_of, 300)
    weights = weights_of(arch, x)[:, 0]
    assert ((weights > 0).sum(1) <= num_nonzeros).all()
    assert (weights >= 0).all()
    torch.testing.assert_close(weights.sum(1), torch.ones(3))


@pytest.mark.parametrize("num_experts", [3, 5, 6, 7])
def test_codes_of_no_expert_are_left(num_experts):
    torch.manual_seed(0)
    arch = make(num_experts=num_experts, entropy_weight=0.0)
    last = 2 ** (num_experts - 1).bit_length() - 1
    set_codes(arch, [[last, last]] * 3, far=0.3)  # most of the weight is beyond the experts
    x = torch.randn(5, 4)
    assert (weights_of(arch, x).sum(2) < 0.5).all()

    def loss_of() -> Tensor:
        arch({"x": x})
        return arch.extra_loss()

    train(arch, loss_of, 200)
    assert (weights_of(arch, x).sum(2) > 0.99).all()  # the entropy, left out here, does the rest


def test_selectors_of_one_expert_each_are_a_fixed_routing():
    arch = make(num_experts=6)
    codes = [[0, 3], [5, 5], [2, 1]]
    set_codes(arch, codes)
    x = torch.randn(7, 4)
    features = arch.experts(x, "x")
    mixes = arch.gates.w.softmax(1)
    for k, output in enumerate(arch({"x": x}).values()):
        expected = sum(mixes[k, i] * features[code] for i, code in enumerate(codes[k]))
        torch.testing.assert_close(output, expected)
    torch.testing.assert_close(arch.extra_loss(), torch.tensor(6.0), rtol=0, atol=1e-5)


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("num_experts", [4, 5])
def test_the_extra_loss_reaches_the_gates_of_every_task_and_input(gate, num_experts):
    inputs = {"x": Dense((4,)), "y": Dense((4,))}
    tasks = {"a": "x", "b": "y", "c": "x"}
    arch = make(mlp, inputs, tasks, gate=gate, num_experts=num_experts)
    arch({name: torch.randn(7, 4) for name in inputs})
    arch.extra_loss().backward()
    grads = [p.grad for name, p in arch.gates.named_parameters() if name.startswith("z")]
    reached = [bool(grad[k].any()) for grad in grads for k in range(len(grad))]
    assert reached == [True] * (3 if gate == "static" else 6)  # a weight and a bias
    assert all(p.grad is None for p in arch.experts.parameters())


def test_the_extra_loss_is_of_the_tasks_of_the_last_forward_pass():
    arch, x = make(), {"x": torch.randn(7, 4)}
    arch(x)
    everyone = arch.extra_loss()
    alone = []
    for task in TASKS:
        arch(x, [task])
        alone.append(arch.extra_loss())
    torch.testing.assert_close(sum(alone), everyone)
    with torch.no_grad():
        arch(x)
    assert arch.extra_loss() is None


def test_the_extra_loss_does_not_depend_on_the_size_of_the_batch():
    arch, x = make(gate="per_example", num_experts=5), torch.randn(7, 4)
    losses = []
    for examples in (x, torch.cat([x, x, x])):
        arch({"x": examples})
        losses.append(arch.extra_loss())
    torch.testing.assert_close(*losses)


def test_an_example_that_selects_no_expert_leaves_the_loss_and_its_gradient_finite():
    arch = make(num_experts=5)
    set_codes(arch, [[7, 7]] * 3)
    output = arch({"x": torch.randn(7, 4)})["a"]
    assert not output.any()
    arch.extra_loss().backward()
    torch.testing.assert_close(arch.extra_loss(), torch.tensor(600.0))
    assert all(p.grad.isfinite().all() for p in arch.gates.parameters() if p.grad is not None)


def test_there_is_no_extra_loss_where_nothing_is_to_be_added():
    arch = make(num_experts=4, entropy_weight=0.0)
    arch({"x": torch.randn(7, 4)})
    assert arch.extra_loss() is None


@pytest.mark.parametrize("gate", GATES)
def test_gates_start_near_the_middle_of_the_smooth_step(gate):
    arch = make(gate=gate, gamma=3.0, num_experts=8)
    z = torch.cat([p.flatten() for n, p in arch.gates.named_parameters() if n[0] == "z"])
    assert 0 < z.abs().max() <= 0.03
    weights = weights_of(arch, torch.randn(7, 4))
    torch.testing.assert_close(weights, torch.full((3, 7, 8), 1 / 8), rtol=0, atol=0.05)


@pytest.mark.parametrize(
    ("options", "thing"),
    [
        ({"num_experts": 1}, "arch.num_experts"),
        ({"num_nonzeros": 0}, "arch.num_nonzeros"),
        ({"num_nonzeros": 5}, "arch.num_nonzeros"),
        ({"gamma": 0}, "arch.gamma"),
        ({"gamma": -1.0}, "arch.gamma"),
        ({"gate": "dynamic"}, "arch.gate"),
        ({"entropy_weight": -0.1}, "arch.entropy_weight"),
    ],
)
def test_an_option_that_cannot_be_is_refused(options, thing):
    with pytest.raises(Problem, match=rf"{thing} must .*\n  found: .*\n  try:   .*arch\."):
        make(**options)
