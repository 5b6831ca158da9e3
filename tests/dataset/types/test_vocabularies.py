"""Categories by a hash, lists of them, and one vocabulary for several columns, by plain pandas."""

import json
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas
import pytest
import torch

from mtl_cli.basis.bag import Bag
from mtl_cli.basis.batch import Fields
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import Row
from mtl_cli.command_line.cli import compose_run
from mtl_cli.dataset.readers.table import TableReader
from mtl_cli.dataset.table import Table
from mtl_cli.embedding.shared import SharedEmbedding
from mtl_cli.run.build import make_dataset

DRAW = np.random.default_rng(0)
NEAR_2_40 = 2**40 + DRAW.integers(0, 30, 400)
GENRES = ["war", "drama", "comedy", "sci fi"]


def frame() -> pandas.DataFrame:
    lists = ["|".join(DRAW.permutation(GENRES)[: DRAW.integers(0, 4)]) for _ in range(400)]
    columns = {"item": NEAR_2_40, "seen": np.roll(NEAR_2_40, 3), "genres": lists}
    return pandas.DataFrame(columns | {"y": DRAW.integers(0, 2, 400)})


def made(folder: Path, columns: str, *words: str, rows: pandas.DataFrame | None = None) -> Table:
    (frame() if rows is None else rows).to_csv(folder / "x.csv", index=False)
    told = ["dataset=table", f"dataset.path={folder / 'x.csv'}", "dataset.targets={y: binary}"]
    told += ["dataset.split={val: 1, test: 1}", f"dataset.columns={{{columns}}}", *words]
    cfg, _ = compose_run("train", [f"hydra.run.dir={folder / 'run'}", *told])
    dataset = make_dataset(cfg)
    assert isinstance(dataset, Table)
    return dataset


def read_again(dataset: Table, path: Path) -> Fields:
    """What a reader that went through JSON makes of a file."""
    reader = TableReader.from_state(json.loads(json.dumps(dataset.reader.state())))
    assert reader.inputs == dataset.inputs
    [part] = reader.read(path, "row", 10**6)
    rows = part.inputs["row"]
    assert isinstance(rows, Fields)
    return rows


def as_lists(bag: Bag) -> list[list[tuple[int, float]]]:
    """The codes and weights of each row."""
    ends = bag.offsets.tolist()
    pairs = list(zip(bag.indices.tolist(), bag.weights.tolist(), strict=True))
    return [pairs[a:b] for a, b in pairwise(ends)]


def test_a_hash_is_of_the_bytes_that_its_page_says(tmp_path):
    size = 1_000_003
    dataset = made(tmp_path, f"item: {{type: category, hash: {size}}}, seen: {{type: drop}}")
    spec = dataset.inputs["row"]
    assert isinstance(spec, Row)
    assert size in spec.categories
    codes = read_again(dataset, tmp_path / "x.csv").codes[:, spec.categories.index(size)]
    expected = [
        1
        + int.from_bytes(blake2b(str(item).encode(), digest_size=8).digest(), "little") % (size - 1)
        for item in NEAR_2_40
    ]
    assert codes.tolist() == expected
    assert len(set(expected)) == len(set(NEAR_2_40))


@pytest.mark.parametrize("cell", ["5", "5.0", " 5 ", "5e0"])
def test_one_value_has_one_hash_however_it_is_written(cell, tmp_path):
    rows = frame().assign(item=["5"] * 200 + [cell] * 199 + ["6"])
    dataset = made(tmp_path, "item: {type: category, hash: 1000}, seen: {type: drop}", rows=rows)
    codes = read_again(dataset, tmp_path / "x.csv").codes
    hashed = codes[:, dataset.inputs["row"].categories.index(1000)]
    assert hashed[:399].unique().numel() == 1
    assert hashed[399] != hashed[0]


