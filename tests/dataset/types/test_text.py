"""Columns of texts: parts of the input beside the row, read as scikit-learn's vectorizers do."""

import csv
import json
import random
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from omegaconf import OmegaConf
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

import mtl_cli
from mtl_cli.basis.batch import Joint, matrix
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import BagOfWords, Dense, Joined, Subwords, Tokens
from mtl_cli.dataset.table import Table
from mtl_cli.evaluate import evaluate
from mtl_cli.predict import predict

YAML = Path(__file__).parents[3] / "conf" / "dataset" / "table.yaml"
DEFAULTS = OmegaConf.to_container(OmegaConf.load(YAML).dataset)
DEFAULTS.pop("_target_")
N = 60
WORDS = ["warm", "cold", "late", "early", "broken", "lovely", "the", "box", "shoe", "cat"]
REVIEW = {"type": "text"}
SPLIT = DEFAULTS["split"] | {"by": "column", "column": "part", "seed": 0}


def frame() -> pd.DataFrame:
    draw = random.Random(0)
    texts = [" ".join(draw.choices(WORDS, k=draw.randint(1, 6))) for _ in range(N)]
    texts = ["" if i % 7 == 3 else text for i, text in enumerate(texts)]
    texts[N - 1] += " unheard"  # of test alone
    parts = ["train" if i < 40 else "val" if i < 50 else "test" for i in range(N)]
    price = [round(draw.uniform(1, 9), 2) for _ in range(N)]
    return pd.DataFrame(
        {"price": price, "review": texts, "part": parts, "good": [i % 2 for i in range(N)]}
    )


@pytest.fixture
def path(tmp_path):
    frame().to_csv(tmp_path / "a.csv", index=False)
    return tmp_path / "a.csv"


def make(path, **columns):
    own = {"path": str(path), "targets": {"good": "binary"}, "columns": columns, "split": SPLIT}
    return Table.of(**DEFAULTS | own)


def table(path, review=REVIEW, **columns):
    return make(path, review=review, **columns)


def dense(bag, size):
    """A bag as a matrix [B, V]."""
    found = torch.zeros(len(bag), size)
    rows = torch.repeat_interleave(torch.arange(len(bag)), bag.offsets.diff())
    return found.index_put((rows, bag.indices.long()), bag.weights, accumulate=True).numpy()


@pytest.mark.parametrize(("kind", "of"), [("tfidf", TfidfVectorizer), ("count", CountVectorizer)])
def test_a_text_is_what_scikit_learn_makes_of_it_fitted_on_train_alone(path, kind, of):
    data, own = frame(), table(path, REVIEW | {"vectorizer": {"kind": kind}})
    theirs = of(dtype=np.float32)
    train = data[data.part == "train"].review
    theirs.fit(train[train != ""])
    spec = own.inputs["row"]
    assert spec == Joined((("row", Dense((1,))), ("review", BagOfWords(len(theirs.vocabulary_)))))
    for split, rows in own.splits.items():
        joint, part = rows.inputs["row"], data[data.part == split]
        given = dense(joint.parts["review"], spec.parts[1][1].vocabulary_size)
        np.testing.assert_allclose(given, theirs.transform(part.review).toarray(), rtol=1e-6)
        there = np.stack([np.ones(len(part), bool), part.review != ""], 1)
        np.testing.assert_array_equal(joint.present.numpy(), there)


def test_the_row_beside_a_text_is_the_row_without_it(path):
    own, alone = table(path), table(path, {"type": "drop"})
    for split, rows in own.splits.items():
        row = rows.inputs["row"].parts["row"]
        torch.testing.assert_close(matrix(row), matrix(alone.splits[split].inputs["row"]))


def test_tokens_are_numbers_of_the_train_words_in_their_order(path):
    own = table(path, REVIEW | {"read_as": "tokens"})
    data = frame()
    spec = own.inputs["row"].parts[1][1]
    longest = data[data.part == "train"].review.str.split().str.len().max()
    assert spec == Tokens(len(WORDS) + 2, int(longest))  # padding, and words that are not known
    words = {}
    for split, rows in own.splits.items():
        ids = rows.inputs["row"].parts["review"]
        for text, given in zip(data[data.part == split].review, ids.tolist(), strict=True):
            expected = text.split()[: spec.length]
            assert [id != 0 for id in given] == [True] * len(expected) + [False] * (
                spec.length - len(expected)
            )
            for word, id in zip(expected, given, strict=False):
                assert words.setdefault(word, id) == id
    assert words["unheard"] not in [id for word, id in words.items() if word != "unheard"]


def test_texts_alone_are_the_input_as_it_is(path):
    own = table(path, price={"type": "drop"})
    assert isinstance(own.inputs["row"], BagOfWords)
    assert own.plain_table is None


