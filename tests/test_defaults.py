"""What tables and texts are trained with when nothing is said: it yields, and it learns."""

import dataclasses
import importlib
import os
from pathlib import Path

import hydra
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import RidgeCV
from sklearn.metrics import mean_squared_error, r2_score
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mtl_cli
from mtl_cli.dataset.memory.fitted import fitted

ROOT = Path(__file__).parent.parent


def composed(*words):
    with hydra.initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        return hydra.compose("train", list(words))


@pytest.mark.parametrize("data", ["table", "text"])
def test_a_table_and_texts_train_until_val_no_longer_improves(data):
    cfg = composed(f"dataset={data}")
    assert (cfg.trainer.max_epochs, cfg.trainer.max_steps, cfg.trainer.patience) == (None, 3000, 20)
    assert cfg.optimizer._target_ == "torch.optim.AdamW"
    assert cfg.scheduler._target_.endswith("Constant")
    assert cfg.dataset.batch_size == "auto"


@pytest.mark.parametrize("data", ["table", "text"])
def test_the_defaults_yield_to_words_and_choices(data):
    data = f"dataset={data}"
    cfg = composed(data, "trainer.patience=5", "optimizer.lr=0.1", "scheduler=cosine")
    assert (cfg.trainer.patience, cfg.optimizer.lr) == (5, 0.1)
    assert cfg.scheduler._target_.endswith("Cosine")
    smoke = composed(data, "trainer=smoke").trainer
    assert (smoke.max_epochs, smoke.max_batches, smoke.patience) == (2, 2, None)
    sgd = composed(data, "optimizer=sgd").optimizer
    assert (sgd._target_, sgd.lr, sgd.weight_decay) == ("torch.optim.SGD", 0.01, 0.0)


def test_the_defaults_yield_to_experiments():
    census = composed("experiment=census_income")
    assert (census.trainer.max_epochs, census.trainer.patience) == (5, None)
    assert (census.dataset.batch_size, census.optimizer.weight_decay) == (1024, 0)
    assert census.scheduler._target_.endswith("Cosine")
    for name, epochs, batch in (("sentiment_sites", 20, 32), ("movies_imdb", 6, 64)):
        texts = composed(f"experiment={name}")
        assert (texts.trainer.max_epochs, texts.trainer.patience) == (epochs, None)
        assert (texts.dataset.vectorizer.kind, texts.dataset.batch_size) == ("count", batch)
        assert texts.optimizer._target_ == "torch.optim.Adam"


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["dataset=parity_mnist"],
        ["dataset=correlated"],
        ["dataset=reviews"],
        ["experiment=reviews_multi_task"],
        ["experiment=sincos_notebook"],
    ],
)
def test_other_data_keep_theirs(words):
    cfg = composed(*words)
    assert cfg.trainer.patience is cfg.trainer.ema_decay is cfg.trainer.max_steps is None
    assert cfg.optimizer._target_ == "torch.optim.Adam"
    assert not any(task.get("standardize") for task in cfg.tasks.values())
    assert cfg.dataset.get("vectorizer", {}).get("kind") in (None, "count")


@pytest.mark.parametrize(
    ("rows", "batch"), [(1, 8), (140, 8), (300, 16), (800, 64), (3600, 256), (10**6, 512)]
)
def test_a_batch_is_a_sixteenth_of_the_rows(rows, batch):
    assert fitted("auto", rows) == batch


def train(folder, table, targets, *words):
    """Trains by path and targets alone, and gives the summary and the test rows."""
    order = np.random.default_rng(0).permutation(len(table))
    cut = round(0.8 * len(table))
    parts = {"train": table.iloc[order[:cut]], "test": table.iloc[order[cut:]]}
    for name, rows in parts.items():
        rows.to_csv(folder / f"{name}.csv", index=False)
    given = ", ".join(f"{task}: {kind}" for task, kind in targets.items())
    data = [f"dataset.path={folder}/train.csv", f"dataset.test_path={folder}/test.csv"]
    data += ["dataset=table", f"dataset.targets={{{given}}}", f"runs={folder}/runs"]
    return mtl_cli.train([*data, *words]), parts["train"], parts["test"]


def easy_table():
    """420 rows, a price near 100 000 and a kind, both easily learned."""
    draw = np.random.default_rng(0)
    x = draw.standard_normal((420, 6)).round(4)
    price = 1e5 + 2e4 * (x[:, 0] - 0.5 * x[:, 1] + 0.5 * x[:, 2] * x[:, 3])
    table = pd.DataFrame(x, columns=list("abcdef"))
    table["price"] = price + 2e3 * draw.standard_normal(420)
    table["kind"] = np.digitize(x[:, 0] + x[:, 4], [-0.7, 0.7])
    return table