@pytest.mark.parametrize("pool", ["mean", "sum"])
def test_a_list_is_the_codes_of_its_values(pool, tmp_path):
    dataset = made(tmp_path, f"genres: {{type: list, pool: {pool}, max: 2}}, seen: {{type: drop}}")
    rows = read_again(dataset, tmp_path / "x.csv")
    cells = pandas.read_csv(tmp_path / "x.csv")["genres"].fillna("")
    known = {value: code for code, value in enumerate(sorted(GENRES), 1)}
    for cell, found in zip(cells, as_lists(rows.lists[0]), strict=True):
        values = [value for value in cell.split("|") if value][:2]
        weight = 1 / max(1, len(values)) if pool == "mean" else 1
        assert found == [(known[value], pytest.approx(weight)) for value in values]


def test_what_training_did_not_know_has_code_0(tmp_path):
    dataset = made(tmp_path, "genres: {type: list}, seen: {type: drop}")
    new = frame().assign(genres="war|opera||NA")
    new.to_csv(tmp_path / "new.csv", index=False)
    rows = read_again(dataset, tmp_path / "new.csv")
    assert as_lists(rows.lists[0])[0] == [(4, 0.5), (0, 0.5)]


def test_columns_of_one_vocabulary_share_its_codes(tmp_path):
    rows = frame().assign(seen=lambda own: own["item"].map(lambda i: f"{i}|{i + 100}"))
    said = "item: {type: category, width: 3}, seen: {type: list, vocabulary_of: item}"
    dataset = made(tmp_path, said, rows=rows)
    spec = dataset.inputs["row"]
    found = read_again(dataset, tmp_path / "x.csv")
    place = spec.categories.index(spec.lists[0])
    assert spec.vocabularies[-1] == place
    assert spec.widths[-1] == spec.widths[place] == 3
    for code, pairs in zip(found.codes[:, place].tolist(), as_lists(found.lists[0]), strict=True):
        assert pairs[0][0] == code
        assert pairs[1][0] not in (0, code)


BAD = {
    "item: {type: category, hash: 1}": r"hash must be an integer of at least 2",
    "item: {type: category, hash: 3000000000}": r"hash may be 2,147,483,647 at most",
    "item: {type: category, width: 0}": r"width must be an integer of at least 1",
    "item: {type: category, vocabulary_of: sen}": r"no column sen.*\n.*vocabulary_of=seen",
    "item: {type: category, vocabulary_of: seen}, seen: {type: category, vocabulary_of: item}": (
        "which has a vocabulary of its own"
    ),
    "item: {type: category, vocabulary_of: seen}": "must be categories",
    "genres: {type: list, split: ','}": r"several values in some cell.*\n.*\n.*split: \"\|\"",
    "genres: {type: list, split: ''}": r"split must be what stands between.*split: \"\|\"",
    "genres: {type: list, pool: max}": "pool must be one of mean, sum",
}


@pytest.mark.parametrize("said", BAD)
def test_what_no_column_can_be_is_refused(said, tmp_path):
    with pytest.raises(Problem, match=f"(?s){BAD[said]}"):
        made(tmp_path, said)


def test_too_many_categories_are_to_be_hashed(tmp_path):
    with pytest.raises(
        Problem, match=r"(?s)10 categories at most.*item=\{type: category, hash: 10\}"
    ):
        made(tmp_path, "item: {type: category}", "dataset.max_vocabulary=10")


def test_lists_train_in_the_embedding_and_without_one(tmp_path):
    said = (
        "genres: {type: list}, item: {type: category}, seen: {type: category, vocabulary_of: item}"
    )
    dataset = made(tmp_path, said)
    train = dataset.splits["train"].inputs["row"]
    for width in (None, 3):
        embedding = SharedEmbedding(dataset.inputs["row"], width)
        linear = embedding.gives.linear(2)
        out = linear(embedding(train))
        assert out.shape == (398, 2)
        out.sum().backward()
        assert all(torch.isfinite(p.grad).all() for p in linear.parameters())
