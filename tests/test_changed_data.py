"""A run goes on with the data that it was trained on: a change is noticed, said, and allowed by a
word alone."""

from pathlib import Path

import numpy as np
import pytest
import torch

import mtl_cli
from mtl_cli.basis.bag import Bag
from mtl_cli.basis.digest import digest_of
from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.memory.rows import Rows

ROWS = np.random.default_rng(0).normal(size=(60, 3)).round(3).tolist()
TEXT = ["a,b,y", *(",".join(map(str, row)) for row in ROWS)]

CHANGES = {
    "a label": [*TEXT[:5], TEXT[5] + "1", *TEXT[6:]],
    "a cell": [*TEXT[:5], "9" + TEXT[5].lstrip("-"), *TEXT[6:]],
    "order": [TEXT[0], *reversed(TEXT[1:])],
    "a row more": [*TEXT, "0.5,0.5,0.5"],
    "a row less": TEXT[:-1],
}


def content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("changed")
    (folder / "t.csv").write_text("\n".join(TEXT))
    words = ["dataset=table", f"dataset.path={folder}/t.csv", "dataset.targets={y: regression}"]
    words += ["encoder.hidden=[4]", "dataset.reference=0", "trainer.max_steps=8"]
    mtl_cli.train([f"hydra.run.dir={folder}/run", *words])
    return folder / "t.csv", folder / "run"


@pytest.mark.parametrize("change", CHANGES)
def test_other_data_is_refused_and_nothing_has_changed(trained, change) -> None:
    table, run = trained
    table.write_text("\n".join(CHANGES[change]))
    before = content(run)
    with pytest.raises(Problem, match="the data of a run that goes on") as error:
        mtl_cli.train([f"resume={run}", "trainer.max_steps=12"])
    assert ("more or fewer examples" in str(error.value)) == ("a row" in change)
    assert content(run) == before


def test_the_same_data_goes_on_and_other_data_by_a_word(trained) -> None:
    table, run = trained
    table.write_text("\n".join(TEXT) + "\n")  # the same rows, if not the same bytes
    mtl_cli.train([f"resume={run}", "trainer.max_steps=12"])
    table.write_text("\n".join(CHANGES["a label"]))
    mtl_cli.train([f"resume={run}", "trainer.max_steps=16", "changed_data=true"])
    mtl_cli.train([f"resume={run}", "trainer.max_steps=20"])  # which is its data now


def test_a_digest_is_of_every_number_and_name() -> None:
    bag = Bag(torch.tensor([1, 2]), torch.tensor([0, 1, 2]), torch.ones(2))
    rows = Rows({"x": bag}, {"y": torch.tensor([0.0, 1.0])}, {"y": torch.ones(2)})
    first = digest_of({"train": rows})
    assert first == digest_of({"train": Rows(rows.inputs, rows.targets, rows.weights)})
    others = [
        {"val": rows},
        {"train": Rows({"z": bag}, rows.targets, rows.weights)},
        {"train": Rows({"x": bag}, {"y": torch.tensor([1.0, 0.0])}, rows.weights)},
        {"train": Rows({"x": bag}, rows.targets, {"y": torch.tensor([1.0, 2.0])})},
        {"train": Rows({"x": bag}, {"y": torch.tensor([0, 1])}, rows.weights)},
        {"train": Rows({"x": bag.indices}, rows.targets, rows.weights)},
    ]
    assert len({first, *map(digest_of, others)}) == 7
