"""Which tasks a parameter belongs to and which belong together, found without leaving a trace."""

from functools import partial

import pytest
import torch
from torch import nn

from mtl_cli.arch.base import Architecture
from mtl_cli.arch.cross_stitch import CrossStitch
from mtl_cli.arch.hps import HPS
from mtl_cli.arch.mmoe import MMoE
from mtl_cli.arch.single_task import SingleTask
from mtl_cli.basis.inputs import Dense, Joined
from mtl_cli.encoder.base import Encoder
from mtl_cli.encoder.joined import Joined as JoinedEncoder
from mtl_cli.encoder.mlp import MLP
from mtl_cli.model.model import Model

SPEC = Dense((7,))
AWKWARD = ["type", "keys", "a.b", "items", "forward", "training", "weight", "a b", "ä-1", "0"]


def mlp(spec):
    return MLP(spec, hidden=[6, 5], activation="relu", dropout=0.0)


class Normalised(Encoder):
    """An encoder with state beside its parameters, and random numbers of its own."""

    reads = (Dense,)

    def __init__(self, spec):
        first = nn.Sequential(spec.linear(6), nn.BatchNorm1d(6), nn.Dropout(0.5))
        super().__init__([first, nn.BatchNorm1d(6)], [(6,), (6,)])


MAKERS = {
    "single_task": SingleTask,
    "hps": HPS,
    "mmoe": lambda *args: MMoE(*args, num_experts=4, gate_bias=True, one_gate=False),
    "cross_stitch": lambda *args: CrossStitch(*args, self_weight=0.9),
}


@pytest.fixture
def make_model(make_tasks):
    def make(arch, reads, make_encoder=mlp):
        inputs = dict.fromkeys(reads.values(), SPEC)
        return Model(MAKERS[arch](make_encoder, inputs, reads), make_tasks(reads))

    return make


def names(model, parameters):
    """The parameters' names."""
    known = {id(p): name for name, p in model.named_parameters()}
    return {known[id(p)] for p in parameters}


class Chain(Architecture):
    """Tasks a and b share one matrix, b and c another; d stands alone; one serves nobody."""

    def __init__(self):
        super().__init__({"x": SPEC}, dict.fromkeys("abcd", "x"))
        self.maps = nn.ModuleDict({key: nn.Linear(7, 5) for key in ("ab", "bc", "d", "idle")})
        self.out_shapes = dict.fromkeys("abcd", (5,))

    def encode(self, x, input, tasks):
        parts = {"a": ["ab"], "b": ["ab", "bc"], "c": ["bc"], "d": ["d"]}
        return {task: sum(self.maps[key](x) for key in parts[task]) for task in tasks}


def test_tasks_that_a_chain_of_shared_parameters_connects_are_one_group(make_tasks):
    model = Model(Chain(), make_tasks(dict.fromkeys("abcd", "x")))
    chain, alone = model.groups()
    assert chain.tasks == ["a", "b", "c"]
    assert alone.tasks == ["d"]
    weights = {f"arch.maps.{key}.{name}" for key in ("ab", "bc") for name in ("weight", "bias")}
    assert names(model, chain.shared) == weights
    heads = {f"heads.{task}.{name}" for task in "abc" for name in ("weight", "bias")}
    assert names(model, chain.specific) == heads
    assert alone.shared == []


def test_each_parameter_knows_the_tasks_that_reach_it(make_tasks):
    reached = Model(Chain(), make_tasks(dict.fromkeys("abcd", "x"))).reached()
    by_map = {
        name.split(".")[2]: "".join(sorted(reached[name])) for name in reached if "maps" in name
    }
    assert by_map == {"ab": "ab", "bc": "bc", "d": "d", "idle": ""}
    for name, tasks in reached.items():
        if name.startswith("heads."):
            assert tasks == {name.split(".")[1]}


@pytest.mark.parametrize("num_inputs", [1, 2])
@pytest.mark.parametrize("make_encoder", [mlp, Normalised])
@pytest.mark.parametrize(
    ("arch", "num_groups"), [("single_task", 3), ("hps", 1), ("mmoe", 1), ("cross_stitch", 1)]
)
def test_groups_part_tasks_parameters_and_state_without_rest(
    make_model, arch, num_groups, make_encoder, num_inputs
):
    reads = {"a": "x", "type": f"x{num_inputs}", "c": "x"}
    model = make_model(arch, reads, make_encoder)
    groups = model.groups()
    assert len(groups) == num_groups
    assert [task for group in groups for task in group.tasks] == list(reads)
    parameters = [id(p) for group in groups for p in group.parameters]
    assert sorted(parameters) == sorted(id(p) for p in model.parameters())
    state = [name for group in groups for name in group.state_names]
    assert sorted(state) == sorted(model.state_dict())
    shared = {id(p) for p in model.shared_parameters()}
    assert {id(p) for group in groups for p in group.shared} == shared


