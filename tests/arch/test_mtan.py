from functools import partial

import pytest
import torch
from torch import Tensor, nn

from mtl_cli.arch.hps import HPS
from mtl_cli.arch.mtan import MTAN
from mtl_cli.arch.refiners import refiner
from mtl_cli.basis.inputs import BagOfWords, Dense, Tokens
from mtl_cli.encoder.base import Encoder
from mtl_cli.encoder.cnn import CNN
from mtl_cli.encoder.mlp import MLP
from mtl_cli.encoder.text_cnn import TextCNN

MLP_3 = partial(MLP, hidden=[6, 5, 7], activation="tanh", dropout=0.0)
CNN_3 = partial(CNN, channels=[3, 4], kernel_size=3, out_features=6, dropout=0.0)
TASKS = {"a": "x", "b": "x", "c": "x"}


class Reshape(nn.Module):
    """A linear map from any shape to any other."""

    def __init__(self, shape: tuple[int, ...], to: tuple[int, ...]) -> None:
        super().__init__()
        self.linear = nn.Linear(torch.Size(shape).numel(), torch.Size(to).numel())
        self.to_shape = to

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.flatten(1)).unflatten(1, self.to_shape)


class Shapes(Encoder):
    """Stages of given shapes."""

    reads = (Dense,)

    def __init__(self, spec: Dense, shapes: list[tuple[int, ...]]) -> None:
        steps = zip([spec.shape, *shapes], shapes, strict=False)
        super().__init__([Reshape(*step) for step in steps], shapes)


# A map that shrinks unevenly, stays, becomes a vector, stays one, becomes a map, and grows.
ODD = partial(Shapes, shapes=[(3, 7, 5), (4, 3, 4), (4, 3, 4), (5,), (6,), (2, 3, 2), (3, 5, 3)])
TEXT = partial(Shapes, shapes=[(3, 9), (4, 4), (5,)])
ENCODERS = {
    "vectors": (MLP_3, Dense((4,))),
    "words": (MLP_3, BagOfWords(9)),
    "maps": (CNN_3, Dense((2, 9, 7))),
    "odd": (ODD, Dense((4,))),
    "sequences": (TEXT, Dense((4,))),
    "one stage": (partial(MLP, hidden=[6], activation="relu", dropout=0.0), Dense((4,))),
}


def make(name: str, reduction: int = 1) -> MTAN:
    torch.manual_seed(0)
    make_encoder, spec = ENCODERS[name]
    return MTAN(make_encoder, {"x": spec}, TASKS, reduction)


def channel_map(weight: Tensor, bias: Tensor, x: Tensor) -> Tensor:
    """A 1x1 convolution, or a linear map of a vector."""
    if x.dim() == 2:
        return nn.functional.linear(x, weight, bias)
    convolve = [nn.functional.conv1d, nn.functional.conv2d][x.dim() - 3]
    return convolve(x, weight[(...,) + (None,) * (x.dim() - 2)], bias)


def by_the_paper(arch: MTAN, x: Tensor) -> list[Tensor]:
    """Equations 1 and 2, a task after the other."""
    features = []
    for k in range(len(TASKS)):
        p, attended = x, None
        for s, attentions in enumerate(arch.attentions):
            p = arch.trunk.stages[s][0](p)
            own = attentions["x"]
            weight, read = own.of_shared.weight[k], p
            if attended is not None:
                read = torch.cat([p, arch.refiners[s - 1][0](attended)], 1)
                weight = torch.cat([weight, own.of_refined.weight[k]], 1)
            hidden = channel_map(weight, own.of_shared.bias[k], read).relu()
            attended = channel_map(own.out.weight[k], own.out.bias[k], hidden).sigmoid() * p
        features.append(attended)
    return features


@pytest.mark.parametrize("reduction", [1, 4])
@pytest.mark.parametrize("name", ENCODERS)
def test_it_is_the_papers_equations_task_by_task(name, reduction):
    arch = make(name, reduction)
    x = arch.inputs["x"].example(3)
    ours, theirs = list(arch({"x": x}).values()), by_the_paper(arch, x)
    parameters = list(arch.parameters())
    noise = [torch.randn_like(feature) for feature in theirs]
    grads = [torch.autograd.grad(f, parameters, noise) for f in (ours, theirs)]
    for a, b in zip([*ours, *grads[0]], [*theirs, *grads[1]], strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ENCODERS)