def test_texts_stay_as_they_are_written(tmp_path):
    data = frame()
    data["review"] = ["True 2021-01-01 00:00:00", "12.0"] * (N // 2)
    data.to_csv(tmp_path / "a.csv", index=False)
    own = table(tmp_path / "a.csv", REVIEW | {"vectorizer": {"lowercase": False}})
    words = own.reader.columns[-1].vectorizer["vocabulary"]
    assert {"True", "00"} <= set(words)


@pytest.fixture
def bert(tmp_path):
    """A tiny model with its tokenizer, in a folder."""
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    words = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS])}
    own = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    own.pre_tokenizer = pre_tokenizers.Whitespace()
    ends = [("[CLS]", 2), ("[SEP]", 3)]
    own.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=ends
    )
    kept = transformers.PreTrainedTokenizerFast(
        tokenizer_object=own, pad_token="[PAD]", unk_token="[UNK]"
    )
    kept.save_pretrained(tmp_path / "bert")
    transformers.utils.logging.disable_progress_bar()
    config = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=16,
    )
    transformers.BertModel(config).save_pretrained(tmp_path / "bert")
    return tmp_path / "bert", own


@pytest.mark.parametrize("max_length", [None, 4])
def test_subwords_are_the_codes_of_the_models_tokenizer(path, bert, max_length):
    folder, tokenizer = bert
    own = table(path, {"type": "subwords", "tokenizer": str(folder), "max_length": max_length})
    data = frame()
    train = [*data[data.part == "train"].review]
    longest = max(len(text.ids) for text in tokenizer.encode_batch(train))
    spec = own.inputs["row"].parts[1][1]
    assert spec == Subwords(len(WORDS) + 4, max_length or longest)
    tokenizer.enable_truncation(spec.length)
    for split, rows in own.splits.items():
        bag = rows.inputs["row"].parts["review"]
        expected = tokenizer.encode_batch([*data[data.part == split].review])
        for i, text in enumerate(expected):
            assert bag[torch.tensor([i])].indices.tolist() == text.ids


def test_a_pretrained_encoder_reads_a_column_beside_the_row(bert, tmp_path):
    folder, _ = bert
    write(tmp_path / "a.csv", 120, 0)
    words = ["dataset=table", f"dataset.path={tmp_path / 'a.csv'}", "device=cpu"]
    words += ["dataset.targets={stars: regression}", "trainer.max_epochs=1", "encoder=joined"]
    words += [f"dataset.columns={{review: {{type: subwords, tokenizer: {folder}}}}}"]
    words += ["encoder.parts={row: mlp, review: hf_text}", f"encoder.parts.review.model={folder}"]
    run = tmp_path / "run"
    mtl_cli.train([*words, "pictures.curves=false", f"hydra.run.dir={run}"])
    words = [f"run={run}", f"input={tmp_path / 'a.csv'}"]
    before = evaluate(words)["figures"]["stars"]["mse"]
    shutil.rmtree(folder)
    assert evaluate(words)["figures"]["stars"]["mse"] == before


def test_columns_that_cannot_be_names_of_parts_have_others(tmp_path):
    data = frame().rename(columns={"review": "row"})
    data["a b.c"], data["a b:c"] = data["row"], data["row"]
    data.to_csv(tmp_path / "a.csv", index=False)
    said = dict.fromkeys(("row", "a b.c", "a b:c"), REVIEW)
    own = make(tmp_path / "a.csv", **said)
    names = [name for name, _ in own.inputs["row"].parts]
    assert len(set(names)) == 4
    assert names[0] == "row"
    assert all(name.isidentifier() for name in names)


@pytest.mark.parametrize(
    ("review", "said"),
    [
        ({"read_as": "bags"}, r"review.read_as must be one of bag, tokens[^$]*read_as=bag"),
        ({"max_length": 0, "read_as": "tokens"}, r"review.max_length must be an integer of at"),
        ({"vectorizer": {"kind": "cuont"}}, r"^dataset.columns.review.vectorizer.kind must be"),
        ({"vectorizer": {"knd": "count"}}, r"try:   dataset.columns.review.vectorizer.kind="),
        ({"vectorizer": "count"}, r"try:   dataset.columns.review.vectorizer.kind=count$"),
        ({"vectorizer": {"min_df": 99}}, r"try:   dataset.columns.review.vectorizer.min_df=1 "),
        ({"vectorizer": {"kind": "hashing"}, "read_as": "tokens"}, r"^dataset.columns.review.vec"),
    ],
)
def test_mistakes_name_the_column(path, review, said):
    with pytest.raises(Problem, match=said):
        table(path, REVIEW | review)


def test_subwords_without_a_tokenizer_are_refused(path):
    with pytest.raises(Problem, match=r"columns.review.tokenizer must name a model's folder"):
        table(path, {"type": "subwords"})
    said = r"^dataset.columns.review.tokenizer must be a folder[^$]*columns.review.tokenizer="
    with pytest.raises(Problem, match=said):
        table(path, {"type": "subwords", "tokenizer": "nowhere/at/all", "offline": True})