def test_a_buffer_belongs_to_the_tasks_whose_examples_pass_it(make_model):
    """Batch norm's statistics change in training with the tasks of their group alone."""
    model = make_model("single_task", {"a": "x", "b": "x"}, Normalised).train()
    for group in model.groups():
        before = {name: value.clone() for name, value in model.state_dict().items()}
        model({"x": SPEC.example(8)}, group.tasks)
        after = model.state_dict()
        changed = {name for name in before if not torch.equal(before[name], after[name])}
        assert len(changed) == 6  # mean, variance and count of two layers
        assert changed <= set(group.state_names)


def test_a_standardised_target_belongs_to_its_task(make_model):
    model = make_model("hps", {"a": "x", "b": "x"})
    assert {name for name in model.state_dict() if "task_modules" in name} == {
        "task_modules.a.mean",
        "task_modules.a.scale",
    }
    single = make_model("single_task", {"b": "x", "a": "x", "c": "x", "d": "x"})
    for group in single.groups():
        for name in group.state_names:
            assert name.split(".")[1] in group.tasks or name.split(".")[2] in group.tasks


@pytest.mark.parametrize("is_training", [True, False])
@pytest.mark.parametrize("grad_enabled", [True, False])
@pytest.mark.parametrize("arch", MAKERS)
def test_finding_what_is_reached_leaves_no_trace(make_model, arch, is_training, grad_enabled):
    model = make_model(arch, {"a": "x", "b": "x"}, Normalised).train(is_training)
    modes = [module.training for module in model.modules()]
    state = {name: value.clone() for name, value in model.state_dict().items()}
    generator = torch.get_rng_state()
    with torch.set_grad_enabled(grad_enabled):
        model.groups()
        assert torch.is_grad_enabled() == grad_enabled
    assert torch.equal(torch.get_rng_state(), generator)
    assert [module.training for module in model.modules()] == modes
    assert model.representations == []
    assert all(p.grad is None for p in model.parameters())
    for name, value in model.state_dict().items():
        assert torch.equal(value, state[name]), name


def test_a_layer_that_is_frozen_by_itself_stays_so(make_model):
    model = make_model("single_task", {"a": "x", "b": "x"}, Normalised).train()
    layers = [module for module in model.modules() if isinstance(module, nn.BatchNorm1d)]
    layers[0].eval()
    model.reached()
    assert [layer.training for layer in layers] == [False, True, True, True]


