"""The command that a report prints for a missing baseline trains it, on every dataset."""

import shlex
from pathlib import Path

import numpy as np
import pytest

import mtl_cli.train
from mtl_cli.command_line.overrides import composed, words_of
from mtl_cli.study.report import make_report
from mtl_cli.study.report_words import read_words

CONF = Path(__file__).parents[2] / "conf"
SMALL = ["trainer=smoke", "arch=mmoe", "arch.num_experts=2", "weighting=uw"]
NARROW = ["encoder.hidden=[4]"]  # of all but pictures
WORDS = {
    "table": [
        "dataset.path=my table.csv",
        "dataset.targets={age: regression, y: {kind: binary, column: ill, map: {yes: 1, *: 0}}}",
        "dataset.columns.code={type: category}",
        "tasks.age.loss=huber",
        "dataset.reference=0",
    ],
    "text": [
        "dataset.sources={films: {path: my table.csv, text: text, labels: {age: age, ill: ill}}}",
        "dataset.targets={ill: multiclass, age: regression}",
    ],
    "arrays": ["dataset.path=my arrays.npz", "dataset.targets={age: regression, ill: binary}"],
    "scenes": ["dataset.num_train=40", "dataset.num_val=8", "dataset.num_test=8"],
    "parity_mnist": ["dataset.source=digits", "~tasks.parity", "tasks.digit.head=mlp"],
    "correlated": ["dataset.num_samples=400"],
    "sincos": ["dataset.num_samples=400", "dataset.inputs=per_task"],
    "dense_folder": [
        "dataset.path=my pictures",
        "dataset.targets={road: {kind: segmentation, map: {0: no, 1: yes, *: null}}, far: depth}",
    ],
    "idx": ["dataset.path=my digits", "dataset.targets={label: multiclass}"],
    "images": ["dataset.path=my pictures", "dataset.targets={animal: multiclass}"],
    "embedding_notebook": ["experiment=embedding_notebook", "trainer.max_steps=3"],
    "toy": ["experiment=toy", "weighting=uw"],
}
DATASETS = sorted(path.stem for path in (CONF / "dataset").glob("*.yaml"))
# What there is nothing of without a network or files, or no test of, and so no verdict.
COMPOSED = {"reviews_hub", "nyuv2", "cityscapes", "dense_folder", "embedding_notebook", "toy"}
COMPOSED |= {"idx", "images"}


def said_of(folder: Path) -> list[str]:
    """What a report does not answer."""
    found, _ = make_report(*read_words([str(folder), "pictures=false"]))
    return found.notes["Not answered"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a table of texts, where commands are typed."""
    rows = [f"{k},{k % 3},a {'good' if k % 2 else 'bad'} film,{'yn'[k % 2]}" for k in range(60)]
    text = "\n".join(["age,code,text,ill", *rows]).replace(",y", ",yes")
    (tmp_path / "my table.csv").write_text(text + "\n", encoding="utf-8")
    numbers = np.arange(60.0)
    np.savez(tmp_path / "my arrays.npz", x=numbers % 7, age=numbers, ill=numbers % 2)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_there_are_as_many_datasets_as_files() -> None:
    assert len(DATASETS) >= 9
    assert set(WORDS) | COMPOSED <= set(DATASETS)


@pytest.mark.parametrize("dataset", [name for name in DATASETS if name not in COMPOSED])
def test_the_command_for_a_missing_baseline_trains_it(here: Path, dataset: str) -> None:
    own = WORDS.get(dataset, [])
    narrow = [] if dataset == "scenes" else NARROW
    mtl_cli.train([f"dataset={dataset}", *SMALL, *narrow, *own, "hydra.run.dir=runs/joint"])
    [note] = [note for note in said_of(here / "runs") if "no single-task baseline" in note]
    words = shlex.split(note.splitlines()[-1])
    assert words[:2] == ["mtl-train", "--multirun"]
    assert words[-1] == "seed=0,1,2"
    mtl_cli.train([*words[2:-1], "seed=0", "hydra.run.dir=runs/single"])
    assert not [note for note in said_of(here / "runs") if "no single-task baseline" in note]


@pytest.mark.parametrize("dataset", sorted(COMPOSED))
def test_the_command_composes_the_same(dataset: str) -> None:
    config, choices = composed([f"dataset={dataset}", "trainer=smoke", *WORDS.get(dataset, [])])
    assert composed(words_of(config, choices)) == (config, choices)
