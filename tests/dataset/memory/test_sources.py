"""Datasets of several sources: batches are the rows that the draw says, with their labels."""

import pytest
import torch

from mtl_cli.basis.bag import Bag
from mtl_cli.basis.batch import Batch
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import BagOfWords, Dense
from mtl_cli.dataset.memory import sources_loader
from mtl_cli.dataset.memory.rows import Rows
from mtl_cli.dataset.memory.sampling import DRAWS
from mtl_cli.dataset.memory.sources import SourcesDataset

CPU = torch.device("cpu")
READS = {"a": "words", "rating": "words", "b": "row"}
SIZES = {"words": 23, "row": 9}


def rows(source: str, size: int) -> Rows:
    """Row i holds i everywhere: a bag of i mod 3 words or a number, its targets, its weight."""
    numbers = torch.arange(size)
    if source == "row":
        return Rows({"row": numbers.float().unsqueeze(1)}, {"b": numbers.float()})
    lengths = numbers % 3
    offsets = torch.cat([torch.zeros(1, dtype=torch.int32), lengths.cumsum(0).int()])
    words = numbers.repeat_interleave(lengths).int()
    ratings = numbers.clone()
    ratings[4] = -1
    bag = Bag(words, offsets, words.float())
    return Rows({"words": bag}, {"a": numbers, "rating": ratings}, {"a": numbers.float()})


def dataset(**options) -> SourcesDataset:
    whole = {source: rows(source, size) for source, size in SIZES.items()}
    options = {
        "splits": {"train": whole, "val": whole, "test": {"row": rows("row", 5)}},
        "inputs": {"words": BagOfWords(23), "row": Dense((1,))},
        "tasks": READS,
        "source": "made up",
        "sampling": "min_size",
        "temperature": 2.0,
        "batch_size": 4,
        "eval_batch_size": 10,
        "shuffle": True,
        "drop_last": False,
    } | options
    return SourcesDataset.of(**options)


def as_lists(batch: Batch) -> dict:
    """What a batch holds, as lists by name."""
    found = {task: y.tolist() for task, y in batch.targets.items()}
    for name, x in batch.inputs.items():
        parts = [x.indices, x.offsets, x.weights] if isinstance(x, Bag) else [x]
        found[name] = [part.tolist() for part in parts]
    return found | {f"weight of {task}": w.tolist() for task, w in batch.weights.items()}


def expected(positions: dict[str, torch.Tensor]) -> dict:
    """The same, put together row by row."""
    found = {}
    for source, chosen in positions.items():
        numbers = chosen.tolist()
        if source == "row":
            found |= {"row": [[[float(i)] for i in numbers]], "b": [float(i) for i in numbers]}
            continue
        words = [i for i in numbers for _ in range(i % 3)]
        offsets = [sum(i % 3 for i in numbers[:k]) for k in range(len(numbers) + 1)]
        found["words"] = [words, offsets, [float(i) for i in words]]
        found |= {"a": numbers, "rating": [-1 if i == 4 else i for i in numbers]}
        found["weight of a"] = [float(i) for i in numbers]
    return found


@pytest.mark.parametrize("sampling", DRAWS)
@pytest.mark.parametrize("bytes_at_once", [1, 200, 2**20])
def test_a_batch_holds_the_rows_that_the_draw_says(sampling, bytes_at_once, monkeypatch):
    monkeypatch.setattr(sources_loader, "CHUNK_BYTES", bytes_at_once)
    one = dataset(sampling=sampling)
    loader = one.loader("train", READS, CPU, seed=3)
    draw = one.draw(one.splits["train"], 3)
    for epoch, start in [(1, 0), (2, 0), (2, 3)]:
        batches = [as_lists(batch) for batch in loader.batches(epoch, start)]
        assert batches == [expected(step) for step in draw.batches(epoch, start)]
        assert len(batches) == len(loader) - start
    assert loader.num_examples == sum(draw.counts().values())


def test_evaluation_reads_every_example_once_in_order():
    loader = dataset().loader("val", READS, CPU, seed=0)
    batches = list(loader.batches(1))
    assert [list(batch.inputs) for batch in batches] == [["words"]] * 3 + [["row"]]
    assert [i for b in batches if "a" in b.targets for i in b.targets["a"]] == list(range(23))
    assert batches[3].targets["b"].tolist() == list(range(9))
    assert (len(loader), loader.num_examples) == (4, 32)


def test_a_source_without_rows_in_a_split_is_absent_there():
    one = dataset()
    assert one.sizes == {"train": 32, "val": 32, "test": 5}
    assert list(one.targets("test")) == ["b"]
    assert [list(b.inputs) for b in one.loader("test", READS, CPU, 0).batches(1)] == [["row"]]


def test_only_the_tasks_that_are_trained_are_read():
    one = dataset()
    batches = list(one.loader("train", {"a": "words"}, CPU, 0).batches(1))
    assert len(batches) == 6  # the other source does not end the epoch
    assert {(*b.inputs, *b.targets) for b in batches} == {("words", "a")}


def test_tasks_that_miss_no_label_are_known():
    batch = next(dataset().loader("train", READS, CPU, 0).batches(1))
    assert batch.complete == {"a", "b"}


def test_batch_sizes_may_differ():
    one = dataset(batch_size={"words": 5, "row": 2})
    batch = next(one.loader("train", READS, CPU, 0).batches(1))
    assert (len(batch.inputs["words"]), len(batch.inputs["row"])) == (5, 2)
    everything = next(dataset(batch_size=None).loader("train", READS, CPU, 0).batches(1))
    assert (len(everything.inputs["words"]), len(everything.inputs["row"])) == (23, 9)


def test_a_batch_may_fit_the_rows_of_its_source():
    sizes = {"words": 300, "row": 9}
    splits = {"train": {source: rows(source, size) for source, size in sizes.items()}}
    for size in ("auto", {"words": "auto", "row": 8}):
        one = dataset(splits=splits, batch_size=size)
        batch = next(one.loader("train", READS, CPU, 0).batches(1))
        assert (len(batch.inputs["words"]), len(batch.inputs["row"])) == (16, 8)


def test_an_epoch_is_said_in_the_notes():
    notes = dataset().notes
    assert notes[0] == "sampling min_size: 3 steps an epoch"
    assert notes[1] == "words: draws 12 of 23 train examples; 11 are left out, others every epoch"


def test_mistakes_are_refused():
    with pytest.raises(Problem, match="must name every source: words, row"):
        dataset(batch_size={"words": 5})
    with pytest.raises(Problem, match="an integer of at least 1"):
        dataset(batch_size={"words": 5, "row": 0})
    with pytest.raises(Problem, match=r"dataset\.batch_size.*auto"):
        dataset(batch_size="all")
    with pytest.raises(Problem, match=r"dataset\.sources\.row must leave"):
        dataset(splits={"train": {"words": rows("words", 5), "row": rows("row", 0)}})
    with pytest.raises(Problem, match=r"tasks\.a\.input must be words"):
        dataset().loader("train", {"a": "row"}, CPU, 0)
