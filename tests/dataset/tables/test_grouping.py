"""GAUC of a table: its groups through dataset, batches and evaluation, also of new files."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

import mtl_cli
from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.readers import table as reader
from mtl_cli.evaluate import as_text, evaluate

GAUC = "{_target_: mtl_cli.metric.gauc.GAUC, by: %s, weighted_by: %s}"
QUICK = ["encoder.hidden=[8]", "trainer.max_epochs=2", "trainer.max_steps=40", "device=cpu"]
SAYS = ["dataset=table", "dataset.targets={click: binary}", "dataset.reference=0", *QUICK]
IN_TIME = ["dataset.split.by=time", "dataset.split.column=day"]


def draw(n: int, seed: int) -> pd.DataFrame:
    """Impressions in the order of their days, some without a label."""
    rng = np.random.default_rng(seed)
    user, x = rng.integers(0, 12, n), rng.normal(size=n)
    click = (rng.random(n) < 1 / (1 + np.exp(-(x + user / 4 - 2)))).astype(float)
    click[rng.random(n) < 0.1] = np.nan
    names = [f"u{i}" for i in user]
    return pd.DataFrame({"user": names, "day": np.arange(n), "x": x, "click": click})


def expected(frame: pd.DataFrame, probability: np.ndarray, weighted_by: str) -> float:
    """By pandas and scikit-learn alone."""
    known = frame.assign(p=np.asarray(probability)).dropna(subset=["click"])
    both = [own for _, own in known.groupby("user") if own.click.nunique() == 2]
    weights = [len(own) if weighted_by == "rows" else 1 for own in both]
    return float(np.average([roc_auc_score(o.click, o.p) for o in both], weights=weights))


def probabilities(run: Path, frame: pd.DataFrame) -> np.ndarray:
    found = mtl_cli.load_run(run).predict(frame.drop(columns="click"))
    return found[[name for name in found if "click" in name][-1]].to_numpy()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Users are no input, and yet their groups are there."""
    folder = tmp_path_factory.mktemp("grouping")
    draw(500, 0).to_csv(folder / "log.csv", index=False)
    words = [*SAYS, *IN_TIME, f"dataset.path={folder / 'log.csv'}", f"hydra.run.dir={folder / 'r'}"]
    words += ["dataset.columns={user: {type: drop}}", "trainer.select=click/gauc"]
    words += [f"+tasks.click.metrics.{way}=" + GAUC % ("user", by) for way, by in WAYS.items()]
    mtl_cli.train(words)
    return folder / "r"


WAYS = {"gauc": "rows", "gauc_users": "groups"}


def test_the_figures_of_a_run_are_those_of_pandas(run: Path) -> None:
    frame = draw(500, 0)
    last = frame.iloc[-100:]
    summary = evaluate([f"run={run}"])
    for metric, by in WAYS.items():
        value = expected(last, probabilities(run, last), by)
        assert summary["figures"]["click"][metric] == pytest.approx(value, abs=1e-6)
    assert "click/gauc: by user, weighted by rows" in as_text(summary)
    log = (run / "train.log").read_text()
    assert log.count("click/gauc on val: by user") == 1


def test_a_new_file_has_them_too_part_by_part(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "CHUNK_ROWS", 37)  # a user's rows are in many parts
    new = draw(300, 1)
    new.to_csv(tmp_path / "new.csv", index=False)
    found = evaluate([f"run={run}", f"input={tmp_path / 'new.csv'}", "batch_size=10"])
    for metric, by in WAYS.items():
        value = expected(new, probabilities(run, new), by)
        assert found["figures"]["click"][metric] == pytest.approx(value, abs=1e-6)


def test_what_has_no_groups_is_refused(run: Path, tmp_path: Path) -> None:
    frame = draw(60, 2).assign(land="here")
    frame.to_csv(tmp_path / "log.csv", index=False)
    words = [*SAYS, f"dataset.path={tmp_path / 'log.csv'}", f"hydra.run.dir={tmp_path / 'r'}"]
    for by, said in (("users", "by: user"), ("land", "must have several groups")):
        with pytest.raises(Problem, match=said):
            mtl_cli.train([*words, "+tasks.click.metrics.gauc=" + GAUC % (by, "rows")])
    frame.loc[3, "user"] = ""
    frame.to_csv(tmp_path / "log.csv", index=False)
    with pytest.raises(Problem, match="must say the group of each row"):
        mtl_cli.train([*words, "+tasks.click.metrics.gauc=" + GAUC % ("user", "rows")])
    with pytest.raises(Problem, match="a dataset whose rows are of groups"):
        mtl_cli.train(["tasks.sin=binary", "+tasks.sin.metrics.gauc=" + GAUC % ("user", "rows")])
    draw(60, 2).drop(columns="user").to_csv(tmp_path / "new.csv", index=False)
    with pytest.raises(Problem, match="user"):
        evaluate([f"run={run}", f"input={tmp_path / 'new.csv'}"])
