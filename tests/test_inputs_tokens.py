"""Token ids: their linear map is that of their counts, and neither order nor padding changes it."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from mtl_cli.arch.experts import Gates
from mtl_cli.basis.inputs import BagOfWords, Dense, Tokens

TEXTS = torch.tensor([[3, 1, 3, 5], [2, 0, 0, 0], [4, 1, 0, 0], [0, 0, 0, 0]])


@settings(deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 5), min_size=4, max_size=4), min_size=1, max_size=8),
    st.booleans(),
)
def test_the_linear_map_is_matmul_on_the_counts_without_paddings(texts, bias):
    x = torch.tensor(texts)
    linear = Tokens(6, 4).linear(3, bias)
    counts = torch.stack([text.bincount(minlength=6) for text in x]).float()
    counts[:, 0] = 0
    weight, *offset = linear.parameters()
    assert len(offset) == bias
    expected = counts @ weight + (offset[0] if bias else 0)
    assert_close(linear(x), expected, atol=1e-6, rtol=1e-5)
    found, right = (
        torch.autograd.grad(out.square().sum(), [weight, *offset]) for out in (linear(x), expected)
    )
    assert_close(found, right, atol=1e-5, rtol=1e-5)
    assert not found[0][0].any()  # padding's row


def test_neither_padding_nor_order_changes_the_linear_map():
    linear = Tokens(6, 4).linear(3)
    expected = linear(TEXTS)
    assert_close(linear(TEXTS.flip(1)), expected)
    assert_close(linear(torch.nn.functional.pad(TEXTS, (0, 7))), expected)
    assert_close(expected[3], linear[1].bias)  # a text without words


def test_a_gate_on_tokens_is_the_gate_on_their_bag():
    gates, bag_gates = (
        Gates({"x": spec}, {"a": "x", "b": "x"}, 3, bias=True)
        for spec in (Tokens(6, 4), BagOfWords(6))
    )
    bag_gates.load_state_dict(
        dict(zip(bag_gates.state_dict(), gates.state_dict().values(), strict=True))
    )
    words = [text[text != 0] for text in TEXTS]
    bag = BagOfWords(6).example(1)
    lengths = torch.tensor([0, *map(len, words)])
    bag = type(bag)(torch.cat(words), lengths.cumsum(0), torch.ones(int(lengths.sum())))
    for tasks in (["a", "b"], ["b"]):
        assert_close(gates(TEXTS, "x", tasks), bag_gates(bag, "x", tasks))


def test_weights_are_drawn_as_those_of_nn_linear():
    bound = 1 / math.sqrt(400)
    for parameter in Tokens(400, 7).linear(300).parameters():
        assert 0.95 * bound < parameter.abs().max() <= bound
        assert parameter.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.15)


@pytest.mark.parametrize("spec", [Tokens(9, 9), Tokens(2, 1), Tokens(50, 12)], ids=str)
def test_examples_are_texts_that_end_in_padding(spec):
    x = spec.example(60)
    assert x.shape == (60, spec.length)
    assert x.dtype == torch.long
    assert 0 <= x.min() <= x.max() < spec.vocabulary_size
    is_word = x != 0
    assert is_word[:, 0].all()
    assert (is_word[:, 1:] <= is_word[:, :-1]).all()
    assert (spec.length == 1) == bool(is_word.all())
    assert spec.linear(2)(x).shape == (60, 2)


def test_specs_are_equal_where_vocabulary_and_length_are():
    specs = [Tokens(9, 4), Tokens(9, 4), Tokens(4, 9), Tokens(9, 5), BagOfWords(9), Dense((9, 4))]
    assert len(set(specs)) == 5
