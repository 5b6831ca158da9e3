"""PLE against plain loops over modules, and the cases in which it is something simpler."""

import copy
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from torch import Tensor, nn

from mtl_cli.arch.cgc import CGC
from mtl_cli.arch.loop import Loop
from mtl_cli.arch.ple import PLE
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import BagOfWords, Dense, Tokens
from mtl_cli.encoder.base import Encoder
from mtl_cli.encoder.cnn import CNN
from mtl_cli.encoder.mlp import MLP
from mtl_cli.encoder.text_cnn import TextCNN

pytestmark = pytest.mark.usefixtures("double_precision")
CONF = Path(__file__).parent.parent.parent / "conf"
TASKS = {"a": "x", "b": "x", "c": "x"}


def mlp(spec):
    return MLP(spec, hidden=[5, 4, 6], activation="tanh", dropout=0.0)


def cnn(spec):
    return CNN(spec, channels=[3, 4], kernel_size=3, out_features=5, dropout=0.0)


def convolutions(spec):
    """A CNN whose features are a map [C, H, W]."""
    encoder = cnn(spec)
    del encoder.stages[-1], encoder.shapes[-1]
    return encoder


def make(make_encoder=mlp, inputs=None, tasks=TASKS, **options) -> PLE:
    inputs = inputs or {"x": Dense((4,))}
    defaults = {"num_levels": 2, "num_shared_experts": 3, "num_task_experts": 2, "gate_bias": True}
    return PLE(make_encoder, inputs, tasks, **defaults | options)


def copies(stacked: nn.Module, grad: bool = False) -> list[list[Tensor]]:
    """The parameters of each of the modules that a stack holds, or their gradients."""
    if isinstance(stacked, Loop):
        found = [list(module.parameters()) for module in stacked.copies]
        return [[p.grad for p in module] for module in found] if grad else found
    parameters = [p.grad if grad else p for p in stacked.parameters()]
    return [list(slices) for slices in zip(*parameters, strict=True)]


def assert_same(ours: list[Tensor], reference: list[Tensor]) -> None:
    assert len(ours) == len(reference)
    for a, b in zip(ours, reference, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)


class PlainPLE(nn.Module):
    """Equations 5 and 6 of the paper, expert by expert, with copies of the weights of ``ple``.

    Args:
        encoders: the shared experts, then those of each task; the tasks in order of ``counts``.
        levels: the stages of each level.
        counts: how many experts each task has.
    """

    def __init__(self, ple: PLE, encoders: list[Encoder], levels, counts: dict[str, int]) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(encoders)
        self.levels = levels
        last = len(encoders) - sum(counts.values())
        self.shared, self.own = range(last), {}
        for task, count in counts.items():
            self.own[task] = range(last, last + count)
            last += count
        self.task_gates, self.shared_gates = [], []  # as weight and bias, by level
        for level in ple.levels:
            gates = {}
            for part in level.tasks:
                stacked = copies(part.gates.linears.choices[0])
                gates |= zip(part.tasks, stacked, strict=True)
            everything = [] if level.gate is None else copies(level.gate.linears.choices[0])[0]
            self.task_gates.append({task: self.keep(gates[task]) for task in counts})
            self.shared_gates.append(self.keep(everything))

    def keep(self, values: list[Tensor]) -> list[Tensor]:
        return [value.detach().clone().requires_grad_() for value in values]

    def expert(self, i: int, level: range, x: Tensor) -> Tensor:
        for s in level:
            x = self.encoders[i].stages[s](x)
        return x

    def weigh(self, gate: list[Tensor], x: Tensor, experts: list[Tensor], level: int) -> Tensor:
        reading = x.mean((2, 3)) if level and x.dim() == 4 else x.flatten(1)
        weights = (reading @ gate[0].T + gate[1]).softmax(1)  # [B, E]
        assert weights.shape[1] == len(experts)
        total = torch.zeros(())
        for weight, features in zip(weights.T, experts, strict=True):
            total = total + weight.view(-1, *[1] * (features.dim() - 1)) * features
        return total

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        shared, own = x, dict.fromkeys(self.own, x)
        for i, level in enumerate(self.levels):
            common = [self.expert(e, level, shared) for e in self.shared]
            extracted = {
                task: [self.expert(e, level, own[task]) for e in experts]
                for task, experts in self.own.items()
            }
            own = {
                task: self.weigh(self.task_gates[i][task], own[task], extracted[task] + common, i)
                for task in own
            }
            if level != self.levels[-1]:
                everyone = common + [e for experts in extracted.values() for e in experts]
                shared = self.weigh(self.shared_gates[i], shared, everyone, i)
        return own


