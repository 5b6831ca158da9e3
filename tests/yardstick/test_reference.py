"""The trees beside a table's results against scikit-learn's own, fitted to the table by pandas."""

from pathlib import Path

import numpy as np
import pandas
import pytest
from sklearn import metrics as sk
from sklearn.ensemble import HistGradientBoostingClassifier as Classifier
from sklearn.ensemble import HistGradientBoostingRegressor as Regressor

import mtl_cli.train
from mtl_cli.yardstick.reference import LEAST_LABELS

WORDS = ["dataset=table", "dataset.split={by: column, column: split}", "trainer.max_epochs=1"]
WORDS += ["encoder.hidden=[4]", "device=cpu"]
ABLE = ["dataset.targets.able={kind: multilabel, columns: [tall, fast]}"]
ALL = [
    "dataset.targets={price: regression, kind: multiclass, sold: binary}",
    *ABLE,
]
N = 300


@pytest.fixture
def frame() -> pandas.DataFrame:
    draw = np.random.default_rng(0)
    data = pandas.DataFrame(draw.normal(size=(N, 3)), columns=["a", "b", "c"])
    data["city"] = draw.choice(["Oslo", "Rome", "Lima"], N)
    data["price"] = 1e5 + 2e4 * data.a.abs() + 9e3 * (data.city == "Rome") + draw.normal(size=N)
    data["kind"] = np.where(data.b > 0.4, "x", np.where(data.c > 0, "y", "z"))
    data["sold"] = np.where(data.a + data.b > 0, "yes", "no")
    data["tall"], data["fast"] = (data.a > 0) * 1, (data.c * data.b > 0) * 1
    data.loc[::9, "a"], data.loc[::7, "city"], data.loc[::5, "price"] = np.nan, None, np.nan
    data["split"] = ["train"] * 200 + ["val"] * 40 + ["test"] * 60
    return data


def run(folder: Path, frame: pandas.DataFrame, *words: str) -> dict:
    path = folder / "my.csv"
    frame.to_csv(path, index=False)
    place = f"hydra.run.dir={folder / 'run'}"
    return mtl_cli.train([place, f"dataset.path={path}", *WORDS, *words])


def halves(frame: pandas.DataFrame, target: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Features and labels of train and of test, where the label is there."""
    features = frame[["a", "b", "c"]].assign(city=pandas.Categorical(frame.city).codes)
    features = features.replace({"city": {-1: np.nan}}).to_numpy()
    there = frame[target].notna()
    of = [((frame.split == split) & there).to_numpy() for split in ("train", "test")]
    return [features[part] for part in of], [frame[target][part].to_numpy() for part in of]


def test_they_are_scikit_learns_by_the_tasks_metrics(
    tmp_path: Path, frame: pandas.DataFrame
) -> None:
    summary = run(tmp_path, frame, *ALL)
    found = summary["reference"]
    options = {"categorical_features": [3], "random_state": 0}
    (x, asked), (y, truth) = halves(frame, "price")
    guess = Regressor(**options).fit(x, y).predict(asked)
    assert found["price"]["mse"] == pytest.approx(sk.mean_squared_error(truth, guess), rel=1e-3)
    (x, asked), (y, truth) = halves(frame, "kind")
    trees = Classifier(**options).fit(x, y)
    assert found["kind"]["accuracy"] == pytest.approx(trees.score(asked, truth))
    loss = sk.log_loss(truth, trees.predict_proba(asked))
    assert found["kind"]["loss"] == pytest.approx(loss, rel=1e-3)
    (x, asked), (y, truth) = halves(frame, "sold")
    shares = Classifier(**options).fit(x, y).predict_proba(asked)[:, 1]
    assert found["sold"]["auroc"] == pytest.approx(sk.roc_auc_score(truth == "yes", shares))
    losses = []
    for label in ("tall", "fast"):
        (x, asked), (y, truth) = halves(frame, label)
        losses.append(sk.log_loss(truth, Classifier(**options).fit(x, y).predict_proba(asked)))
    assert found["able"]["loss"] == pytest.approx(np.mean(losses), rel=1e-3)
    assert summary["floor_split"] == "test"
    assert summary["floor"]["kind"]["accuracy"] < found["kind"]["accuracy"]
    log = (tmp_path / "run" / "train.log").read_text()
    [header] = [line for line in log.splitlines() if line.startswith("task ")]
    assert header.split()[-2:] == ["floor", "trees"]


def test_they_change_no_figure_of_the_run(tmp_path: Path, frame: pandas.DataFrame) -> None:
    folders = [tmp_path / name for name in ("with", "without")]
    for folder, words in zip(folders, ([], ["dataset.reference=0"]), strict=True):
        folder.mkdir()
        assert ("reference" in run(folder, frame, *ABLE, *words)) == (not words)
    first, second = ((folder / "run" / "metrics.csv").read_bytes() for folder in folders)
    assert first == second


def test_what_is_too_large_is_left_out_and_says_so(tmp_path: Path, frame: pandas.DataFrame) -> None:
    labels = 6 * LEAST_LABELS  # price, three classes of kind, two labels of able, of few rows
    targets = "dataset.targets={price: regression, kind: multiclass}"
    words = [targets, *ABLE, f"dataset.reference={labels - 1}"]
    assert "reference" not in run(tmp_path, frame, *words)
    log = (tmp_path / "run" / "train.log").read_text()
    assert f"dataset.reference={labels} trains them" in log


def test_a_trial_of_a_few_batches_has_none(tmp_path: Path, frame: pandas.DataFrame) -> None:
    summary = run(tmp_path, frame, *ALL, "trainer.max_batches=1")
    assert "reference" not in summary
    assert set(summary["floor"]) == {"price", "kind", "sold", "able"}


def test_rare_and_only_classes_and_labels_that_train_lacks(
    tmp_path: Path, frame: pandas.DataFrame
) -> None:
    train = frame.split == "train"
    frame.loc[train, "tall"] = 1
    frame["fast"] = frame.fast.astype("Int64").mask(train)
    found = run(tmp_path, frame, *ABLE)["reference"]["able"]
    tall, fast = (frame[label][frame.split == "test"] for label in ("tall", "fast"))
    loss = np.log(2) / 2 - np.log(1e-7) * (1 - tall.mean()) / 2
    assert len(fast) == len(tall)
    assert found["loss"] == pytest.approx(loss, rel=1e-2)
