"""Texts as subwords against the tokenizer's own answers, in a dataset and after it."""

import csv
import gzip
import os
import random
import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

import mtl_cli
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import Subwords
from mtl_cli.dataset.text import Text
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.run.run_data import read_run_data
from mtl_cli.trained.loading import load_run

transformers = pytest.importorskip("transformers")
tokenizers = pytest.importorskip("tokenizers")

CONF = Path(__file__).parents[3] / "conf" / "dataset" / "text.yaml"
IMDB = Path(os.environ.get("MTL_DATA", "")) / "imdb" / "imdb_reviews.csv.gz"
CPU = torch.device("cpu")
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LETTERS = [*"abcde", *(f"##{letter}" for letter in "abcde")]
WORDS = ["abc", "bad", "cab", "dead", "beef", "add", "ace", "ebb", "zzz"]


def make_tokenizer(limit: int = 16):
    """A small tokenizer of subwords, as the library has it."""
    words = [*SPECIAL, *LETTERS, *WORDS[:4]]
    inner = tokenizers.Tokenizer(
        tokenizers.models.WordPiece({w: i for i, w in enumerate(words)}, unk_token="[UNK]")
    )
    inner.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    inner.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]"}
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner,
        model_max_length=limit,
        sep_token="[SEP]",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        **names,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny model with its tokenizer, and rows of texts, beside each other."""
    path = tmp_path_factory.mktemp("model")
    transformers.utils.logging.disable_progress_bar()
    config = transformers.BertConfig(
        vocab_size=24,
        hidden_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=16,
    )
    transformers.BertModel(config).save_pretrained(path)
    make_tokenizer().save_pretrained(path)
    draw = random.Random(0)
    with (path / "rows.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "other", "number", "bad", "length"])
        for i in range(90):
            some = draw.choices(WORDS, k=draw.randint(1, 8)) if i != 7 else []
            more = draw.choices(WORDS, k=draw.randint(1, 3))
            rows.writerow([" ".join(some), " ".join(more), i, int("bad" in some), len(some)])
    return path


def options(folder, **own):
    cfg = OmegaConf.create({"offline": True})
    cfg = OmegaConf.merge(cfg, OmegaConf.load(CONF))
    values = OmegaConf.to_container(cfg.dataset, resolve=True)
    del values["_target_"]
    values["split"]["seed"] = 0
    sources = {"s": {"path": str(folder / "rows.csv"), "labels": {"bad": "bad"}}}
    values |= {"sources": sources, "targets": {"bad": "binary"}, "cache": False}
    return values | {"read_as": "subwords", "tokenizer": str(folder), "batch_size": 8} | own


def texts_of(dataset, split):
    """The codes of each text, without what batches are."""
    bag = dataset.splits[split]["s"].inputs["s"]
    bounds = bag.offsets.tolist()
    return sorted(bag.indices[a:b].tolist() for a, b in pairwise(bounds))


def rows_of(folder):
    with (folder / "rows.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("max_length", [None, 6])
def test_subwords_are_the_tokenizers(folder, max_length):
    dataset = Text.of(**options(folder, max_length=max_length))
    length = max_length or 16
    theirs = make_tokenizer()(
        [row["text"] for row in rows_of(folder)], truncation=True, max_length=length
    )["input_ids"]
    found = [own for split in dataset.splits for own in texts_of(dataset, split)]
    assert sorted(found) == sorted(theirs)
    longest = max(len(own) for own in texts_of(dataset, "train"))
    assert dataset.inputs["s"] == Subwords(19, longest)
    whole = make_tokenizer()([row["text"] for row in rows_of(folder)])["input_ids"]
    cut = sum(len(own) > length for own in whole)
    assert cut > 0
    assert f"s: {cut} texts are cut off after {length} subwords" in dataset.notes
    assert "s: 1 texts are empty, and kept" in dataset.notes


def test_pairs_are_the_tokenizers(folder):
    dataset = Text.of(**options(folder, text=["text", "other"], max_length=12))
    rows = rows_of(folder)
    theirs = make_tokenizer()(
        [row["text"] for row in rows],
        [row["other"] for row in rows],
        truncation=True,
        max_length=12,
    )
    each = zip(theirs["input_ids"], theirs["token_type_ids"], strict=True)
    codes = [[i + 19 * t for i, t in zip(*own, strict=True)] for own in each]
    found = [own for split in dataset.splits for own in texts_of(dataset, split)]
    assert sorted(found) == sorted(codes)
    assert dataset.inputs["s"] == Subwords(19, 12, segments=2)


def test_the_reader_reads_as_training_did(folder, tmp_path):
    dataset = Text.of(**options(folder))
    reader = type(dataset.reader).from_state(dataset.reader.state())
    [part] = reader.read(folder / "rows.csv", "s", 8)
    bag = part.inputs["s"]
    theirs = make_tokenizer()(
        [row["text"] for row in rows_of(folder)], truncation=True, max_length=reader.length
    )["input_ids"]
    assert bag.indices.tolist() == [code for own in theirs for code in own]
    assert part.names["row"].tolist() == list(range(1, 91))


def test_buckets_change_no_epochs_examples_and_go_on_from_anywhere(folder):
    def epoch(number, start=0, **own):
        loader = Text.of(**options(folder, **own)).loader("train", {"bad": "s"}, CPU, seed=3)
        return [batch.inputs["s"] for batch in loader.batches(number, start)]

    def texts(batches):
        codes = [b.indices[i:j].tolist() for b in batches for i, j in bounds(b)]
        return sorted(codes)

    def bounds(bag):
        ends = bag.offsets.tolist()
        return list(pairwise(ends))

    def padding(batches):
        return sum(len(b) * int(b.bounds.diff().max()) - len(b.indices) for b in batches)

    plain, sorted_ones = epoch(1), epoch(1, buckets=True)
    assert texts(plain) == texts(sorted_ones)
    assert [len(b) for b in plain] == [len(b) for b in sorted_ones]
    assert padding(sorted_ones) < padding(plain) / 2
    for a, b in zip(sorted_ones[3:], epoch(1, 3, buckets=True), strict=True):
        assert torch.equal(a.indices, b.indices)
    assert not torch.equal(sorted_ones[0].indices, epoch(2, buckets=True)[0].indices)
    assert texts(epoch(1, drop_last=True)) == texts(epoch(1, drop_last=True, buckets=True))


def test_a_second_start_reads_the_cache_and_gives_the_same(folder, tmp_path):
    first, second = (Text.of(**options(folder, cache=str(tmp_path))) for _ in range(2))
    assert texts_of(first, "train") == texts_of(second, "train")
    assert first.reader.state() == second.reader.state()


@pytest.fixture(scope="module")
def trained(folder, tmp_path_factory):
    """A run of two epochs on a model's folder that is there no more, and one that stopped."""
    runs = tmp_path_factory.mktemp("runs")
    model = runs / "model"
    model.symlink_to(folder)
    sources = f"dataset.sources={{s: {{path: {folder}/rows.csv, labels: {{bad: bad, n: length}}}}}}"
    words = [
        "encoder=hf_text",
        f"encoder.model={model}",
        "dataset=text",
        "dataset.read_as=subwords",
        "dataset.cache=false",
        "dataset.buckets=true",
        sources,
        "dataset.targets={bad: binary, n: regression}",
        "pictures.curves=false",
        "device=cpu",
    ]
    for name, epochs in (("whole", 2), ("half", 1)):
        more = [f"hydra.run.dir={runs / name}", f"trainer.max_epochs={epochs}", "scheduler=none"]
        mtl_cli.train([*words, *more])
    model.unlink()
    return runs


