"""Reading new texts: by what was fitted on train, from files of any kind, without pickles."""

import json
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

from mtl_cli.basis.bag import Bag
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import BagOfWords, Tokens
from mtl_cli.dataset.columns.labels import known_labels
from mtl_cli.dataset.readers import text as text_reader
from mtl_cli.dataset.readers.text import TextReader
from mtl_cli.dataset.text import Text

CONF = Path(__file__).parent.parents[2] / "conf"
TEXTS = ["a good film", "the film was bad", "good", "bad, bad, bad"] * 5


@pytest.fixture(params=["count", "tfidf", "hashing", "tokens"])
def trained(request, tmp_path) -> Text:
    path = tmp_path / "train.csv"
    rows = [f'"{text}",{int("good" in text)}' for text in TEXTS]
    path.write_text("text,label\n" + "\n".join(rows))
    cfg = OmegaConf.merge({"offline": True}, OmegaConf.load(CONF / "dataset" / "text.yaml"))
    values = OmegaConf.to_container(cfg.dataset, resolve=True)
    del values["_target_"]
    if request.param == "tokens":
        values["read_as"] = "tokens"
    else:
        values["vectorizer"] |= {"kind": request.param, "num_features": 50}
    values |= {
        "split": values["split"] | {"seed": 0, "test": 0.0, "val": 0.0},
        "cache": False,
        "shuffle": False,
        "batch_size": None,
    }
    source = {"path": str(path)}
    return Text.of(**values | {"sources": {"movie": source}, "targets": {"movie": "binary"}})


def restored(one: Text) -> TextReader:
    return TextReader.from_state(json.loads(json.dumps(one.reader.state())))


def as_lists(x) -> list:
    return [t.tolist() for t in ((x.indices, x.offsets, x.weights) if isinstance(x, Bag) else (x,))]


@pytest.mark.parametrize("name", ["new.csv", "new.jsonl", "new.txt"])
def test_the_train_texts_are_read_as_they_were(trained, tmp_path, name):
    path = tmp_path / name
    if name == "new.csv":
        path.write_text("label,text\n" + "".join(f'?,"{text}"\n' for text in TEXTS))
    elif name == "new.jsonl":
        path.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    else:
        path.write_text("".join(f"{text}\n" for text in TEXTS))
    reader = restored(trained)
    assert reader.inputs == trained.inputs
    read = list(reader.read(path, "movie", 20))
    assert [row for part in read for row in part.names["row"]] == list(range(1, 21))
    assert {name for part in read for name in part.names["file"]} == {path.name}
    loader = trained.loader("train", trained.tasks, torch.device("cpu"), 0)
    (expected,) = [batch.inputs["movie"] for batch in loader.batches(1)]
    assert as_lists(read[0].inputs["movie"]) == as_lists(expected)
    assert read[0].inputs["movie"].dtype == torch.long if not isinstance(expected, Bag) else True


def test_it_reads_some_at_a_time(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(text_reader, "CHUNK_ROWS", 3)
    path = tmp_path / "new.txt"
    path.write_text("good\n" * 7)
    parts = list(restored(trained).read(path, "movie", 3))
    assert [len(part) for part in parts] == [3, 3, 1]
    assert [row for part in parts for row in part.names["row"]] == list(range(1, 8))


def test_labels_are_read_as_in_training(trained, tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("text,label\ngood,1\nbad,0\nfilm,\n")
    reader = restored(trained)
    (part,) = reader.read(path, "movie", 3, ["movie"])
    assert part.targets["movie"][:2].tolist() == [1, 0]
    assert part.targets["movie"][2].isnan()
    path.write_text("text,label\ngood,1\nbad,2\n")
    with pytest.raises(Problem, match=r"'2' .1 times, first in row 2 of new\.csv"):
        next(reader.read(path, "movie", 3, ["movie"]))
    path.write_text("text,other\ngood,1\n")
    with pytest.raises(Problem, match="found: label"):
        next(reader.read(path, "movie", 3, ["movie"]))
    (tmp_path / "new.txt").write_text("good\n")
    with pytest.raises(Problem, match="must have a column for each label"):
        next(reader.read(tmp_path / "new.txt", "movie", 3, ["movie"]))


@pytest.mark.parametrize(
    ("given", "cells", "targets"),
    [
        ({1: "neg", 5: "pos"}, ["1", "5", ""], [0, 1, -1]),
        ({"5": "pos", "*": "neg"}, ["3", "5", "x"], [0, 1, 0]),
        ({"a": None, "b": "pos", "c": "neg"}, ["a", "b", "c"], [-1, 1, 0]),
        (None, ["neg", "pos", "?"], [0, 1, -1]),
    ],
)
def test_a_label_map_is_kept(given, cells, targets):
    labels = known_labels("movie", "multiclass", ["neg", "pos"], given)
    assert labels.targets(cells, str).tolist() == targets


def test_words_that_were_not_met_and_empty_texts_are_no_mistake(trained, tmp_path):
    path = tmp_path / "new.txt"
    path.write_text("unheard of\n\n")
    (part,) = restored(trained).read(path, "movie", 3)
    assert len(part.inputs["movie"]) == 2


def test_its_state_says_the_spec(trained):
    state = trained.reader.state()
    spec = trained.inputs["movie"]
    assert state["num_features"] == spec.vocabulary_size
    assert isinstance(spec, Tokens if state["length"] else BagOfWords)


def test_mistakes_are_refused(trained, tmp_path):
    reader = restored(trained)
    with pytest.raises(Problem, match="must be one of movie"):
        next(reader.read(tmp_path, "film", 3))
    with pytest.raises(Problem, match="must be a file, a folder or a glob"):
        next(reader.read(tmp_path / "none.csv", "movie", 3))
    (tmp_path / "new.csv").write_text("review\ngood\n")
    with pytest.raises(Problem, match="must name columns that are there: review"):
        next(reader.read(tmp_path / "new.csv", "movie", 3))
    (tmp_path / "new.txt").write_bytes("café\n".encode("latin-1"))
    with pytest.raises(Problem, match="at position 3"):
        next(reader.read(tmp_path / "new.txt", "movie", 3))