class Scaled(Encoder):
    """Features times a buffer, which the backward pass needs as the forward pass saw it."""

    class Scale(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("factor", torch.full((6,), 2.0))

        def forward(self, x):
            return x * self.factor

    def __init__(self, spec):
        super().__init__([spec.linear(6), self.Scale()], [(6,), (6,)])


def test_shared_parameters_may_be_asked_for_between_the_passes(make_model):
    model = make_model("hps", {"a": "x", "b": "x"}, Scaled)
    total = sum(output.sum() for output in model({"x": SPEC.example(4)}).values())
    shared = model.shared_parameters()
    total.backward()
    assert all(parameter.grad is not None for parameter in shared)


def test_zero_shared_grad_forgets_the_shared_gradients_only(make_model):
    model = make_model("mmoe", {"a": "x", "b": "x"})
    sum(output.sum() for output in model({"x": SPEC.example(4)}).values()).backward()
    specific = [p.grad.clone() for p in model.specific_parameters()]
    model.zero_shared_grad()
    assert all(p.grad is None for p in model.shared_parameters())
    for parameter, grad in zip(model.specific_parameters(), specific, strict=True):
        assert torch.equal(parameter.grad, grad)


@pytest.mark.parametrize(
    ("arch", "num_tensors"), [("hps", 1), ("mmoe", 1), ("single_task", 0), ("cross_stitch", 0)]
)
@pytest.mark.parametrize("num_inputs", [1, 2])
def test_there_is_a_representation_for_an_input_where_its_tasks_part(
    make_model, arch, num_tensors, num_inputs
):
    model = make_model(arch, {"a": "x", "b": "x" if num_inputs == 1 else "y"})
    model({name: SPEC.example(4) for name in model.arch.inputs})
    assert len(model.representations) == num_tensors * num_inputs


@pytest.mark.parametrize("arch", MAKERS)
@pytest.mark.parametrize("per_task", [False, True])
def test_tasks_and_inputs_may_have_any_name(make_model, arch, per_task):
    reads = {name: name if per_task else "type" for name in AWKWARD}
    model = make_model(arch, reads)
    outputs = model({name: SPEC.example(3) for name in reads.values()})
    assert list(outputs) == list(model.tasks) == AWKWARD
    assert all(len(tasks) >= 1 for tasks in model.reached().values())
    other = make_model(arch, reads)
    other.load_state_dict(model.state_dict())


def test_every_task_of_a_group_reaches_its_last_shared_layer(cases):
    tried = [case for case in cases if (case.encoder, case.kind) == ("mlp", Dense)]
    assert len(tried) >= 30
    for case in tried:
        model = case.model()
        for group in model.groups():
            last = {id(p) for p in group.last_shared}
            assert last <= {id(p) for p in group.shared}
            assert bool(last) == bool(group.shared)
            reached = {
                n: tasks for n, tasks in model.reached().items() if n in names_of(model, last)
            }
            assert not last or set.union(*map(set, reached.values())) == set(group.tasks)


def names_of(model, ids):
    return {name for name, p in model.named_parameters() if id(p) in ids}


@pytest.mark.parametrize(
    ("arch", "layer"),
    [
        ("hps", "arch.trunk.stages.1.0.0"),
        ("mmoe", "arch.experts.stages.1.0.0"),
        ("cross_stitch", "arch.columns.stages.1.0.0"),
    ],
)
def test_the_last_shared_layer_is_that_of_the_encoders_last_stage(make_model, arch, layer):
    model = make_model(arch, {"a": "x", "b": "x"})
    expected = {f"{layer}.weight", f"{layer}.bias"}
    assert names(model, model.last_shared_parameters()) == expected


def test_a_gate_that_all_tasks_share_is_no_layer_of_theirs(make_tasks):
    reads = {"a": "x", "b": "x"}
    arch = MMoE(mlp, {"x": SPEC}, reads, num_experts=2, gate_bias=True, one_gate=True)
    model = Model(arch, make_tasks(reads))
    assert all("experts" in name for name in names(model, model.last_shared_parameters()))


def test_a_batch_norm_after_a_layer_is_not_the_last_one(make_model):
    model = make_model("hps", {"a": "x", "b": "x"}, Normalised)
    expected = {"arch.trunk.stages.0.0.0.weight", "arch.trunk.stages.0.0.0.bias"}
    assert names(model, model.last_shared_parameters()) == expected


def test_where_the_tasks_layers_differ_the_last_one_of_each_counts(make_tasks):
    model = Model(Chain(), make_tasks(dict.fromkeys("abcd", "x")))
    chain, alone = model.groups()
    weights = {f"arch.maps.{key}.{name}" for key in ("ab", "bc") for name in ("weight", "bias")}
    assert names(model, chain.last_shared) == weights
    assert alone.last_shared == []


def test_of_layers_side_by_side_each_counts(make_model):
    """Experts that no kernel computes at once are looped over."""
    model = make_model("mmoe", {"a": "x", "b": "x"}, Normalised)
    owners = {name.split("copies.")[1][0] for name in names(model, model.last_shared_parameters())}
    assert owners == {"0", "1", "2", "3"}


def test_of_the_parts_of_a_joined_input_each_counts(make_tasks):
    own = partial(MLP, hidden=[6, 5], activation="relu", dropout=0.0)
    parts = {"row": own, "picture": own}
    spec = Joined((("row", SPEC), ("picture", Dense((3,)))))
    reads = {"a": "x", "b": "x"}
    arch = HPS(lambda spec: JoinedEncoder(spec, parts, "concat"), {"x": spec}, reads)
    model = Model(arch, make_tasks(reads))
    last = names(model, model.last_shared_parameters())
    assert {name.split("parts.")[1].split(".")[0] for name in last} == {"row", "picture"}
    assert len(last) == 4


def test_a_frozen_layer_is_not_the_last_one(make_model):
    model = make_model("hps", {"a": "x", "b": "x"})
    for parameter in model.last_shared_parameters():
        parameter.requires_grad = False
    assert all(".stages.0." in name for name in names(model, model.last_shared_parameters()))