def test_masks_of_one_are_hard_sharing(name):
    arch = make(name)
    for attention in arch.attentions:
        nn.init.zeros_(attention["x"].out.weight)
        nn.init.constant_(attention["x"].out.bias, 100.0)
    torch.manual_seed(0)
    make_encoder, spec = ENCODERS[name]
    hps = HPS(make_encoder, {"x": spec}, TASKS)
    x = spec.example(3)
    expected = hps({"x": x})
    for task, features in arch({"x": x}).items():
        torch.testing.assert_close(features, expected[task], rtol=0, atol=0)
        assert arch.out_shapes[task] == hps.out_shapes[task]


@pytest.mark.parametrize("name", ENCODERS)
def test_an_attention_changes_its_own_task_alone(name):
    arch = make(name)
    x = arch.inputs["x"].example(3)
    before = arch({"x": x})
    with torch.no_grad():
        for parameter in arch.stacked_over_tasks():
            parameter[1] += 1
    after = arch({"x": x})
    assert torch.equal(after["a"], before["a"])
    assert torch.equal(after["c"], before["c"])
    assert not torch.allclose(after["b"], before["b"])


@pytest.mark.parametrize("name", ENCODERS)
def test_some_tasks_get_what_all_would_get(name):
    arch = make(name)
    x = arch.inputs["x"].example(3)
    whole, part = arch({"x": x}), arch({"x": x}, ["c", "a"])
    assert list(part) == ["a", "c"]
    for task, features in part.items():
        torch.testing.assert_close(features, whole[task])


@pytest.mark.parametrize("name", ENCODERS)
def test_a_batch_of_one_trains(name):
    arch = make(name).train()
    sum(f.sum() for f in arch({"x": arch.inputs["x"].example(1)}).values()).backward()
    assert all(parameter.grad is not None for parameter in arch.parameters())


@pytest.mark.parametrize("name", ENCODERS)
def test_nothing_is_refined_after_the_last_stage(name):
    arch = make(name)
    assert len(arch.refiners) == len(arch.attentions) - 1 == arch.trunk.num_stages - 1


@pytest.mark.parametrize("to", [(5,), (5, 1), (5, 4), (5, 9), (5, 1, 1), (5, 4, 3), (5, 7, 8)])
@pytest.mark.parametrize("shape", [(2,), (2, 1), (2, 8), (2, 7, 7), (2, 8, 6), (2, 9, 2)])
def test_a_refiner_brings_any_shape_to_any_other(shape, to):
    assert refiner(shape, to)(torch.randn(3, *shape)).shape == (3, *to)


def test_a_map_half_as_large_is_pooled_by_two():
    refine = refiner((2, 8, 6), (5, 4, 3))
    x = torch.randn(3, 2, 8, 6)
    convolved = nn.functional.conv2d(x, refine[0].weight, refine[0].bias, padding=1)
    assert torch.equal(refine(x), nn.functional.max_pool2d(convolved.relu(), 2))


def test_padding_that_is_cut_off_changes_nothing():
    torch.manual_seed(0)
    encoder = partial(TextCNN, embedding_dim=4, widths=[2, 3], channels=3, dropout=0.0)
    arch = MTAN(encoder, {"x": Tokens(9, 8)}, TASKS, 1)
    words = torch.tensor([[3, 1, 4, 1, 5, 0, 0, 0], [2, 7, 0, 0, 0, 0, 0, 0]])
    whole, cut = arch({"x": words}), arch({"x": words[:, :5]})
    for task in TASKS:
        torch.testing.assert_close(whole[task], cut[task])


def test_inputs_of_different_specs_share_a_refiner_where_their_shapes_agree():
    inputs = {"x": Dense((4,)), "y": Dense((6,))}
    arch = MTAN(MLP_3, inputs, {"a": "x", "b": "y"}, 1)
    assert [len(refiners) for refiners in arch.refiners] == [1, 1]


@pytest.mark.parametrize("reduction", [0, -1, 2.0, True, "4", None])
def test_a_reduction_that_is_no_count_is_refused(reduction):
    with pytest.raises(ValueError, match=r"arch.reduction must be .*\n  found: .*\n  try:   arch"):
        make("vectors", reduction)
