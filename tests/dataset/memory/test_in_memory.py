"""Batches: every example once an epoch, in an order that the seed and the epoch alone decide."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_cli.basis.bag import Bag
from mtl_cli.basis.batch import Batch
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import BagOfWords, Dense
from mtl_cli.dataset.base import Loader, missing
from mtl_cli.dataset.memory import in_memory
from mtl_cli.dataset.memory.batching import Batching
from mtl_cli.dataset.memory.in_memory import InMemoryDataset
from mtl_cli.dataset.memory.rows import Rows

CPU = torch.device("cpu")
READS = {"a": "row", "b": "words"}
sizes = st.integers(1, 25)


def table(rows: int) -> Rows:
    """Row i holds i everywhere: the number, a bag of i mod 3 words, and both targets."""
    lengths = torch.arange(rows) % 3
    offsets = torch.cat([torch.zeros(1, dtype=torch.long), lengths.cumsum(0)])
    words = torch.arange(rows).repeat_interleave(lengths)
    number = torch.arange(rows).float()
    inputs = {"row": number.unsqueeze(1), "words": Bag(words, offsets, words.float())}
    return Rows(inputs, {"a": number, "b": torch.arange(rows)})


def dataset(rows: int, batch_size: int | None = 4, **options) -> InMemoryDataset:
    options = {"shuffle": True, "drop_last": False, "eval_batch_size": 3} | options
    splits = {"train": table(rows), "val": table(rows), "test": table(0)}
    specs = {"row": Dense((1,)), "words": BagOfWords(max(1, rows))}
    batching = Batching(batch_size, **options)
    return InMemoryDataset(splits, specs, READS, "made up", batching)


def loader(rows: int, batch_size: int | None = 4, seed: int = 0, **options) -> Loader:
    return dataset(rows, batch_size, **options).loader("train", READS, CPU, seed)


def order(batches) -> list[int]:
    return [i for batch in batches for i in batch.targets["b"].tolist()]


def plain(batch: Batch) -> list:
    """A batch as lists, to be compared."""
    words = batch.inputs["words"]
    tensors = [batch.inputs["row"], words.indices, words.offsets, words.weights]
    return [x.tolist() for x in (*tensors, *batch.targets.values())]


@pytest.fixture(params=[1, 4 * 2**20], ids=["a batch at a time", "many at once"])
def chunk_bytes(request, monkeypatch):
    """How much is gathered at once: nothing that a batch shows."""
    monkeypatch.setattr(in_memory, "CHUNK_BYTES", request.param)


@settings(deadline=None, max_examples=30)
@given(sizes, sizes, st.booleans(), st.integers(1, 100))
def test_every_example_comes_exactly_once_an_epoch(rows, batch_size, shuffle, epoch):
    train = loader(rows, batch_size, shuffle=shuffle)
    batches = list(train.batches(epoch))
    assert sorted(order(batches)) == list(range(rows))
    assert shuffle or order(batches) == list(range(rows))
    assert len(batches) == len(train)
    assert {len(b.targets["a"]) for b in batches[:-1]} <= {batch_size}
    assert 1 <= len(batches[-1].targets["a"]) <= batch_size
    assert train.num_examples == rows


@settings(deadline=None, max_examples=30)
@given(sizes, sizes, st.integers(1, 100))
def test_drop_last_leaves_out_the_incomplete_batch_alone(rows, batch_size, epoch):
    if rows < batch_size:
        with pytest.raises(
            Problem, match=r"at least one whole batch.*\n  found: \S.*\n  try:   \S"
        ):
            loader(rows, batch_size, drop_last=True)
        return
    train = loader(rows, batch_size, drop_last=True)
    found = order(train.batches(epoch))
    whole = rows // batch_size
    assert len(train) == whole == len(list(train.batches(epoch)))
    assert found == order(loader(rows, batch_size).batches(epoch))[: whole * batch_size]
    assert train.num_examples == len(found)


@settings(deadline=None, max_examples=30)
@given(sizes, sizes, st.booleans(), st.integers(0, 28), st.integers(1, 9))
def test_starting_late_is_dropping_the_first_batches(rows, batch_size, shuffle, start, epoch):
    train = loader(rows, batch_size, shuffle=shuffle)
    expected = list(map(plain, train.batches(epoch)))[start:]
    assert list(map(plain, train.batches(epoch, start))) == expected


def test_inputs_and_targets_of_an_example_stay_together(chunk_bytes):
    for batch in loader(23).batches(1):
        numbers = batch.targets["b"]
        assert batch.inputs["row"].squeeze(1).tolist() == numbers.tolist()
        assert torch.equal(batch.targets["a"], numbers.float())
        words = batch.inputs["words"]
        lengths = words.offsets.diff()
        assert torch.equal(lengths, numbers % 3)
        assert torch.equal(words.indices, numbers.repeat_interleave(lengths))
        assert torch.equal(words.weights, words.indices.float())


def test_how_much_is_gathered_at_once_shows_in_no_batch(monkeypatch):
    seen = []
    for chunk in (1, 100, 4 * 2**20):
        monkeypatch.setattr(in_memory, "CHUNK_BYTES", chunk)
        seen.append(list(map(plain, loader(23).batches(1))))
    assert seen[0] == seen[1] == seen[2]


def test_the_order_depends_on_seed_and_epoch_alone():
    first = order(loader(40, seed=1).batches(1))
    torch.manual_seed(123)
    torch.rand(7)
    assert order(loader(40, seed=1).batches(1)) == first
    assert order(loader(40, batch_size=7, seed=1).batches(1)) == first
    assert order(loader(40, batch_size=None, seed=1).batches(1)) == first
    others = [order(loader(40, seed=s).batches(e)) for s, e in ((1, 2), (2, 1), (1, 3), (0, 1))]
    assert len({tuple(found) for found in [first, *others]}) == 5


def test_every_epoch_has_a_new_order():
    train = loader(40)
    assert len({tuple(order(train.batches(epoch))) for epoch in range(1, 9)}) == 8


def test_epochs_do_not_depend_on_those_before():
    train = loader(40)
    list(train.batches(1))
    assert order(train.batches(5)) == order(loader(40).batches(5))


def test_drawing_batches_leaves_the_global_generator_alone():
    state = torch.get_rng_state()
    list(loader(40).batches(1))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("seed", [0, 2**32 - 1, 2**62, 2**63])
def test_any_seed_that_torch_takes_is_taken(seed):
    torch.Generator().manual_seed(seed)
    assert sorted(order(loader(40, seed=seed).batches(3))) == list(range(40))


def test_without_a_batch_size_there_is_one_batch_an_epoch():
    for drop_last in (False, True):
        train = loader(23, batch_size=None, drop_last=drop_last)
        (batch,) = train.batches(1)
        assert len(train) == 1
        assert sorted(batch.targets["b"].tolist()) == list(range(23))


def test_val_keeps_its_order_and_its_last_examples():
    val = dataset(10, shuffle=True, drop_last=True).loader("val", READS, CPU, 0)
    assert [len(batch.targets["a"]) for batch in val.batches(1)] == [3, 3, 3, 1]
    assert order(val.batches(1)) == order(val.batches(2)) == list(range(10))
    assert val.num_examples == 10


def test_a_split_without_rows_is_left_out():
    assert dataset(10).sizes == {"train": 10, "val": 10}


def test_a_batch_holds_only_what_the_chosen_tasks_read():
    train = dataset(10).loader("train", {"b": "words"}, CPU, 0)
    batch = next(train.batches(1))
    assert list(batch.inputs) == ["words"]
    assert list(batch.targets) == ["b"]


def test_a_task_can_read_another_input_than_the_datasets_choice():
    batch = next(dataset(10).loader("train", {"b": "row"}, CPU, 0).batches(1))
    assert list(batch.inputs) == ["row"]
    assert batch.inputs["row"].squeeze(1).tolist() == batch.targets["b"].tolist()


def test_tasks_that_miss_a_label_are_found():
    whole = dataset(10)
    assert whole.loader("train", READS, CPU, 0).complete == {"a", "b"}
    whole.targets("train")["a"][7] = torch.nan
    train = whole.loader("train", READS, CPU, 0)
    assert train.complete == {"b"}
    assert all(batch.complete == {"b"} for batch in train.batches(1))
    assert whole.loader("val", READS, CPU, 0).complete == {"a", "b"}


@pytest.mark.parametrize(
    ("target", "some"),
    [
        (torch.tensor([1.0, -1.0, torch.inf]), False),
        (torch.tensor([[1.0, 2.0], [torch.nan, 0.0]]), True),
        (torch.tensor([0, 3, 2]), False),
        (torch.tensor([0, -1, 2]), True),
        (torch.empty(0), False),
    ],
)
def test_a_missing_label_is_nan_or_minus_one_by_the_targets_type(target, some):
    assert bool(missing(target).any()) is some


@pytest.mark.parametrize(
    ("option", "wrong"),
    [
        *(("batch_size", wrong) for wrong in (0, -1, 1.5, "32")),
        *(("eval_batch_size", wrong) for wrong in (0, None, "32")),
        *(("shuffle", wrong) for wrong in (1, "yes", None)),
        *(("drop_last", wrong) for wrong in (0, "no", None)),
    ],
)
def test_a_wrong_option_is_told_by_its_path(option, wrong):
    with pytest.raises(Problem, match=rf"^dataset\.{option} must be"):
        dataset(10, **{option: wrong})


def test_without_train_examples_there_is_nothing_to_train():
    with pytest.raises(Problem, match=r"found: 0 train examples"):
        dataset(0)
