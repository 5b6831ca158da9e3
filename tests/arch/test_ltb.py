import copy
import json
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mtl_cli.arch.hps import HPS
from mtl_cli.arch.ltb import LTB, chosen
from mtl_cli.arch.tree import Tree
from mtl_cli.basis.inputs import BagOfWords, Dense
from mtl_cli.encoder.base import Encoder
from mtl_cli.encoder.cnn import CNN
from mtl_cli.encoder.linear import Linear
from mtl_cli.encoder.mlp import MLP

TASKS = {"a": "x", "b": "x", "c": "x", "d": "x"}
MLP_3 = partial(MLP, hidden=[6, 5, 7], activation="tanh", dropout=0.0)
CNN_2 = partial(CNN, channels=[3], kernel_size=3, out_features=6, dropout=0.0)
ENCODERS = {
    "vectors": (MLP_3, Dense((4,))),
    "words": (MLP_3, BagOfWords(9)),
    "maps": (CNN_2, Dense((2, 9, 7))),
    "one stage": (partial(Linear, out_features=5), Dense((4,))),
}


def make(name: str, seed: int = 0, **options: Any) -> LTB:
    torch.manual_seed(seed)
    make_encoder, spec = ENCODERS[name]
    values = {"num_columns": 3, "warmup": 0.2, "initial_temperature": 4, "final_temperature": 0.25}
    return LTB(make_encoder, {"x": spec}, TASKS, **(values | options))


def encoders_of(arch: LTB, name: str) -> list[Encoder]:
    """The columns as plain encoders with the same weights."""
    make_encoder, spec = ENCODERS[name]
    encoders = [make_encoder(spec) for _ in range(arch.thetas[-1].shape[1])]
    for s, stages in enumerate(arch.columns.stages):
        stacked = list(stages[0].parameters())
        for c, encoder in enumerate(encoders):
            own = list(encoder.stages[s].parameters())
            if len(stacked) > len(own):  # what has no batched form is one column after the other
                values = stacked[c * len(own) : (c + 1) * len(own)]
            else:  # a bag's weight [V, C, O] has the columns in the middle
                values = [p.movedim(p.shape.index(len(encoders)), 0)[c] for p in stacked]
            for parameter, value in zip(own, values, strict=True):
                parameter.data.copy_(value)
    return encoders


def choose(arch: LTB, *choices: int) -> None:
    """Makes column j of every stage read column ``choices[j]``, and head k too."""
    with torch.no_grad():
        for theta in arch.thetas:
            theta.zero_()
            for row, choice in zip(theta, choices * 2, strict=False):
                row[choice] = 1000


