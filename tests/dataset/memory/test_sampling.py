"""Draws over sources: exact counts, what an epoch is, and going on in the middle of one."""

import math
from itertools import islice

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.memory.sampling import DRAWS, check_sampling, shares

SIZES = {"a": 25, "b": 10, "c": 4}
NUM_BATCHES = {"a": 7, "b": 3, "c": 1}  # of 4
each_once = ["max_size", "sequential", "round_robin", "proportional"]
one_a_step = ["sequential", "round_robin", "proportional", "temperature", "uniform"]


def draw(name, sizes=SIZES, batch_size=4, seed=0, drop_last=False, temperature=2.0):
    return DRAWS[name](sizes, dict.fromkeys(sizes, batch_size), seed, drop_last, temperature)


def drawn(draw, epoch=1) -> dict[str, list[int]]:
    """All positions of each source in an epoch, in the order in which they are drawn."""
    positions = {source: [] for source in draw.sizes}
    for step in draw.batches(epoch):
        for source, batch in step.items():
            positions[source] += batch.tolist()
    return positions


def pattern(draw, epoch=1) -> list[str]:
    """The sources of each step."""
    return ["".join(step) for step in draw.schedule(epoch, 0)]


def as_lists(batches) -> list[dict]:
    return [{source: x.tolist() for source, x in step.items()} for step in batches]


def test_there_are_eight_draws():
    assert len(DRAWS) == 8
    for name in DRAWS:
        check_sampling(name, 1.0)


@pytest.mark.parametrize(
    ("name", "steps", "counts"),
    [
        ("min_size", 1, {"a": 4, "b": 4, "c": 4}),
        ("max_size_cycle", 7, {"a": 25, "b": 10 + 10 + 4, "c": 28}),
        ("max_size", 7, SIZES),
        ("sequential", 11, SIZES),
        ("round_robin", 11, SIZES),
        ("proportional", 11, SIZES),
        # 11 steps in proportion to sqrt 7, sqrt 3, 1, which is 5.41, 3.54, 2.05: so 5, 4, 2
        ("temperature", 11, {"a": 20, "b": 10 + 4, "c": 8}),
        ("uniform", 11, {"a": 16, "b": 10 + 4, "c": 12}),
    ],
)
def test_an_epoch_draws_exactly_what_is_promised(name, steps, counts):
    one = draw(name)
    assert (len(one), one.counts()) == (steps, counts)
    for epoch in (1, 2):
        assert {s: len(p) for s, p in drawn(one, epoch).items()} == counts
        assert len(list(one.batches(epoch))) == steps


@given(
    st.sampled_from(list(DRAWS)),
    st.lists(st.integers(3, 40), min_size=1, max_size=4),
    st.lists(st.integers(1, 3), min_size=4, max_size=4),
    st.booleans(),
    st.floats(1, 50),
)
@settings(deadline=None)
def test_what_is_counted_is_what_is_drawn(name, sizes, batch_sizes, drop_last, temperature):
    sizes = {str(i): n for i, n in enumerate(sizes)}
    batch_sizes = dict(zip(sizes, batch_sizes, strict=False))
    one = DRAWS[name](sizes, batch_sizes, 3, drop_last, temperature)
    assert {s: len(p) for s, p in drawn(one).items()} == one.counts()
    assert len(list(one.batches(1))) == len(one)
    for source, positions in drawn(one).items():
        size = one.pass_size(source)  # no example twice before the pass is over
        for i in range(0, len(positions), size):
            assert len(set(positions[i : i + size])) == len(positions[i : i + size])
        assert positions  # no source is left out


@given(st.sampled_from(list(DRAWS)), st.integers(0, 12), st.integers(1, 9))
@settings(deadline=None)
def test_an_epoch_goes_on_from_its_middle(name, start, epoch):
    one = draw(name)
    whole = as_lists(one.batches(epoch))
    assert as_lists(draw(name).batches(epoch, start)) == whole[start:]


@pytest.mark.parametrize("name", DRAWS)
def test_the_seed_and_the_epoch_alone_decide(name):
    one = draw(name)
    first = as_lists(one.batches(1))
    list(islice(one.batches(2), 2))  # half an epoch between
    torch.manual_seed(5)
    assert as_lists(one.batches(1)) == first == as_lists(draw(name).batches(1))
    assert as_lists(one.batches(2)) != first
    assert as_lists(draw(name, seed=1).batches(1)) != first


@pytest.mark.parametrize("name", each_once)
def test_every_example_comes_once(name):
    for source, positions in drawn(draw(name)).items():
        assert sorted(positions) == list(range(SIZES[source]))


