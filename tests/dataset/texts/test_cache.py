"""The cache of prepared texts: a second start reads it alone, and it is never out of date."""

from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

from mtl_cli.basis.bag import Bag
from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.text import Text
from mtl_cli.dataset.texts import base as text_sources

CONF = Path(__file__).parent.parents[2] / "conf"
CPU = torch.device("cpu")


@pytest.fixture
def make(tmp_path):
    """Makes the dataset of a file with what is said otherwise."""
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "".join(f"w{i} film,{i % 2}\n" for i in range(30)))
    cfg = OmegaConf.merge({"offline": True}, OmegaConf.load(CONF / "dataset" / "text.yaml"))
    values = OmegaConf.to_container(cfg.dataset, resolve=True)
    del values["_target_"]
    values |= {"targets": {"movie": "binary"}, "cache": str(tmp_path / "cache")}
    values["split"]["seed"] = 0

    def make(**own) -> Text:
        source = {"path": str(path)} | own.pop("source", {})
        own["split"] = values["split"] | own.get("split", {})
        return Text.of(**values | {"sources": {"movie": source}} | own)

    return make


def content(one: Text) -> list:
    """All that the dataset holds, as lists."""
    held = [one.notes, one.class_names, one.sizes_of_tasks, one.reader.state(), one.inputs]
    for split, sources in one.splits.items():
        for rows in sources.values():
            x = rows.inputs["movie"]
            tensors = [x.indices, x.offsets, x.weights] if isinstance(x, Bag) else [x]
            tensors += rows.targets.values()
            held.append((split, [(t.dtype, t.tolist()) for t in tensors]))
    return held


def refuse_to_read(*args):
    raise AssertionError("the files are read again")


@pytest.mark.parametrize("read_as", ["bag", "tokens"])
def test_a_second_start_reads_the_cache_alone_and_gives_the_same(make, read_as, monkeypatch):
    first = content(make(read_as=read_as))
    monkeypatch.setattr(text_sources, "read_source", refuse_to_read)
    again = make(read_as=read_as)
    assert content(again) == first
    next(again.loader("train", again.tasks, CPU, 0).batches(1))
    assert len(list(again.reader.read(Path(__file__), "movie", 10))) > 0


def test_its_files_hold_numbers_and_json_alone(make, tmp_path):
    make()
    (folder,) = (tmp_path / "cache").iterdir()
    assert {path.suffix for path in folder.iterdir()} == {".bin", ".json"}


@pytest.mark.parametrize(
    "own",
    [
        {"split": {"seed": 1}},
        {"split": {"test": 0.3}},
        {"targets": {"movie": {"kind": "binary", "map": {0: "no", 1: "yes"}}}},
        {"read_as": "tokens"},
        {"source": {"encoding": "latin-1"}},
    ],
    ids=str,
)
def test_whatever_changes_the_texts_changes_the_key(make, tmp_path, own):
    make()
    make(**own)
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_other_bytes_have_another_key_and_other_names_have_not(make, tmp_path):
    make()
    (tmp_path / "b.csv").write_bytes((tmp_path / "a.csv").read_bytes())
    make(source={"path": str(tmp_path / "b.csv")})
    make(sampling="max_size", batch_size=3, shuffle=False)
    assert len(list((tmp_path / "cache").iterdir())) == 1
    (tmp_path / "a.csv").write_text("text,label\n" + "aa,0\nbb,1\n" * 20)
    make()
    make(source={"val_path": str(tmp_path / "b.csv")})
    make(source={"test_path": str(tmp_path / "b.csv")})
    assert len(list((tmp_path / "cache").iterdir())) == 4


def test_a_cache_that_is_not_whole_is_not_read(make, tmp_path):
    first = content(make())
    (folder,) = (tmp_path / "cache").iterdir()
    for file in folder.iterdir():
        file.write_bytes(file.read_bytes()[:-1])
        assert content(make()) == first


def test_where_it_cannot_be_written_training_goes_on(make, tmp_path):
    (tmp_path / "file").write_text("")
    one = make(cache=str(tmp_path / "file"))
    assert any(note.startswith("no cache is kept") for note in one.notes)
    assert one.sizes == make(cache=False).sizes


def test_it_can_be_left_out(make, tmp_path):
    make(cache=False)
    assert not (tmp_path / "cache").exists()
    with pytest.raises(Problem, match=r"dataset\.cache must be true, false, or a folder"):
        make(cache=3)