CASES = {  # encoder, input, num_task_experts, and then the stages of each level and {task: experts}
    "one level": (mlp, (4,), 2, [[0, 1, 2]], {"a": 2, "b": 2, "c": 2}),
    "two levels": (mlp, (4,), 2, [[0], [1, 2]], {"a": 2, "b": 2, "c": 2}),
    "three levels": (mlp, (4,), 2, [[0], [1], [2]], {"a": 2, "b": 2, "c": 2}),
    "a list": (mlp, (4,), [2, 0, 2], [[0], [1], [2]], {"a": 2, "c": 2, "b": 0}),
    "a mapping": (mlp, (4,), {"c": 1, "a": 3, "b": 1}, [[0], [1, 2]], {"a": 3, "b": 1, "c": 1}),
    "maps": (cnn, (2, 8, 8), 2, [[0], [1], [2]], {"a": 2, "b": 2, "c": 2}),
    "maps to the end": (convolutions, (2, 8, 8), 1, [[0], [1]], {"a": 1, "b": 1, "c": 1}),
}


@pytest.mark.parametrize(
    ("make_encoder", "shape", "num_task_experts", "levels", "counts"), CASES.values(), ids=CASES
)
@pytest.mark.parametrize("batch_size", [7, 2048])  # large batches are laid out differently
def test_outputs_and_gradients_are_those_of_a_plain_loop(
    make_encoder, shape, num_task_experts, levels, counts, batch_size
):
    torch.manual_seed(0)
    made = []

    def make_and_note(spec):
        encoder = make_encoder(spec)
        made.append(copy.deepcopy(encoder))
        return encoder

    options = {"num_levels": len(levels), "num_task_experts": num_task_experts}
    ple = make(make_and_note, {"x": Dense(shape)}, **options)
    plain = PlainPLE(ple, made, levels, counts)
    x = torch.randn(batch_size, *shape, requires_grad=True)
    expected = plain(x)
    outputs = ple({"x": x})
    assert list(outputs) == list(TASKS)
    directions = {task: torch.randn_like(out) for task, out in outputs.items()}
    grads = []
    for features in (outputs, expected):
        x.grad = None
        sum((features[task] * directions[task]).sum() for task in TASKS).backward()
        grads.append(x.grad)
    assert_same([outputs[task] for task in TASKS], [expected[task] for task in TASKS])
    assert_same(grads[:1], grads[1:])
    for i, stages in enumerate(levels):
        level = ple.levels[i]
        for j, s in enumerate(stages):
            columns = [level.shared, *(part.experts for part in level.tasks if part.experts)]
            ours = [grad for c in columns for grad in copies(c.stages[j].choices[0], grad=True)]
            for found, encoder in zip(ours, plain.encoders, strict=True):
                assert_same(found, [p.grad for p in encoder.stages[s].parameters()])
        for part in level.tasks:
            found = copies(part.gates.linears.choices[0], grad=True)
            for task, grad in zip(part.tasks, found, strict=True):
                assert_same(grad, [p.grad for p in plain.task_gates[i][task]])
        if level.gate is not None:
            (grad,) = copies(level.gate.linears.choices[0], grad=True)
            assert_same(grad, [p.grad for p in plain.shared_gates[i]])


def test_one_level_is_cgc():
    ple = make(num_levels=1)
    cgc = CGC(mlp, {"x": Dense((4,))}, TASKS, 3, 2, True)
    state = {name.replace("levels.0.", "level."): p for name, p in ple.state_dict().items()}
    cgc.load_state_dict(state)
    x = torch.randn(5, 4)
    for ours, other in zip(ple({"x": x}).values(), cgc({"x": x}).values(), strict=True):
        assert torch.equal(ours, other)


@pytest.mark.parametrize(("hidden", "levels"), [([5], 1), ([5, 4], 2), ([5, 4, 6], 2)])
def test_there_are_two_levels_where_the_encoder_has_two_stages(hidden, levels):
    ple = make(lambda spec: MLP(spec, hidden, "relu", 0.0), num_levels=None)
    assert len(ple.levels) == levels


def test_every_level_but_the_last_has_a_shared_gate():
    num_levels, widths = 3, [4, 5, 4, 6]
    ple = make(num_levels=num_levels)
    assert [level.gate is not None for level in ple.levels] == [True, True, False]
    expected = 0
    for level, (before, after) in enumerate(pairwise(widths)):
        experts = 3 + 3 * 2
        gates = 3 * (3 + 2) + (level < num_levels - 1) * experts
        expected += experts * (before + 1) * after + gates * (before + 1)
    assert sum(p.numel() for p in ple.parameters()) == expected


@pytest.mark.parametrize(("tasks", "last"), [(["a", "b", "c"], 9), (["b"], 5)])
def test_an_expert_runs_once_a_level_and_at_the_last_only_for_its_tasks(tasks, last):
    calls = []

    class Counted(nn.Linear):
        def forward(self, x):
            calls.append(self.out_features)
            return super().forward(x)

    def make_encoder(spec):
        return Encoder([Counted(4, 6), Counted(6, 5)], [(6,), (5,)])

    make(make_encoder)({"x": torch.randn(3, 4)}, tasks)
    assert calls == [6] * 9 + [5] * last  # of three shared and two of each task


