"""The shared embedding is plain `nn.Embedding` and `nn.EmbeddingBag`, column by column."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.testing import assert_close

from mtl_cli.basis.batch import Fields
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import Dense, Row
from mtl_cli.embedding.base import leaves
from mtl_cli.embedding.shared import SharedEmbedding

SIZES = st.lists(st.integers(1, 6), min_size=1, max_size=3).map(tuple)


@st.composite
def specs(draw: st.DrawFn) -> Row:
    """Rows of which some columns share a vocabulary, and some say a width of their own."""
    categories, lists = draw(SIZES), draw(SIZES)
    sizes = categories + lists
    first = {size: i for i, size in reversed(list(enumerate(sizes)))}
    own = [first[size] if draw(st.booleans()) else i for i, size in enumerate(sizes)]
    widths = draw(st.sampled_from([(), *(tuple([w] * len(sizes)) for w in (0, 5))]))
    return Row(draw(st.integers(0, 3)), categories, lists, tuple(own), widths)


def by_hand(embedding: SharedEmbedding, x: Fields) -> torch.Tensor:
    """Column by column, with a table of torch's for each vocabulary."""
    spec = embedding.spec
    [(name, weight)] = embedding.tables.items()
    starts, total = {}, 0
    for vocabulary, size in dict(zip(spec.vocabularies, spec.sizes, strict=True)).items():
        starts[vocabulary], total = (total, size), total + size
    assert weight.shape == (total, int(name))
    parts = [x.numbers]
    for c, vocabulary in enumerate(spec.vocabularies):
        start, size = starts[vocabulary]
        table = weight[start : start + size]
        if c < len(spec.categories):
            parts.append(nn.functional.embedding(x.codes[:, c], table))
            continue
        bag = x.lists[c - len(spec.categories)]
        rows = zip(bag.offsets[:-1], bag.offsets[1:], strict=True)
        sums = [(table[bag.indices[a:b]] * bag.weights[a:b, None]).sum(0) for a, b in rows]
        parts.append(torch.stack(sums))
    return torch.cat(parts, 1)


@settings(deadline=None, max_examples=40)
@given(specs(), st.integers(1, 5))
def test_it_is_a_table_for_each_vocabulary(spec, batch_size):
    embedding, x = SharedEmbedding(spec, 3), spec.example(batch_size)
    found, expected = embedding(x), by_hand(embedding, x)
    assert_close(found, expected)
    assert embedding.gives == Dense(found.shape[1:])
    [weight] = embedding.parameters()
    grads = [torch.autograd.grad(y.square().sum(), weight)[0] for y in (found, expected)]
    assert_close(*grads)


def test_widths_may_follow_the_vocabulary():
    embedding = SharedEmbedding(Row(2, (16, 81, 16)), "auto")
    assert {name: list(own.shape) for name, own in embedding.tables.items()} == {
        "12": [32, 12],
        "18": [81, 18],
    }
    x = embedding.spec.example(4)
    parts = embedding(x).split([2, 12, 12, 18], 1)
    assert_close(parts[3], embedding.tables["18"][x.codes[:, 1]])
    assert_close(parts[2], embedding.tables["12"][x.codes[:, 2] + 16])


def test_without_a_width_rows_stay_as_they_are():
    spec = Row(2, (3,))
    embedding, x = SharedEmbedding(spec, None), spec.example(2)
    assert embedding(x) is x
    assert embedding.gives is spec
    assert not list(embedding.parameters())


@pytest.mark.parametrize("width", [0, -1, 1.5, "wide"])
def test_a_width_is_a_number_of_at_least_one(width):
    with pytest.raises(Problem, match=r"embedding\.width.*\n.*\n.*embedding\.width=16"):
        SharedEmbedding(Row(0, (3,)), width)


def test_the_rows_that_a_batch_reads_hold_the_whole_jacobian() -> None:
    """Of two tasks, once each: zeros elsewhere, so the Gramian is that of whole tables."""
    torch.manual_seed(0)
    embedding = SharedEmbedding(Row(2, (50, 7), (30,)), 4)
    x, heads = embedding.spec.example(16), nn.Linear(2 + 3 * 4, 2)
    whole = jacobian(embedding, x, heads)
    embedding.by_rows = True
    rows = jacobian(embedding, x, heads)
    [(_, codes, read)] = embedding.touched
    assert len(codes) == len(codes.unique()) == len(read) < len(whole[0])
    placed = torch.zeros_like(whole).index_copy_(1, codes, rows)
    assert_close(placed, whole, atol=1e-6, rtol=0)
    gramians = [own.flatten(1) @ own.flatten(1).T for own in (rows, whole)]
    assert_close(*gramians, atol=1e-6, rtol=1e-6)


def jacobian(embedding: SharedEmbedding, x: Fields, heads: nn.Module) -> torch.Tensor:
    """The gradients of two losses at the tables, or at the rows that are read, [2, V, W]."""
    losses = heads(embedding(x)).square().mean(0)
    places = leaves(embedding, embedding.parameters())
    return torch.stack([torch.autograd.grad(own, places, retain_graph=True)[0] for own in losses])
