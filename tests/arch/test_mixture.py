"""The weighted sums of experts against an einsum, in all layouts, with gradients of any kind."""

import pytest
import torch
from torch import Tensor

from mtl_cli.arch.mixture import batch_innermost, by_task, mix

pytestmark = pytest.mark.usefixtures("double_precision")
K, E, M, B, F = 3, 4, 2, 7, 5
LAYOUTS = ["batch innermost", "examples in rows", "weights alone innermost", "copies outermost"]


def innermost(x: Tensor) -> Tensor:
    """The same values with dimension -2, the batch, innermost in memory."""
    return x.mT.contiguous().mT


def draw(layout: str, num_own: int) -> tuple[Tensor, Tensor, Tensor | None]:
    weights = torch.rand(K, B, num_own + E)
    features = torch.randn(E, B, F)
    own = torch.randn(K, num_own, B, F) if num_own else None
    if layout == "batch innermost":
        weights, features = innermost(weights), innermost(features)
        own = None if own is None else innermost(own)
    elif layout == "weights alone innermost":
        weights = innermost(weights)
    elif layout == "examples in rows":
        weights, features = (
            x.transpose(0, 1).contiguous().transpose(0, 1) for x in (weights, features)
        )
    return weights, features, own


def expected(weights: Tensor, features: Tensor, own: Tensor | None) -> Tensor:
    num_own = 0 if own is None else own.shape[1]
    mixed = torch.einsum("kbe,eb...->kb...", weights[..., num_own:], features)
    if own is None:
        return mixed
    return mixed + torch.einsum("kbm,kmb...->kb...", weights[..., :num_own], own)


def leaves(*tensors: Tensor | None) -> list[Tensor | None]:
    return [None if x is None else x.detach().requires_grad_() for x in tensors]


@pytest.mark.parametrize("num_own", [0, 1, M])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_it_is_the_weighted_sum_and_so_are_its_gradients(layout, num_own):
    ours = leaves(*draw(layout, num_own))
    mixed = mix(*ours)
    direction = torch.randn_like(mixed)
    given = [x for x in ours if x is not None]
    grads = torch.autograd.grad(mixed, given, direction)
    reference = expected(*ours)
    torch.testing.assert_close(mixed, reference)
    for grad, other in zip(grads, torch.autograd.grad(reference, given, direction), strict=True):
        torch.testing.assert_close(grad, other)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_batch_of_gradients_gives_what_each_of_them_gives(layout):
    given = leaves(*draw(layout, M))
    mixed = mix(*given)
    directions = torch.randn(4, *mixed.shape)
    together = torch.autograd.grad(
        mixed, given, directions, retain_graph=True, is_grads_batched=True
    )
    for i, direction in enumerate(directions):
        alone = torch.autograd.grad(mixed, given, direction, retain_graph=True)
        for batched, grad in zip(together, alone, strict=True):
            torch.testing.assert_close(batched[i], grad)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_gradients_have_gradients(layout):
    assert torch.autograd.gradgradcheck(mix, leaves(*draw(layout, 1)))


def test_only_the_gradients_that_are_asked_for_are_needed():
    weights, features, own = draw("batch innermost", M)
    mix(weights, features.requires_grad_(), own).sum().backward()
    assert features.grad is not None


def test_maps_are_weighted_as_vectors_are():
    weights, own = torch.rand(K, B, M + E), torch.randn(K, M, B, 2, 3, 3)
    features = torch.randn(E, B, 2, 3, 3)
    mixed = mix(weights, features, own)
    torch.testing.assert_close(mixed, expected(weights, features, own))


@pytest.mark.parametrize("num_own", [0, M])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_parts_of_the_tasks_are_those_of_the_sum(layout, num_own):
    mixed = mix(*draw(layout, num_own))
    parts = by_task(mixed)
    assert len(parts) == K
    for part, whole in zip(parts, mixed, strict=True):
        assert torch.equal(part, whole)


def test_weights_that_are_one_for_all_examples_may_be_expanded():
    weights, features, _ = draw("copies outermost", 0)
    static = weights[:, :1].expand(-1, B, -1)
    torch.testing.assert_close(mix(static, features), expected(static, features, None))


def test_only_many_small_examples_on_a_cpu_have_the_batch_innermost():
    cpu = torch.device("cpu")
    assert batch_innermost(15000, 160, cpu)
    assert not batch_innermost(15000, 4096, cpu)
    assert not batch_innermost(128, 160, cpu)
    assert not batch_innermost(15000, 160, torch.device("cuda"))


@pytest.mark.parametrize("layout", LAYOUTS[1:])
@pytest.mark.parametrize("num_own", [0, M])
def test_autocast_mixes_in_low_precision_and_keeps_the_gradients_types(layout, num_own):
    weights, features, own = draw(layout, num_own)
    given = leaves(weights.float(), *(None if x is None else x.float() for x in (features, own)))
    half = [given[0], *(None if x is None else x.bfloat16() for x in given[1:])]
    with torch.autocast("cpu", torch.bfloat16):
        mixed = [mix(*half), mix(*given)]
    for result in mixed:
        torch.testing.assert_close(result.double(), expected(*given).double(), rtol=0, atol=0.1)
        grads = torch.autograd.grad(result.float().sum(), [x for x in given if x is not None])
        assert {grad.dtype for grad in grads} == {torch.float32}
