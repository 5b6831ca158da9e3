"""What inputs share of a trunk, and which tasks of an architecture get features."""

import pytest
import torch
from torch import Tensor, nn

from mtl_cli.arch.base import Architecture
from mtl_cli.arch.experts import expert_trunk
from mtl_cli.arch.trunk import Trunk
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import BagOfWords, Dense
from mtl_cli.encoder.base import Encoder
from mtl_cli.encoder.cnn import CNN
from mtl_cli.encoder.linear import Linear
from mtl_cli.encoder.mlp import MLP

VECTOR, LONGER, BAG = Dense((7,)), Dense((9,)), BagOfWords(11)
IMAGE, COLOUR, LARGER = Dense((1, 8, 8)), Dense((3, 8, 8)), Dense((1, 16, 16))


def mlp(spec):
    return MLP(spec, hidden=[6, 5, 4], activation="tanh", dropout=0.0)


def cnn(spec):
    return CNN(spec, [3, 2], 3, 5, 0.0)


def linear(spec):
    return Linear(spec, 5)


def pooled(spec):
    """A map of the image's size, its mean, and a linear map of that."""
    channels, height, width = spec.shape
    mean = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 3))
    stages = [nn.Conv2d(channels, 3, 1), mean, nn.Linear(3, 5)]
    return Encoder(stages, [(3, height, width), (3,), (5,)])


TRUNKS = [Trunk, lambda make, inputs: expert_trunk(make, inputs, num_experts=4)]


def parameters_of(features: Tensor, trunk: Trunk) -> set[int]:
    """The ids of the trunk's parameters that the features come from."""
    parameters = list(trunk.parameters())
    grads = torch.autograd.grad(features.sum(), parameters, allow_unused=True)
    return {id(p) for p, grad in zip(parameters, grads, strict=True) if grad is not None}


@pytest.mark.parametrize("make_trunk", TRUNKS, ids=["alone", "side by side"])
@pytest.mark.parametrize(
    ("make_encoder", "first", "second", "is_shared"),
    [
        (mlp, VECTOR, VECTOR, [True, True, True]),
        (mlp, VECTOR, LONGER, [False, True, True]),
        (mlp, VECTOR, BAG, [False, True, True]),
        (mlp, IMAGE, BAG, [False, True, True]),
        (linear, VECTOR, VECTOR, [True]),
        (linear, BAG, BAG, [True]),
        (cnn, IMAGE, IMAGE, [True, True, True]),
        (cnn, IMAGE, COLOUR, [False, True, True]),
        (cnn, IMAGE, Dense((1, 9, 9)), [False, True, True]),  # 9 pixels are halved to 4, as 8 are
        (pooled, IMAGE, LARGER, [False, False, True]),
    ],
)
def test_inputs_share_the_later_stages_whose_shapes_agree(
    make_encoder, first, second, is_shared, make_trunk
):
    trunk = make_trunk(make_encoder, {"x": first, "y.z": second})
    used = [
        parameters_of(trunk(spec.example(2), name), trunk)
        for name, spec in {"x": first, "y.z": second}.items()
    ]
    assert used[0] | used[1] == {id(p) for p in trunk.parameters()}
    for stage, expected in zip(trunk.stages, is_shared, strict=True):
        own = [{id(p) for p in stage.parameters()} & ids for ids in used]
        assert all(own)
        assert own[0] == own[1] if expected else own[0].isdisjoint(own[1])


@pytest.mark.parametrize("make_trunk", TRUNKS, ids=["alone", "side by side"])
@pytest.mark.parametrize(
    ("make_encoder", "first", "second"),
    [(linear, VECTOR, LONGER), (linear, VECTOR, BAG), (cnn, IMAGE, LARGER)],
)
def test_inputs_that_can_share_no_stage_are_refused(make_encoder, first, second, make_trunk):
    with pytest.raises(Problem) as error:
        make_trunk(make_encoder, {"left": first, "right": second})
    thing, found, fix = str(error.value).splitlines()
    assert thing.startswith("encoder needs a stage after the first")
    assert found == f"  found: left: {first}, right: {second}"
    assert "arch=single_task" in fix


@pytest.mark.parametrize(("make_encoder", "spec"), [(mlp, VECTOR), (mlp, BAG), (cnn, IMAGE)])
def test_a_trunk_gives_what_its_encoders_give(make_encoder, spec):
    encoders = [make_encoder(spec) for _ in range(3)]
    x = spec.example(4)
    expected = torch.stack([encoder(x) for encoder in encoders])
    left = iter(encoders)
    side_by_side = expert_trunk(lambda _: next(left), {"x": spec}, 3)
    torch.testing.assert_close(side_by_side(x, "x"), expected)
    torch.testing.assert_close(Trunk(lambda _: encoders[0], {"x": spec})(x, "x"), expected[0])
    for trunk in (side_by_side, Trunk(make_encoder, {"x": spec})):
        assert trunk.out_shapes == {"x": encoders[0].out_shape}


class Echo(Architecture):
    """Features that say which input and which tasks were encoded together."""

    def __init__(self, tasks):
        super().__init__(dict.fromkeys(tasks.values(), VECTOR), tasks)
        self.calls = []

    def encode(self, x, input, tasks):
        self.calls.append((input, tasks))
        return {task: self.mark_representation(x) for task in tasks}


@pytest.mark.parametrize(
    ("present", "asked", "expected", "calls"),
    [
        (["x", "y"], None, ["a", "b", "c"], [("x", ["a", "c"]), ("y", ["b"])]),
        (["y", "x"], None, ["a", "b", "c"], [("y", ["b"]), ("x", ["a", "c"])]),
        (["x"], None, ["a", "c"], [("x", ["a", "c"])]),
        (["x", "y"], ["c", "b"], ["b", "c"], [("x", ["c"]), ("y", ["b"])]),
        (["y"], ["a"], [], []),
        (["x", "y"], [], [], []),
        ([], None, [], []),
    ],
)
def test_only_tasks_that_are_asked_and_whose_input_is_there_are_encoded(
    present, asked, expected, calls
):
    arch = Echo({"a": "x", "b": "y", "c": "x"})
    features = arch({name: torch.zeros(2, 7) for name in present}, asked)
    assert list(features) == expected
    assert arch.calls == calls


def test_representations_are_those_of_the_last_forward_pass_with_gradients():
    arch, x = Echo({"a": "x", "b": "y"}), torch.zeros(2, 7)
    arch({"x": x, "y": x})
    assert len(arch.representations) == 2
    arch({"x": x})
    assert len(arch.representations) == 1
    with torch.no_grad():
        arch({"x": x, "y": x})
    assert arch.representations == []