@pytest.mark.parametrize("type", ["text", "subwords"])
def test_numbers_are_no_texts(path, bert, type):
    own = {"type": type} | ({"tokenizer": str(bert[0])} if type == "subwords" else {})
    said = r"^the column price must hold texts[^$]*numbers alone, as [^$]*price.type=number, or cat"
    with pytest.raises(Problem, match=said):
        make(path, price=own, review={"type": "drop"})


def test_an_encoder_of_words_in_their_order_says_how_they_are_read(path, tmp_path):
    words = ["dataset=table", f"dataset.path={path}", "dataset.targets={good: binary}"]
    words += ["dataset.columns={review: {type: text}}", f"hydra.run.dir={tmp_path / 'run'}"]
    words += ["encoder=joined", "encoder.parts={row: mlp, review: text_cnn}"]
    with pytest.raises(Problem, match="try:   read_as=tokens of the texts"):
        mtl_cli.train(words)


def test_a_column_without_a_text_in_train_is_dropped(tmp_path):
    data = frame()
    data.loc[data.part == "train", "review"] = ""
    data.to_csv(tmp_path / "a.csv", index=False)
    assert table(tmp_path / "a.csv").inputs["row"] == Dense((1,))


def test_an_encoder_that_reads_no_parts_says_which_does(path, tmp_path):
    said = "reads dense.\n  found: parts, each an input: row .*, review .bag of words."
    words = ["dataset=table", f"dataset.path={path}", "dataset.targets={good: binary}"]
    words += ["dataset.columns={review: {type: text}}", f"hydra.run.dir={tmp_path / 'run'}"]
    with pytest.raises(Problem, match=said + "[^$]*encoder=joined$"):
        mtl_cli.train([*words, "encoder=resnet"])


def write(path, count, seed):
    """Stars are as the price says, and as the review does, which both are needed for."""
    draw = random.Random(seed)
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["price", "review", "stars"])
        for _ in range(count):
            words, price = draw.choices(WORDS, k=6), draw.uniform(0, 4)
            stars = words.count("lovely") + words.count("warm") - words.count("broken")
            blank = draw.random() < 0.1
            rows.writerow(
                [f"{price:.3f}", "" if blank else " ".join(words), f"{stars + price:.3f}"]
            )


@pytest.mark.parametrize("read_as", ["bag", "tokens"])
def test_row_and_text_together_learn_what_neither_says_and_read_new_rows_alike(tmp_path, read_as):
    write(tmp_path / "a.csv", 600, 0)
    words = ["dataset=table", f"dataset.path={tmp_path / 'a.csv'}", "device=cpu"]
    words += ["dataset.targets={stars: regression}", "trainer.max_epochs=8", "optimizer.lr=0.01"]
    words += ["dataset.split.seed=0", "pictures.curves=false", "dataset.batch_size=64"]
    found = {}
    for name, review, price in [
        ("both", f"{{type: text, read_as: {read_as}}}", "{type: number}"),
        ("row", "{type: drop}", "{type: number}"),
        ("text", f"{{type: text, read_as: {read_as}}}", "{type: drop}"),
    ]:
        columns = f"dataset.columns={{review: {review}, price: {price}}}"
        mtl_cli.train([*words, columns, f"hydra.run.dir={tmp_path / name}"])
        summary = json.loads((tmp_path / name / "summary.json").read_text())
        found[name] = summary["test"]["stars"]["mse"]
        if name == "both":
            assert summary["reference_name"].endswith("without review")
    assert found["both"] < 0.6 * min(found["row"], found["text"])
    given = evaluate([f"run={tmp_path / 'both'}", "split=test"])["figures"]["stars"]["mse"]
    assert given == pytest.approx(found["both"], rel=1e-6)
    write(tmp_path / "new.csv", 200, 1)
    fresh = evaluate([f"run={tmp_path / 'both'}", f"input={tmp_path / 'new.csv'}"])
    assert fresh["figures"]["stars"]["mse"] < 1.5 * found["both"]
    out = tmp_path / "out.csv"
    predict([f"run={tmp_path / 'both'}", f"input={tmp_path / 'new.csv'}", f"out={out}"])
    answers = pd.read_csv(tmp_path / "new.csv").stars - pd.read_csv(out).stars
    assert (answers**2).mean() == pytest.approx(fresh["figures"]["stars"]["mse"], rel=1e-3)


def test_parts_keep_their_rows_where_these_are_chosen(path):
    own = table(path)
    joint = own.splits["train"].inputs["row"]
    assert isinstance(joint, Joint)
    chosen = own.splits["train"].at(torch.tensor([5, 3])).inputs["row"]
    assert torch.equal(chosen.present, joint.present[torch.tensor([5, 3])])
    size = own.inputs["row"].parts[1][1].vocabulary_size
    np.testing.assert_array_equal(
        dense(chosen.parts["review"], size), dense(joint.parts["review"], size)[[5, 3]]
    )
