"""Datasets of texts: named sources, their tasks and splits, and what a user can get wrong."""

import gzip
import json
import os
import sys
import types
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import torch
from omegaconf import OmegaConf
from sklearn.feature_extraction.text import CountVectorizer

from mtl_cli.basis.bag import Bag
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import BagOfWords, Tokens
from mtl_cli.dataset.reviews import Reviews
from mtl_cli.dataset.reviews_hub import ReviewsHub
from mtl_cli.dataset.text import Text

CONF = Path(__file__).parents[2] / "conf"
CPU = torch.device("cpu")
FILMS = [
    ("a good film", "positive"),
    ("a bad film", "negative"),
    ("good , good", "positive"),
    ("not so bad", "positive"),
    ("so so bad", "negative"),
    ("dull", "negative"),
    ("lovely", "positive"),
    ("awful", "negative"),
    ("fine film", "positive"),
    ("poor film", "negative"),
]


def options_of(name: str) -> dict:
    """What a YAML says of a dataset."""
    cfg = OmegaConf.create({"offline": True})
    cfg = OmegaConf.merge(cfg, OmegaConf.load(CONF / "dataset" / f"{name}.yaml"))
    values = OmegaConf.to_container(cfg.dataset, resolve=True)
    del values["_target_"]
    values["split"]["seed"] = 0
    return values


def dataset(sources, targets, kind=Text, **own) -> Text:
    values = options_of("text") | {"cache": False}
    values["vectorizer"] |= {"kind": "count"}
    own["split"] = values["split"] | own.get("split", {})
    return kind.of(**values | {"sources": sources, "targets": targets} | own)