@pytest.mark.parametrize("num_levels", [1, 2, 3])
@pytest.mark.parametrize("tasks", [["b"], ["a", "c"]])
def test_some_tasks_give_what_they_give_among_all(num_levels, tasks):
    ple = make(num_levels=num_levels, num_task_experts=[2, 1, 2])
    x = {"x": torch.randn(5, 4)}
    among_all = ple(x)
    assert_same(list(ple(x, tasks).values()), [among_all[task] for task in tasks])


@pytest.mark.parametrize("num_levels", [1, 2, 3])
def test_several_inputs_of_one_spec_each_give_what_one_input_gives(num_levels):
    options = {"num_levels": num_levels, "num_task_experts": {"a": 2, "b": 1}}
    one = make(tasks={"a": "x", "b": "x"}, **options)
    inputs = {"left": Dense((4,)), "right": Dense((4,))}
    two = make(inputs=inputs, tasks={"a": "left", "b": "right"}, **options)
    with torch.no_grad():
        for ours, other in zip(two.parameters(), one.parameters(), strict=True):
            ours.copy_(other)
    left, right = torch.randn(2, 5, 4)
    outputs = two({"left": left, "right": right})
    assert_same([outputs["a"]], [one({"x": left})["a"]])
    assert_same([outputs["b"]], [one({"x": right})["b"]])


def test_a_bag_of_words_gives_what_its_counts_give():
    words, counts = make(inputs={"x": BagOfWords(9)}), make(inputs={"x": Dense((9,))})
    with torch.no_grad():
        for ours, other in zip(words.parameters(), counts.parameters(), strict=True):
            ours.copy_(other if ours.shape == other.shape else other.permute(2, 0, 1))
    bag = BagOfWords(9).example(5)
    dense = torch.zeros(5, 9).index_put_(
        (torch.arange(20) // 4, bag.indices), bag.weights.double(), accumulate=True
    )
    assert_same(list(words({"x": bag}).values()), list(counts({"x": dense}).values()))


def test_the_padding_of_a_text_changes_nothing():
    spec = Tokens(vocabulary_size=11, length=8)
    ple = make(lambda spec: TextCNN(spec, 4, [2, 3], 3, 0.0), {"x": spec})
    text = torch.randint(1, 11, (5, 8))
    text[:, 5:] = 0
    for task, features in ple({"x": text}).items():
        assert_same([features], [ple({"x": text[:, :5]})[task]])


def test_the_tasks_part_at_the_shared_experts_of_a_single_level():
    x = {"x": torch.randn(5, 4)}
    one, two = make(num_levels=1), make(num_levels=2)
    one(x), two(x)
    assert [tuple(features.shape) for features in one.representations] == [(3, 5, 6)]
    assert two.representations == []


@pytest.mark.parametrize(
    ("options", "thing"),
    [
        ({"num_levels": 4}, "arch.num_levels"),
        ({"num_levels": 0}, "arch.num_levels"),
        ({"num_shared_experts": 0}, "arch.num_shared_experts"),
        ({"num_task_experts": -1}, "arch.num_task_experts"),
        ({"num_task_experts": 1.5}, "arch.num_task_experts"),
        ({"num_task_experts": [1, 2]}, "arch.num_task_experts"),
        ({"num_task_experts": [1, 2, "many"]}, "arch.num_task_experts of c"),
        ({"num_task_experts": {"a": 1, "b": 1}}, "arch.num_task_experts"),
        ({"num_task_experts": {"a": 1, "b": 1, "d": 1}}, "arch.num_task_experts"),
        ({"gate_bias": "yes"}, "arch.gate_bias"),
    ],
)
def test_an_option_that_cannot_be_is_refused(options, thing):
    with pytest.raises(Problem) as error:
        make(**options)
    rule, found, fix = str(error.value).splitlines()
    assert rule.startswith(f"{thing} must ")
    assert found.startswith("  found: ")
    assert "arch." in fix


def test_the_notebook_has_858_parameters():
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("train", ["experiment=sincos_notebook_ple"])
    encoder, make_arch, head = (
        instantiate(cfg[part], _convert_="all") for part in ("encoder", "arch", "head")
    )
    arch = make_arch(
        make_encoder=encoder, inputs={"x": Dense((1,))}, tasks=dict.fromkeys(cfg.tasks, "x")
    )
    heads = [head(shape, 1) for shape in arch.out_shapes.values()]
    assert len(arch.levels) == 1
    assert sum(p.numel() for module in (arch, *heads) for p in module.parameters()) == 858