@pytest.mark.parametrize("arch", ["single_task", "hps"])
def test_a_price_is_learned_near_scikit_learns_error(tmp_path, arch):
    targets = {"price": "regression", "kind": "multiclass"}
    summary, learn, test = train(tmp_path, easy_table(), targets, f"arch={arch}")
    inputs = list("abcdef")
    network = make_pipeline(StandardScaler(), MLPRegressor(random_state=0, max_iter=500))
    network = TransformedTargetRegressor(network, transformer=StandardScaler())
    network.fit(learn[inputs], learn.price)
    found = summary["test"]["price"]["mse"]
    assert found < 1.1 * mean_squared_error(test.price, network.predict(test[inputs]))
    assert summary["test"]["kind"]["accuracy"] > 0.85
    assert summary["status"] == "stopped_early"


def test_times_and_coordinates_are_learned_and_evaluated_to_their_last_digits(tmp_path):
    draw = np.random.default_rng(1)
    x = draw.standard_normal((300, 2))
    table = pd.DataFrame({"latitude": 48.137154 + 1e-5 * x[:, 0], "sent": 1.7e9 + 40 * x[:, 1]})
    table["arrived"] = table.sent + 20 * x[:, 0]
    summary, _, test = train(tmp_path, table, {"arrived": "regression"})
    assert test.arrived.std() > 30
    assert summary["test"]["arrived"]["mse"] < 0.05 * test.arrived.var()
    run = mtl_cli.load_run("latest", runs=tmp_path / "runs")
    said = run.predict(tmp_path / "test.csv").arrived
    mse = mean_squared_error(test.arrived, said)
    assert summary["test"]["arrived"]["mse"] == pytest.approx(mse, rel=1e-3)
    assert r2_score(test.arrived, said) > 0.95


@pytest.mark.parametrize("table", ["diabetes", "wine"])
def test_single_task_is_as_good_as_scikit_learn(monkeypatch, table):
    """One split of two tables of `scripts/yardstick.py`; the whole is in docs/defaults.md."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    yardstick = importlib.import_module("yardstick")
    for task, found in yardstick.one_split(table, 0, [], None).items():
        assert found["ours"] < 1.2 * min(found["linear"], found["mlp"]), task
        assert found["ours"] < found["floor"], task


def test_stars_and_verdicts_of_texts_are_learned_near_scikit_learns_error(tmp_path):
    draw = np.random.default_rng(0)
    words = np.array([f"word{i}" for i in range(60)])
    worth = np.where(np.arange(60) < 20, draw.standard_normal(60), 0)
    said = [draw.integers(60, size=12) for _ in range(500)]
    rows = pd.DataFrame({"review": [" ".join(words[row]) for row in said]})
    rows["stars"] = 1000 + 300 * np.array([worth[row].sum() for row in said])
    rows["good"] = np.where(rows.stars > 1000, "yes", "no")
    rows["stars"] += 200 * draw.standard_normal(500)
    parts = {"train": rows[:400], "test": rows[400:]}
    for name, part in parts.items():
        part.to_csv(tmp_path / f"{name}.csv", index=False)
    paths = f"path: {tmp_path}/train.csv, test_path: {tmp_path}/test.csv"
    labels = "labels: {stars: stars, good: good}"
    summary = mtl_cli.train(
        [
            "arch=single_task",
            "dataset=text",
            f"dataset.sources={{shop: {{{paths}, text: review, {labels}}}}}",
            "dataset.targets={stars: regression, good: binary}",
            "dataset.cache=false",
            f"runs={tmp_path}/runs",
        ]
    )
    linear = make_pipeline(TfidfVectorizer(), RidgeCV(np.logspace(-2, 4, 13)))
    linear.fit(parts["train"].review, parts["train"].stars)
    mse = mean_squared_error(parts["test"].stars, linear.predict(parts["test"].review))
    assert summary["test"]["stars"]["mse"] < 1.3 * mse < 0.3 * parts["test"].stars.var()
    assert summary["test"]["good"]["accuracy"] > 0.85
    assert summary["status"] == "stopped_early"


@pytest.mark.skipif("MTL_DATA" not in os.environ, reason="MTL_DATA names no folder of real texts")
def test_single_task_on_real_sentences_is_as_good_as_scikit_learn(monkeypatch):
    """One site of `scripts/yardstick.py`'s texts."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    yard = importlib.import_module("bench.text_yardstick")
    whole = importlib.import_module("bench.small_texts").sentences()
    site = dataclasses.replace(whole, sources={"amazon": whole.sources["amazon"]})
    site = dataclasses.replace(site, targets={"amazon": "binary"})
    [known], [found] = yard.reference(site, 0).values(), yard.train(site, 0, []).values()
    assert found < 1.2 * min(known["linear"], known["mlp"])
    assert found < 0.9 * known["floor"]