def test_a_long_source_gives_others_in_another_epoch():
    one = draw("min_size", {"a": 1000, "b": 40})
    assert set(drawn(one, 1)["a"]) != set(drawn(one, 2)["a"])
    assert len({i for epoch in range(200) for i in drawn(one, epoch)["a"]}) > 990


def test_a_source_that_starts_again_has_a_new_order():
    positions = drawn(draw("max_size_cycle", {"a": 64, "b": 32}))["b"]
    first, second = positions[:32], positions[32:]
    assert sorted(first) == sorted(second) == list(range(32))
    assert first != second


def test_the_sources_of_each_step():
    every, ab = "abc", "ab"
    assert pattern(draw("min_size")) == [every]
    assert pattern(draw("max_size_cycle")) == [every] * 7
    assert pattern(draw("max_size")) == [every, ab, ab, *"aaaa"]
    assert pattern(draw("sequential")) == [*"aaaaaaabbbc"]
    assert pattern(draw("round_robin")) == [*"abcababaaaa"]
    assert sorted(pattern(draw("proportional"))) == [*"aaaaaaabbbc"]
    assert sorted(pattern(draw("uniform"))) == [*"aaaabbbbccc"]


@pytest.mark.parametrize("name", one_a_step)
def test_one_source_a_step(name):
    assert all(len(step) == 1 for step in draw(name).batches(1))


def test_a_temperature_of_one_is_proportional_and_an_infinite_one_uniform():
    for epoch in (1, 2):
        hot, cold = (draw("temperature", temperature=t) for t in (1e9, 1.0))
        assert pattern(cold, epoch) == pattern(draw("proportional"), epoch)
        assert pattern(hot, epoch) == pattern(draw("uniform"), epoch)


@given(st.lists(st.integers(1, 500), min_size=1, max_size=6), st.floats(1, 20))
def test_shares_are_the_formula_rounded(num_batches, tau):
    total = sum(num_batches)
    weights = [n ** (1 / tau) for n in num_batches]
    quotas = shares(num_batches, tau)
    assert quotas.sum() == total
    if min(total * w / sum(weights) for w in weights) >= 1:
        for quota, weight in zip(quotas, weights, strict=True):
            assert abs(quota - total * weight / sum(weights)) < 1 + 1e-6
    assert quotas.min() >= 1
    assert shares(num_batches, 1.0).tolist() == num_batches


def test_the_order_of_a_mixed_epoch_is_drawn_evenly():
    """Of 2 000 epochs' first steps, each source has its share: 7/11, 3/11, 1/11."""
    one = draw("proportional")
    first = [next(one.schedule(epoch, 0))[0] for epoch in range(1, 2001)]
    for source, batches in NUM_BATCHES.items():
        share = batches / 11
        assert abs(first.count(source) / 2000 - share) < 4 * math.sqrt(share / 2000)


def test_sources_are_drawn_independently():
    orders = drawn(draw("max_size", {"a": 40, "b": 40}))
    assert orders["a"] != orders["b"]


@pytest.mark.parametrize("name", DRAWS)
def test_without_a_seed_the_order_is_that_of_the_rows(name):
    one = draw(name, seed=None)
    for source, positions in drawn(one).items():
        assert positions == [i % SIZES[source] for i in range(len(positions))]
    assert as_lists(one.batches(1)) == as_lists(one.batches(2))


def test_incomplete_batches_can_be_left_out():
    one = draw("max_size", drop_last=True)
    assert one.counts() == {"a": 24, "b": 8, "c": 4}
    assert {len(x) for step in one.batches(1) for x in step.values()} == {4}
    with pytest.raises(Problem, match="3 train examples of 'b'"):
        draw("max_size", {"a": 9, "b": 3}, drop_last=True)


def test_what_is_left_out_is_said():
    lines = draw("min_size").notes("min_size")
    assert lines == [
        "sampling min_size: 1 steps an epoch",
        "a: draws 4 of 25 train examples; 21 are left out, others every epoch",
        "b: draws 4 of 10 train examples; 6 are left out, others every epoch",
        "c: draws 4 of 4 train examples; each once",
    ]
    assert "2.40 times as many" in draw("max_size_cycle").notes("max_size_cycle")[2]
    assert "always the same" in draw("min_size", seed=None).notes("min_size")[1]


def test_mistakes_are_refused():
    with pytest.raises(Problem, match=r"try:   dataset\.sampling=round_robin"):
        check_sampling("roundrobin", 1.0)
    with pytest.raises(Problem, match="must be a number of at least 1"):
        check_sampling("temperature", 0.5)
