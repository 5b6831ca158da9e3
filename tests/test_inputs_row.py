"""A row of a table: its linear map is the dense one on numbers and one-hot categories."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from mtl_cli.arch.experts import Gates, stack
from mtl_cli.basis.batch import Fields
from mtl_cli.basis.inputs import Row


def one_hot(spec: Row, x: Fields) -> torch.Tensor:
    """Rows with every category as zeros and a one, and lists as their weights, [B, N + V]."""
    parts = [x.numbers]
    for codes, size in zip(x.codes.T, spec.categories, strict=True):
        parts.append(torch.nn.functional.one_hot(codes, size))
    for bag, size in zip(x.lists, spec.lists, strict=True):
        counts = torch.zeros(len(x), size)
        rows = torch.repeat_interleave(torch.arange(len(x)), bag.offsets.diff())
        parts.append(counts.index_put((rows, bag.indices), bag.weights, accumulate=True))
    return torch.cat(parts, 1)


def as_dense(spec: Row, linear: torch.nn.Module) -> torch.nn.Linear:
    """The same map as ``nn.Linear``."""
    dense = torch.nn.Linear(spec.numbers + sum(spec.sizes), linear.vectors.shape[1])
    with torch.no_grad():
        numbers = [] if linear.weight is None else [linear.weight]
        dense.weight.copy_(torch.cat([*numbers, linear.vectors.T], 1))
        dense.bias.zero_() if linear.bias is None else dense.bias.copy_(linear.bias)
    return dense


SIZES = st.lists(st.integers(1, 5), max_size=4).map(tuple)
SPECS = st.builds(Row, st.integers(0, 4), SIZES, SIZES).filter(lambda spec: bool(spec.sizes))


@settings(deadline=None, max_examples=50)
@given(SPECS, st.booleans(), st.integers(1, 6))
def test_row_linear_is_the_dense_linear_on_the_one_hot_row(spec, bias, batch_size):
    linear, x = spec.linear(3, bias), spec.example(batch_size)
    dense = as_dense(spec, linear)
    out, expected = linear(x), dense(one_hot(spec, x))
    assert_close(out, expected, atol=1e-6, rtol=1e-6)
    out.square().sum().backward()
    expected.square().sum().backward()
    wanted = dense.weight.grad.split([spec.numbers, sum(spec.sizes)], 1)
    if linear.weight is not None:
        assert_close(linear.weight.grad, wanted[0], atol=1e-5, rtol=1e-5)
    assert_close(linear.vectors.grad, wanted[1].T, atol=1e-5, rtol=1e-5)
    if bias:
        assert_close(linear.bias.grad, dense.bias.grad, atol=1e-5, rtol=1e-5)


@settings(deadline=None, max_examples=30)
@given(SPECS, st.booleans())
def test_a_stack_of_row_linears_is_each_of_them(spec, bias):
    linears, x = [spec.linear(3, bias) for _ in range(4)], spec.example(5)
    stacked = stack(linears, True)
    expected = torch.stack([linear(x) for linear in linears])
    assert_close(stacked(x), expected, atol=1e-6, rtol=1e-6)
    assert_close(stacked(x, [2, 0]), expected[[2, 0]], atol=1e-6, rtol=1e-6)
    stacked(x).square().sum().backward()
    expected.square().sum().backward()
    grads = torch.stack([linear.vectors.grad for linear in linears], 1)
    assert_close(next(m for m in stacked.modules() if hasattr(m, "vectors")).vectors.grad, grads)


def test_a_stack_of_row_linears_is_no_loop():
    stacked = stack([Row(2, (3, 4)).linear(5) for _ in range(3)], True)
    assert sum(1 for _ in stacked.parameters()) == 3


def test_the_map_is_drawn_for_the_entries_that_are_not_zero():
    bound = 1 / math.sqrt(10 + 6)
    for parameter in Row(10, (50,) * 6).linear(300).parameters():
        assert 0.95 * bound < parameter.abs().max() <= bound
        assert parameter.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.15)


def test_examples_have_every_column_in_its_range():
    x = Row(2, (3, 7), (4,)).example(200)
    assert x.numbers.shape == (200, 2)
    assert x.codes[:, 0].unique().tolist() == [0, 1, 2]
    assert x.codes[:, 1].unique().tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert x.lists[0].indices.unique().tolist() == [0, 1, 2, 3]


def test_specs_are_equal_where_numbers_and_categories_are():
    specs = {Row(2, (3,)), Row(2, (3,)), Row(2, (4,)), Row(3, (3,))}
    assert len(specs) == 3


def test_a_gate_reads_a_row():
    spec = Row(2, (3, 4))
    gates = Gates({"row": spec}, {"a": "row", "b": "row"}, 5, bias=True)
    weights = gates(spec.example(6), "row", ["a", "b"])
    assert_close(weights.sum(-1), torch.ones(2, 6))