def write_csv(path: Path, rows=FILMS, header="text,label") -> str:
    lines = [header, *(",".join(f'"{cell}"' for cell in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def texts_of(one: Text, split: str, source: str, vocabulary: list[str]) -> list[str]:
    """The words of each example, as a text."""
    bag = one.splits[split][source].inputs[source]
    return [
        " ".join(vocabulary[word] for word in bag[i : i + 1].indices.tolist())
        for i in range(len(bag))
    ]


def test_counts_and_labels_are_those_of_the_file(tmp_path):
    one = dataset({"movie": {"path": write_csv(tmp_path / "a.csv")}}, {"movie": "binary"})
    vocabulary = one.reader.state()["vectorizer"]["vocabulary"]
    assert one.sizes == {"train": 7, "val": 1, "test": 2}
    assert one.class_names == {"movie": ["negative", "positive"]}
    assert one.tasks == {"movie": "movie"}
    assert one.inputs == {"movie": BagOfWords(len(vocabulary))}
    found = []
    for split in one.sizes:
        rows = one.splits[split]["movie"]
        bag, labels = rows.inputs["movie"], rows.targets["movie"].tolist()
        assert isinstance(bag, Bag)
        for i, label in enumerate(labels):
            own = bag[i : i + 1]
            words = {
                vocabulary[w]: c for w, c in zip(own.indices, own.weights.tolist(), strict=True)
            }
            found.append((words, ["negative", "positive"][int(label)]))
    reference = CountVectorizer(vocabulary=vocabulary)
    counts = reference.transform([text for text, _ in FILMS]).toarray()
    expected = [
        ({vocabulary[j]: float(row[j]) for j in np.flatnonzero(row)}, label)
        for row, (_, label) in zip(counts, FILMS, strict=True)
    ]
    assert sorted(map(str, found)) == sorted(map(str, expected))


def test_the_vocabulary_is_that_of_train_alone_of_all_sources(tmp_path):
    rows = [(f"word{i} {'good' if i % 2 else 'bad'}", i % 2) for i in range(20)]
    more = [(f"term{i} place", i % 3) for i in range(30)]
    one = dataset(
        {
            "movie": {"path": write_csv(tmp_path / "a.csv", rows)},
            "place": {"path": write_csv(tmp_path / "b.csv", more)},
        },
        {"movie": "binary", "place": "multiclass"},
    )
    words = set(one.reader.state()["vectorizer"]["vocabulary"])
    assert len({w for w in words if w.startswith("word")}) == 14
    assert len({w for w in words if w.startswith("term")}) == 21
    assert words > {"good", "bad", "place"}
    assert one.inputs["movie"] == one.inputs["place"] == BagOfWords(len(words))
    assert one.sizes_of_tasks == {"place": 3}


def test_one_source_feeds_several_tasks_of_every_kind(tmp_path):
    rows = [(f"w{i}", i % 2, i % 3, i, "" if i == 4 else i % 2, 1 - i % 2) for i in range(30)]
    path = write_csv(tmp_path / "a.csv", rows, "review,liked,stars,price,spam,rude")
    labels = {"liked": "liked", "stars": "stars", "price": "price", "flags": ["spam", "rude"]}
    kinds = {"liked": "binary", "stars": "multiclass", "price": "regression", "flags": "multilabel"}
    one = dataset({"shop": {"path": path, "text": "review", "labels": labels}}, kinds)
    assert one.tasks == dict.fromkeys(labels, "shop")
    assert one.sizes_of_tasks == {"stars": 3, "price": 1, "flags": 2}
    target = one.targets("train")
    assert target["flags"].shape == (21, 2)
    assert target["stars"].dtype == torch.long
    assert target["price"].dtype == torch.float64  # standardised before it is single
    assert target["liked"].dtype == torch.float32
    missing = sum(int(one.targets(split)["flags"].isnan().sum()) for split in one.sizes)
    assert missing == 1


def test_a_label_map_says_the_classes(tmp_path):
    path = write_csv(tmp_path / "a.csv", [(f"w{i}", 1 + i % 5) for i in range(50)])
    stars = {1: "negative", 2: "negative", 3: "neutral", 4: "positive", 5: "positive"}
    one = dataset({"yelp": {"path": path}}, {"yelp": {"kind": "multiclass", "map": stars}})
    assert one.class_names == {"yelp": ["negative", "neutral", "positive"]}
    assert torch.bincount(one.targets("test")["yelp"]).tolist() == [4, 2, 4]  # stratified
    order = ["positive", "neutral", "negative"]
    said = {"kind": "ordinal", "map": stars, "order": order}
    one = dataset({"yelp": {"path": path}}, {"yelp": said})
    assert one.class_names["yelp"] == one.reader.targets["yelp"].names == order
    assert one.sizes_of_tasks == {"yelp": 3}
    some = {key: value for key, value in stars.items() if key != 3}
    with pytest.raises(Problem, match=r"(?s)'3'.*10.*row 3 of a\.csv") as error:
        dataset({"yelp": {"path": path}}, {"yelp": {"kind": "multiclass", "map": some}})
    assert "dataset.targets.yelp.map" in str(error.value)


def test_a_file_for_each_class(tmp_path):
    """Lines end at line breaks alone: not at NEL, nor at a form feed."""
    (tmp_path / "rt.pos").write_bytes("good\x85film\n\nnice\x0cone\r\n".encode() * 4)
    (tmp_path / "rt.neg").write_bytes(b"bad\n" * 12)
    paths = {name: str(tmp_path / f"rt.{name[:3]}") for name in ("positive", "negative")}
    one = dataset({"movie": {"path": paths}}, {"movie": "binary"})
    assert sum(one.sizes.values()) == 24
    assert one.class_names["movie"] == ["negative", "positive"]
    assert torch.cat([one.targets(split)["movie"] for split in one.sizes]).sum() == 12
    vocabulary = set(one.reader.state()["vectorizer"]["vocabulary"])
    assert vocabulary == {"good", "film", "nice", "one", "bad"}


@pytest.mark.parametrize("form", ["csv", "csv.gz", "tsv", "jsonl", "parquet", "folder", "glob"])
def test_every_format_gives_the_same(tmp_path, form):
    plain = write_csv(tmp_path / "plain.csv")
    path = tmp_path / f"a.{form}"
    if form == "csv.gz":
        path.write_bytes(gzip.compress(Path(plain).read_bytes()))
    elif form == "tsv":
        path.write_text("text\tlabel\n" + "".join(f"{t}\t{y}\n" for t, y in FILMS))
    elif form == "jsonl":
        path.write_text("".join(json.dumps({"text": t, "label": y}) + "\n" for t, y in FILMS))
    elif form == "parquet":
        columns = dict(zip(("text", "label"), map(list, zip(*FILMS, strict=True)), strict=True))
        pyarrow.parquet.write_table(pyarrow.table(columns), path)
    else:
        path = tmp_path / "inside"
        path.mkdir()
        for i in (0, 5):
            write_csv(path / f"{i}.csv", FILMS[i : i + 5])
        path = path / "*.csv" if form == "glob" else path
    if form == "csv":
        path = Path(plain)
    expected = dataset({"movie": {"path": plain}}, {"movie": "binary"})
    one = dataset({"movie": {"path": str(path)}}, {"movie": "binary"})
    assert one.reader.state()["vectorizer"] == expected.reader.state()["vectorizer"]
    for split in expected.sizes:
        ours, theirs = one.splits[split]["movie"], expected.splits[split]["movie"]
        assert torch.equal(ours.inputs["movie"].indices, theirs.inputs["movie"].indices)
        assert torch.equal(ours.targets["movie"], theirs.targets["movie"])


def test_line_breaks_and_nel_inside_quotes_split_no_row(tmp_path):
    rows = [(f"one{i}\nline\x85next", i % 2) for i in range(20)]
    one = dataset({"movie": {"path": write_csv(tmp_path / "a.csv", rows)}}, {"movie": "binary"})
    assert sum(one.sizes.values()) == 20
    assert {"line", "next"} < set(one.reader.state()["vectorizer"]["vocabulary"])


def test_a_column_says_the_split_and_fractions_what_it_leaves_open(tmp_path):
    rows = [(f"w{i}", i % 2, "test" if i >= 30 else "train") for i in range(40)]
    path = write_csv(tmp_path / "a.csv", rows, "text,label,split")
    source = {"path": path, "split": {"by": "column", "column": "split"}}
    one = dataset({"movie": source}, {"movie": "binary"}, split={"val": 0.2})
    assert one.sizes == {"train": 24, "val": 6, "test": 10}
    assert one.targets("val")["movie"].sum() == 3
    vocabulary = one.reader.state()["vectorizer"]["vocabulary"]
    assert not {f"w{i}" for i in range(30, 40)} & set(vocabulary)
    assert dataset({"movie": source}, {"movie": "binary"}, split={"val": 0.0}).sizes == {
        "train": 30,
        "test": 10,
    }


@pytest.mark.parametrize("by", ["group", "time"])
def test_texts_are_dealt_by_a_column_of_their_source(tmp_path, by):
    """The other source keeps its fractions."""
    rows = [(f"w{i} d{i // 4}", i % 2, i // 4) for i in range(80)]
    path = write_csv(tmp_path / "a.csv", rows, "text,label,doc")
    sources = {"a": {"path": path, "split": {"by": by, "column": "doc"}}, "b": {"path": path}}
    one = dataset(sources, {"a": "binary", "b": "binary"})
    words = one.reader.state()["vectorizer"]["vocabulary"]
    texts = {split: texts_of(one, split, "a", list(words)) for split in one.sizes}
    docs = {
        split: {word for text in own for word in text.split() if word.startswith("d")}
        for split, own in texts.items()
    }
    assert {split: len(own) for split, own in texts.items()} == {"train": 56, "val": 8, "test": 16}
    if by == "time":
        assert docs["train"] == {f"d{i}" for i in range(14)}
    assert not docs["train"] & (docs["val"] | docs["test"])
    assert one.drawn == ["test", "val"]  # b's


def test_files_of_their_own_for_val_and_test(tmp_path):
    paths = {
        key: write_csv(tmp_path / f"{key}.csv", [(f"{key}{i}", i % 2) for i in range(n)])
        for key, n in (("path", 20), ("val_path", 4), ("test_path", 6))
    }
    one = dataset({"movie": paths}, {"movie": "binary"}, split={"val": 0.5, "test": 0.5})
    assert one.sizes == {"train": 20, "val": 4, "test": 6}
    assert "test1" not in one.reader.state()["vectorizer"]["vocabulary"]


def test_the_seed_alone_draws_the_split(tmp_path):
    path = write_csv(tmp_path / "a.csv", [(f"w{i}", i % 2) for i in range(60)])
    words = [
        dataset({"m": {"path": path}}, {"m": "binary"}, split={"seed": seed}).reader.state()
        for seed in (0, 0, 1)
    ]
    assert words[0] == words[1] != words[2]


def test_empty_texts_are_kept_and_counted(tmp_path):
    rows = [*FILMS, ("", "positive"), ("  ", "negative"), ("! ?", "positive")]
    path = write_csv(tmp_path / "a.csv", rows)
    one = dataset({"movie": {"path": path}}, {"movie": "binary"}, split={"test": 0.0})
    assert sum(one.sizes.values()) == 13
    assert "movie: 2 texts are empty, and kept" in one.notes
    assert any(note.endswith("texts have no word that counts: empty bags") for note in one.notes)
    for batch in one.loader("train", one.tasks, CPU, 0).batches(1):
        assert len(batch.inputs["movie"]) == len(batch.targets["movie"])


@pytest.mark.parametrize("kind", ["count", "tfidf"])
def test_tokens_are_the_words_in_their_order(tmp_path, kind):
    path = write_csv(tmp_path / "a.csv", [("good bad good", 1), ("bad", 0)] * 10)
    vectorizer = options_of("text")["vectorizer"] | {"kind": kind}
    words = {"read_as": "tokens", "vectorizer": vectorizer}
    one = dataset({"movie": {"path": path}}, {"movie": "binary"}, **words)
    assert one.inputs["movie"] == Tokens(4, 3)
    batch = next(one.loader("train", one.tasks, CPU, 0).batches(1))
    tokens, labels = batch.inputs["movie"], batch.targets["movie"]
    assert tokens.dtype == torch.long
    bad, good = 2, 3  # by the alphabet, after padding and unknown words
    for row, label in zip(tokens.tolist(), labels.tolist(), strict=True):
        assert row == ([good, bad, good] if label else [bad, 0, 0])
    short = dataset({"m": {"path": path}}, {"m": "binary"}, read_as="tokens", max_length=2)
    assert short.inputs["m"] == Tokens(4, 2)
    assert "m: 10 texts are cut off after 2 words" in short.notes
    for own in ({"ngram_range": [1, 2]}, {"kind": "hashing"}):
        refused("must know single words", {}, {}, read_as="tokens", vectorizer=vectorizer | own)


def test_hashes_need_no_vocabulary_and_give_the_same_in_chunks(tmp_path, monkeypatch):
    vectorizer = options_of("text")["vectorizer"] | {"kind": "hashing", "num_features": 64}
    path = write_csv(tmp_path / "a.csv")
    sources, targets = {"movie": {"path": path}}, {"movie": "binary"}
    whole = dataset(sources, targets, vectorizer=vectorizer)
    monkeypatch.setattr("mtl_cli.dataset.texts.chunks.CHUNK_ROWS", 3)
    parts = dataset(sources, targets, vectorizer=vectorizer)
    assert whole.inputs == {"movie": BagOfWords(64)}
    assert "vocabulary" not in whole.reader.state()["vectorizer"]
    for split in whole.sizes:
        bags = [one.splits[split]["movie"].inputs["movie"] for one in (whole, parts)]
        assert torch.equal(bags[0].indices, bags[1].indices)
        assert torch.equal(bags[0].weights, bags[1].weights)


def test_reviews_run_at_once_and_say_that_they_are_made_up():
    one = Reviews.of(**options_of("reviews"))
    assert one.source == "generated"
    assert "generated" in one.notice
    assert one.sizes_of_tasks == {"yelp": 3}
    assert one.class_names["yelp"] == ["negative", "neutral", "positive"]
    assert sum(one.sizes.values()) == 10_000
    assert one.sampling.sampling == "min_size"


def test_reviews_read_files_where_they_are_named(tmp_path):
    values = options_of("reviews") | {"cache": False}
    yelp = write_csv(tmp_path / "y.csv", [(f"w{i}", 1 + i % 5) for i in range(50)], "text,stars")
    values["sources"]["movie"]["path"] = write_csv(tmp_path / "a.csv")
    half = Reviews.of(**values)
    assert half.source == "files+generated"
    assert half.notice is not None
    values["sources"]["yelp"]["path"] = yelp
    whole = Reviews.of(**values)
    assert (whole.source, whole.notice) == ("files", None)
    assert sum(whole.sizes.values()) == 60


class FakeRows:
    """The little of a ``datasets.Dataset`` that is used."""

    def __init__(self, columns: dict[str, list]) -> None:
        self.table = pyarrow.table(columns)
        self.column_names = list(columns)

    def with_format(self, name: str) -> "FakeRows":
        assert name == "arrow"
        return self

    def iter(self, batch_size: int):
        for i in range(0, len(self.table), batch_size):
            yield self.table.slice(i, batch_size)


def fake_hub(name: str, download_config):
    texts = [f"{name} {i}" for i in range(20)]
    if name == "rotten_tomatoes":
        labels = [i % 2 for i in range(20)]
        return {
            s: FakeRows({"text": texts, "label": labels}) for s in ("train", "validation", "test")
        }
    if name == "yelp_review_full":
        labels = [i % 5 for i in range(20)]
        return {s: FakeRows({"label": labels, "text": texts}) for s in ("train", "test")}
    raise FileNotFoundError(f"Dataset '{name}' doesn't exist on the Hub")


def test_hugging_face_datasets_are_read_by_name(monkeypatch):
    module = types.SimpleNamespace(load_dataset=fake_hub, DownloadConfig=lambda local_files_only: 1)
    monkeypatch.setitem(sys.modules, "datasets", module)
    values = options_of("reviews_hub")
    one = ReviewsHub.of(**values)
    assert one.source == "hub"
    assert {s: {n: len(r) for n, r in own.items()} for s, own in one.splits.items()} == {
        "train": {"movie": 20, "yelp": 18},
        "val": {"movie": 20, "yelp": 2},
        "test": {"movie": 20, "yelp": 20},
    }
    assert one.class_names == {
        "movie": ["negative", "positive"],
        "yelp": ["negative", "neutral", "positive"],
    }
    values["sources"]["movie"]["path"] = "hub:rotten_potatoes"
    with pytest.raises(Problem, match="doesn't exist on the Hub"):
        ReviewsHub.of(**values)


def test_the_missing_hub_package_is_named_with_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(Problem, match=r"pip install 'mtl-cli\[hub\]'"):
        ReviewsHub.of(**options_of("reviews_hub"))


def refused(message: str, sources, targets, **own) -> None:
    with pytest.raises(Problem, match=message):
        dataset(sources, targets, **own)


def test_missing_files_and_columns_are_named(tmp_path):
    path = write_csv(tmp_path / "movie.csv")
    binary = {"movie": "binary"}
    refused(r"movie\.csv", {"movie": {"path": str(tmp_path / "moive.csv")}}, binary)
    refused(
        "(?s)text, label.*lable.*label",
        {"movie": {"path": path, "labels": {"movie": "lable"}}},
        binary,
    )
    refused("must say where the texts are", {"movie": {}}, binary)


def test_broken_rows_are_named_or_skipped_and_counted(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "".join(f"{t.replace(',', '')},{y}\n" for t, y in FILMS))
    path.write_text(path.read_text().replace("dull,negative", "dull,grey,negative"))
    refused("row 6 of", {"movie": {"path": str(path)}}, {"movie": "binary"})
    one = dataset({"movie": {"path": str(path)}}, {"movie": "binary"}, on_bad_row="skip")
    assert sum(one.sizes.values()) == 9
    assert "movie: 1 broken rows are skipped" in one.notes


@pytest.mark.parametrize("name", ["a.csv", "rt.pos"])
def test_a_wrong_encoding_is_named_with_its_byte(tmp_path, name):
    data = "".join(f"film{i},{i % 2}\n" for i in range(20)) + "café,1\n"
    (tmp_path / name).write_bytes(b"text,label\n" + data.encode("latin-1"))
    path = str(tmp_path / name)
    position = len("text,label\n" + data) - 4
    source = {"path": path if name == "a.csv" else {"positive": path, "negative": path}}
    refused(f"position {position}", {"movie": source}, {"movie": "binary"})
    refused(r"sources\.movie\.encoding=cp1252", {"movie": source}, {"movie": "binary"})
    one = dataset(
        {"movie": source | {"encoding": "latin-1"}}, {"movie": "binary"}, split={"test": 0.0}
    )
    words = {w for w in one.reader.state()["vectorizer"]["vocabulary"] if w.startswith("caf")}
    assert words <= {"café"}


def test_rows_that_cannot_be_trained_on_are_refused(tmp_path):
    few = [(f"w{i}", i % 2, "train" if i % 2 else "test") for i in range(20)]
    path = write_csv(tmp_path / "a.csv", few, "text,label,split")
    source = {"movie": {"path": path, "split": {"by": "column", "column": "split"}}}
    refused("(?s)must have two classes in train.*no 0", source, {"movie": "binary"})
    constant = write_csv(tmp_path / "b.csv", [(f"w{i}", 1) for i in range(20)])
    refused("movie", {"movie": {"path": constant}}, {"movie": "binary"})
    empty = write_csv(tmp_path / "c.csv", [])
    refused("must hold rows", {"movie": {"path": empty}}, {"movie": "binary"})
    (tmp_path / "d.pos").write_text("")
    classes = {"positive": str(tmp_path / "d.pos"), "negative": path}
    refused("must hold rows", {"movie": {"path": classes}}, {"movie": "binary"})


def test_sources_and_tasks_that_do_not_fit_are_refused(tmp_path):
    path = write_csv(tmp_path / "a.csv")
    refused("must name at least one source", {}, {})
    old = {"m": {"path": path, "val_fraction": 0.2}}
    refused(r"try:   'dataset\.sources\.m\.split=\{val: 0\.2\}'", old, {"m": "binary"})
    own = {"m": {"path": path, "split": {"seed": 1}}}
    refused(r"dataset\.sources\.m\.split\.seed has no such option", own, {"m": "binary"})
    weighed = {"m": {"kind": "binary", "weight": "w"}}
    refused(r"dataset\.targets\.m\.weight is of tables", {"m": {"path": path}}, weighed)
    refused(r"dataset\.targets=\{m: binary\}", {"m": {"path": path}}, {})
    refused(r"try:   dataset\.sources\.m\.path", {"m": {"pth": path}}, {"m": "binary"})
    refused("is a mapping of settings", {"m": path}, {"m": "binary"})
    refused("must have the labels of some task", {"m": {"path": path}}, {"film": "binary"})
    other = {"m": {"path": path, "labels": {"x": "label"}}}
    refused("must be a task of dataset.targets", other, {"y": "binary"})
    twice = {name: {"path": path, "labels": {"t": "label"}} for name in ("a", "b")}
    refused(r"labels: \{t_b: label\} in dataset.sources.b", twice, {"t": "binary"})
    refused("must be one of regression", {"m": {"path": path}}, {"m": "bin"})
    labels = {"m": ["label", "text"]}
    refused("must be one column", {"m": {"path": path, "labels": labels}}, {"m": "binary"})


@pytest.mark.skipif("MTL_DATA" not in os.environ, reason="no real data at hand")
def test_the_movie_snippets_and_the_sites_are_read_whole():
    folder = Path(os.environ["MTL_DATA"])
    paths = {
        name: str(folder / f"rt-polarity/rt-polarity.{name[:3]}")
        for name in ("positive", "negative")
    }
    sites = folder / "extras/sentiment-labelled-sentences"
    sources = {"movie": {"path": paths}} | {
        site: {
            "path": str(sites / f"{site}_labelled.txt"),
            "header": False,
            "names": ["text", "label"],
            "quote": None,
        }
        for site in ("imdb", "amazon_cells", "yelp")
    }
    one = dataset(sources, dict.fromkeys(sources, "binary"))
    totals = {n: sum(len(own[n]) for own in one.splits.values()) for n in sources}
    assert totals == {"movie": 10662, "imdb": 1000, "amazon_cells": 1000, "yelp": 1000}
    for split in one.sizes:
        for target in one.targets(split).values():
            assert abs(float(target.mean()) - 0.5) < 0.01


@pytest.mark.parametrize("read_as", ["bag", "tokens"])
def test_texts_without_blanks_are_told_and_read_by_their_characters(tmp_path, read_as):
    """Of four words, two for each class, in an order of its own: no text comes twice."""
    generator = np.random.default_rng(0)
    words = {"1": ["好看", "喜欢"], "0": ["失望", "无聊"]}
    rows = sorted(
        {
            ("".join(generator.choice([*words[mood], "电影"], 6)), mood)
            for mood in words
            for _ in range(30)
        }
    )
    source = {"movie": {"path": write_csv(tmp_path / "a.csv", rows)}}
    one = dataset(source, {"movie": "binary"}, read_as=read_as)
    told = [note for note in one.notes if "one of the" in note]
    assert len(told) == 1
    assert "dataset.vectorizer.analyzer=char 'dataset.vectorizer.ngram_range=[1,3]'" in told[0]
    own = options_of("text")["vectorizer"] | {"kind": "count", "analyzer": "char"}
    other = dataset(source, {"movie": "binary"}, read_as=read_as, vectorizer=own)
    assert not [note for note in other.notes if "one of the" in note]
    assert set(other.reader.state()["vectorizer"]["vocabulary"]) == set("好看喜欢失望无聊电影")
    read = next(other.reader.read(tmp_path / "a.csv", "movie", 9)).inputs["movie"]
    assert len(read) == len(rows)
    if read_as == "tokens":
        assert (read[:, :12] > 1).all()  # every character is known