@pytest.mark.parametrize("name", ENCODERS)
def test_one_column_is_hard_sharing(name):
    arch = make(name, num_columns=1)
    torch.manual_seed(0)
    hps = HPS(ENCODERS[name][0], arch.inputs, TASKS)
    x = arch.inputs["x"].example(5)
    expected = hps({"x": x})
    for fraction in (0.0, 0.5):
        arch.progress(fraction)
        for task, features in arch({"x": x}).items():
            torch.testing.assert_close(features, expected[task])
    sum(f.square().sum() for f in arch({"x": x}).values()).backward()
    sum(f.square().sum() for f in expected.values()).backward()
    theirs = [p.grad.flatten() for p in hps.parameters()]
    ours = [p.grad.flatten() for p in arch.columns.parameters()]
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("fraction", [0.2, 0.9])
def test_it_is_gumbel_softmax_over_plain_columns(name, fraction):
    arch = make(name)
    arch.progress(fraction)
    with torch.no_grad():
        for theta in arch.thetas:
            theta += torch.randn_like(theta)
    encoders = encoders_of(arch, name)
    thetas = [theta.detach().clone().requires_grad_() for theta in arch.thetas]
    x = arch.inputs["x"].example(5)

    def draw(theta: Tensor, columns: list[Tensor]) -> list[Tensor]:
        logits = theta.unsqueeze(1).expand(-1, 5, -1).contiguous()
        temperature = arch.temperature.item()
        drawn = nn.functional.gumbel_softmax(logits, tau=temperature, hard=True)
        return [
            sum(torch.einsum("b,b...->b...", row[:, i], h) for i, h in enumerate(columns))
            for row in drawn
        ]

    torch.manual_seed(1)
    ours = list(arch({"x": x}).values())
    torch.manual_seed(1)
    columns = [encoder.stages[0](x) for encoder in encoders]
    for s in range(1, arch.columns.num_stages):
        read = draw(thetas[s - 1], columns)
        columns = [encoder.stages[s](h) for encoder, h in zip(encoders, read, strict=True)]
    theirs = draw(thetas[-1], columns)
    sum(f.square().sum() for f in ours).backward()
    sum(f.square().sum() for f in theirs).backward()
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)
    for a, b in zip(arch.thetas, thetas, strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-5, atol=1e-5)
    norm = sum(p.grad.square().sum() for p in arch.columns.parameters())
    plain = sum(p.grad.square().sum() for e in encoders for p in e.parameters())
    torch.testing.assert_close(norm, plain, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("choices", [(0, 0, 0), (2, 0, 2), (0, 1, 2)])
def test_sure_choices_are_the_fixed_tree_that_was_learned(name, choices):
    arch = make(name)
    choose(arch, *choices)
    encoders = encoders_of(arch, name)
    tree = Tree(ENCODERS[name][0], arch.inputs, TASKS, None, arch.learned()["tree"])
    for s, parts in enumerate(tree.stages):
        for part in parts:
            for i, c in enumerate(part.columns):
                k = next(k for k, path in enumerate(tree.paths.values()) if path[s] == c)
                column = (choices * 2)[k]
                for _ in range(s, arch.columns.num_stages - 1):
                    column = choices[column]
                for p, q in zip(
                    part.parameters(), encoders[column].stages[s].parameters(), strict=True
                ):
                    (p.data if len(part.columns) == 1 else p.data[i]).copy_(q.data)
    x = arch.inputs["x"].example(5)
    expected = tree({"x": x})
    arch.progress(0.5)
    for features in (arch.train()({"x": x}), arch.eval()({"x": x})):
        for task in TASKS:
            torch.testing.assert_close(features[task], expected[task])


@pytest.mark.parametrize("name", ENCODERS)
def test_evaluation_takes_the_likeliest_path_and_draws_nothing(name):
    arch = make(name).eval()
    with torch.no_grad():
        for theta in arch.thetas:
            theta += torch.randn_like(theta)
    encoders = encoders_of(arch, name)
    x = arch.inputs["x"].example(5)
    before = torch.get_rng_state()
    features = arch({"x": x})
    assert torch.equal(torch.get_rng_state(), before)
    for k, task in enumerate(TASKS):
        path = [arch.thetas[-1][k].argmax().item()]
        for theta in reversed(arch.thetas[:-1]):
            path.insert(0, theta[path[0]].argmax().item())
        h = x
        for s, c in enumerate(path):
            h = encoders[c].stages[s](h)
        torch.testing.assert_close(features[task], h)


def test_parents_are_drawn_as_often_as_theta_says():
    arch = make("vectors")
    theta = torch.tensor([[0.0, 1.0, -1.0], [2.0, 2.0, 0.0]])
    features = torch.eye(3).unsqueeze(1).expand(3, 20_000, 3)
    for fraction in (0.3, 1.0):  # whatever the temperature
        arch.progress(fraction)
        drawn = chosen(arch.choices(theta, 20_000), features)
        assert set(drawn.unique().tolist()) == {0.0, 1.0}
        torch.testing.assert_close(drawn.mean(1), theta.softmax(-1), rtol=0, atol=0.02)


@pytest.mark.parametrize("name", ENCODERS)
def test_the_warmup_mixes_evenly_and_leaves_theta_alone(name):
    arch = make(name)
    encoders = encoders_of(arch, name)
    x = arch.inputs["x"].example(5)
    arch.progress(0.1)
    features = arch({"x": x})
    columns = [encoder.stages[0](x) for encoder in encoders]
    for s in range(1, arch.columns.num_stages):
        mean = torch.stack(columns).mean(0)
        columns = [encoder.stages[s](mean) for encoder in encoders]
    for task in TASKS:
        torch.testing.assert_close(features[task], torch.stack(columns).mean(0))
    sum(f.square().sum() for f in features.values()).backward()
    assert all(theta.grad is not None and not theta.grad.any() for theta in arch.thetas)
    arch.zero_grad()
    arch.progress(0.2)
    sum(f.square().sum() for f in arch({"x": x}).values()).backward()
    assert all(theta.grad.any() for theta in arch.thetas)


def test_the_temperature_falls_by_the_same_factor_every_step():
    arch = make("vectors", warmup=0.2, initial_temperature=4, final_temperature=0.25)
    temperatures = []
    for fraction in (0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0):
        arch.progress(fraction)
        temperatures.append(arch.temperature.item())
        assert arch.is_warmup.item() == (fraction < 0.2)
    assert temperatures == pytest.approx([4, 4, 4, 2, 1, 0.5, 0.25])


def test_a_checkpoint_goes_on_to_the_bit():
    arch = make("vectors")
    x = arch.inputs["x"].example(8)

    def train(arch: LTB) -> None:
        optimizer = torch.optim.SGD(arch.parameters(), lr=0.1)
        for _ in range(4):
            optimizer.zero_grad()
            sum(
                (f.sum(1) - k).square().mean() for k, f in enumerate(arch({"x": x}).values())
            ).backward()
            optimizer.step()

    arch.progress(0.7)
    train(arch)
    state, generator = copy.deepcopy(arch.state_dict()), torch.get_rng_state()
    train(arch)
    resumed = make("vectors", seed=1)
    resumed.load_state_dict(state)
    torch.set_rng_state(generator)
    train(resumed)
    assert any(theta.any() for theta in arch.thetas)
    for name, value in arch.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_what_was_learned_is_plain_data():
    arch = make("vectors")
    with torch.no_grad():
        for theta, likeliest in zip(arch.thetas, ([1, 1, 2], [0, 2, 2], [0, 1, 2, 1]), strict=True):
            theta[range(len(likeliest)), likeliest] = 1
    # Heads read columns 0, 1, 2, 1 of the last stage; these 0, 2, 2 of the second; these 1, 2.
    tree = {"a": [0, 0, 0], "b": [1, 1, 1], "c": [1, 1, 2], "d": [1, 1, 1]}
    assert json.loads(json.dumps(arch.learned())) == {"tree": tree}


def test_tasks_of_opposite_wishes_part_and_those_of_one_wish_stay():
    torch.manual_seed(0)
    values = {"warmup": 0.1, "initial_temperature": 5, "final_temperature": 0.5}
    spec, tasks = Dense((2,)), {"a": "x", "b": "x", "c": "x", "d": "x"}
    encoder = partial(MLP, hidden=[1], activation="tanh", dropout=0.0)
    arch = LTB(encoder, {"x": spec}, tasks, num_columns=2, **values)
    optimizer = torch.optim.Adam(arch.parameters(), lr=0.05)
    steps = 150
    for step in range(steps):
        x = torch.randn(32, 2)
        arch.progress(step / steps)
        features = arch({"x": x})
        wishes = dict(zip(tasks, x[:, [0, 1, 0, 1]].tanh().T, strict=True))
        optimizer.zero_grad()
        sum((features[t].squeeze(1) - wishes[t]).square().mean() for t in tasks).backward()
        optimizer.step()
    assert arch.learned() == {"tree": {"a": [0], "b": [1], "c": [0], "d": [1]}}


@pytest.mark.parametrize(
    "options",
    [
        {"num_columns": 0},
        {"num_columns": 2.0},
        {"warmup": -0.1},
        {"warmup": 1.0},
        {"warmup": "0.1"},
        {"initial_temperature": 0},
        {"initial_temperature": float("nan")},
        {"final_temperature": 0},
        {"final_temperature": 5},
    ],
)
def test_options_out_of_range_are_refused(options):
    [option] = options
    with pytest.raises(ValueError, match=rf"arch.{option} must be .*\n  found: .*\n  try:   arch"):
        make("vectors", **options)


def test_by_default_there_are_as_many_columns_as_tasks():
    assert [theta.shape for theta in make("vectors", num_columns=None).thetas] == [(4, 4)] * 3