def test_a_run_goes_on_to_the_bit_without_the_models_folder(trained):
    mtl_cli.train([f"resume={trained / 'half'}", "trainer.max_epochs=2"])
    half, whole = (load_run(trained / name, "last", "cpu").model for name in ("half", "whole"))
    for (name, a), b in zip(half.state_dict().items(), whole.state_dict().values(), strict=True):
        assert torch.equal(a, b), name


def test_a_run_predicts_and_evaluates_without_the_models_folder(trained, folder, monkeypatch):
    import mtl_cli.evaluate
    import mtl_cli.predict

    monkeypatch.chdir(trained)
    assert read_run_data(RunFolder(trained / "whole")).inputs["s"].vocabulary_size == 19
    out = trained / "predicted.csv"
    for module, words in (
        (mtl_cli.predict, [f"input={folder / 'rows.csv'}", f"out={out}"]),
        (mtl_cli.evaluate, []),
    ):
        monkeypatch.setattr("sys.argv", ["mtl", f"run={trained / 'whole'}", *words])
        module.main()
    with out.open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 90


def test_what_is_wrong_is_said_with_what_to_do(folder, tmp_path, monkeypatch):
    with pytest.raises(Problem, match=r"must be a column of texts\.\n  found: numbers alone: 0"):
        Text.of(**options(folder, text="number"))
    with pytest.raises(Problem, match=r"must be one column, but for subwords"):
        Text.of(**options(folder, text=["text", "other"], read_as="bag"))
    with pytest.raises(Problem, match=r"the two of pairs"):
        Text.of(**options(folder, text=["text", "other", "number"]))
    with pytest.raises(Problem, match=r"must name a folder or a model"):
        Text.of(**options(folder, tokenizer=None))
    with pytest.raises(Problem, match=r"a folder with tokenizer.json(.|\n)*hf download"):
        Text.of(**options(folder, tokenizer=str(tmp_path)))
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(Problem, match=r"pip install 'mtl-cli\[hub\]'"):
        Text.of(**options(folder))


