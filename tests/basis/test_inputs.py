"""A spec's linear map is matrix multiplication, whatever the kind of input."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from mtl_cli.basis.bag import Bag
from mtl_cli.basis.inputs import BagOfWords, Dense

SPECS = [Dense((4,)), Dense((2, 3, 5)), BagOfWords(11)]


def bag_of(counts: torch.Tensor) -> Bag:
    """The bag of a dense matrix of counts, [B, V]."""
    rows, words = counts.nonzero(as_tuple=True)
    lengths = torch.bincount(rows, minlength=len(counts))
    offsets = torch.cat([torch.zeros(1, dtype=torch.long), lengths.cumsum(0)])
    return Bag(words, offsets, counts[rows, words])


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(1,), (6,), (3, 4), (2, 3, 5)])
def test_dense_linear_is_flatten_and_matmul(shape, bias):
    linear = Dense(shape).linear(7, bias)
    parameters = dict(linear.named_parameters())
    weight = next(p for name, p in parameters.items() if name.endswith("weight"))
    offset = next((p for name, p in parameters.items() if name.endswith("bias")), None)
    assert (offset is not None) is bias
    x = torch.randn(5, *shape)
    expected = x.numpy().reshape(5, -1).astype(np.float64) @ weight.detach().numpy().T
    expected += 0 if offset is None else offset.detach().numpy()
    assert_close(linear(x).double(), torch.from_numpy(expected), atol=1e-6, rtol=1e-5)


@settings(deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 4), min_size=6, max_size=6), min_size=1, max_size=8),
    st.booleans(),
)
def test_bag_linear_is_the_dense_linear_on_counts(counts, bias):
    x = torch.tensor(counts, dtype=torch.float32)
    linear = BagOfWords(6).linear(3, bias)
    dense = torch.nn.Linear(6, 3, bias)
    with torch.no_grad():
        dense.weight.copy_(linear.weight.T)
        if bias:
            dense.bias.copy_(linear.bias)
    out, expected = linear(bag_of(x)), dense(x)
    assert_close(out, expected, atol=1e-6, rtol=1e-6)
    out.square().sum().backward()
    expected.square().sum().backward()
    assert_close(linear.weight.grad, dense.weight.grad.T, atol=1e-4, rtol=1e-5)
    if bias:
        assert_close(linear.bias.grad, dense.bias.grad, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("spec", [Dense((400,)), BagOfWords(400)], ids=str)
def test_weights_are_drawn_as_those_of_nn_linear(spec):
    bound = 1 / math.sqrt(400)
    for parameter in spec.linear(300).parameters():
        assert parameter.abs().max() <= bound
        assert parameter.abs().max() > 0.95 * bound
        assert parameter.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.15)


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_the_linear_map_reads_the_examples(spec):
    x = spec.example(9)
    assert len(x) == 9
    assert spec.linear(2)(x).shape == (9, 2)


def test_specs_are_equal_where_kind_and_shape_are():
    assert len({Dense((3,)), Dense((3,)), Dense((1, 3)), BagOfWords(3), BagOfWords(3)}) == 3