def test_the_page_of_pretrained_encoders_says_what_runs(folder, tmp_path, monkeypatch):
    page = (CONF.parents[2] / "docs" / "pretrained.md").read_text(encoding="utf-8")
    lines = re.findall(r"^mtl-train encoder=hf_text .*", page, re.M)
    assert len(lines) == 2
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "bert").symlink_to(folder)
    draw = random.Random(0)
    header = ["text", "premise", "hypothesis", "good", "stars", "same"]
    for name in ("reviews", "pairs_en", "pairs_de"):
        with (tmp_path / f"{name}.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(header)
            for i in range(40):
                some = [" ".join(draw.choices(WORDS, k=3)) for _ in range(3)]
                rows.writerow([*some, i % 2, i, i // 2 % 2])
    monkeypatch.chdir(tmp_path)
    for line in lines:
        mtl_cli.train([*shlex.split(line)[1:], "trainer=smoke", "dataset.cache=false"])
    assert len(list(tmp_path.glob("runs/*/*/summary.json"))) == 2


@pytest.mark.skipif(not IMDB.is_file(), reason="MTL_DATA has no imdb")
def test_real_reviews_are_two_tasks(folder, tmp_path):
    with gzip.open(IMDB, "rt", encoding="utf-8", newline="") as whole:
        rows = [row for i, row in enumerate(csv.reader(whole)) if i % 500 == 0]  # the names first
    with (tmp_path / "imdb.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    own = "{sentiment: sentiment, rating: rating}"
    sources = f"{{imdb: {{path: {tmp_path}/imdb.csv, text: review, labels: {own}}}}}"
    words = ["encoder=hf_text", f"encoder.model={folder}", "dataset=text", "trainer=smoke"]
    words += ["dataset.read_as=subwords", f"dataset.sources={sources}", "dataset.cache=false"]
    words += ["dataset.targets={sentiment: binary, rating: regression}", "dataset.max_length=8"]
    summary = mtl_cli.train([*words, f"hydra.run.dir={tmp_path / 'run'}"])
    assert set(summary["test"]) == {"sentiment", "rating"}
