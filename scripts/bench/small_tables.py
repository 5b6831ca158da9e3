"""Real tables of 180 to 5 000 rows, as CSV files with a header: what `yardstick.py` trains on."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(os.environ.get("MTL_DATA", "~/.cache/mtl-cli")).expanduser()
MULAN = {"enb": 2, "jura": 3, "atp1d": 6, "oes10": 16, "scpf": 3, "wq": 14}  # targets come last


@dataclass(frozen=True)
class SmallTable:
    """A table and what to predict.

    Args:
        rows: the columns, targets among them.
        targets: ``{target: its kind}``.
        task_column: says whose rows are whose, where each value is a task of its own.
    """

    rows: pd.DataFrame
    targets: dict[str, str]
    task_column: str | None = None


def mulan(name: str) -> SmallTable:
    """One of Mulan's sets of several targets; `?` is a missing cell."""
    from scipy.io.arff import loadarff

    records, _ = loadarff(ROOT / "extras" / "mulan-mtr" / f"{name}.arff")
    rows = pd.DataFrame(records).astype(float)
    names = [re.sub(r"\W+", "_", column).strip("_") for column in rows.columns]
    rows.columns = [f"_{name}" if name[0].isdigit() else name for name in names]
    return SmallTable(rows, dict.fromkeys(rows.columns[-MULAN[name] :], "regression"))


def diabetes() -> SmallTable:
    from sklearn.datasets import load_diabetes

    rows = load_diabetes(as_frame=True).frame
    return SmallTable(rows, {"target": "regression", "bmi": "regression"})


def wine() -> SmallTable:
    from sklearn.datasets import load_wine

    rows = load_wine(as_frame=True).frame.rename(columns={"target": "kind"})
    rows.columns = [re.sub(r"\W+", "_", column) for column in rows.columns]
    return SmallTable(rows, {"kind": "multiclass", "alcohol": "regression"})


def census() -> SmallTable:
    """5 000 rows of Census-Income, drawn at random."""
    from hydra import compose, initialize_config_dir

    from mtl_cli.command_line.cli import CONF

    with initialize_config_dir(str(CONF), version_base="1.3"):
        names = compose("train", ["experiment=census_income"]).dataset.names
    path = ROOT / "census-income-kdd" / "census-income.data.gz"
    rows = pd.read_csv(path, header=None, names=list(names), skipinitialspace=True, na_values="?")
    rows = rows.sample(5000, random_state=0).reset_index(drop=True)
    rows["income"] = rows.pop("income_50k").str.contains("+", regex=False).astype(int)
    rows["never_married"] = (rows.pop("marital_stat") == "Never married").astype(int)
    return SmallTable(
        rows.drop(columns="instance_weight"), {"income": "binary", "never_married": "binary"}
    )


def school() -> SmallTable:
    """The first twelve schools, each a task."""
    rows = pd.read_csv(ROOT / "extras" / "school" / "school.csv.gz")
    rows = rows[rows.task <= 12].reset_index(drop=True)
    rows["task"] = [f"school_{number}" for number in rows.task]
    return SmallTable(rows, {"score": "regression"}, "task")


TABLES: dict[str, Callable[[], SmallTable]] = {
    "diabetes": diabetes,
    "wine": wine,
    **{name: lambda name=name: mulan(name) for name in MULAN},  # type: ignore[misc]
    "school": school,
    "census": census,
}


def halves(rows: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Four fifths of the rows, to learn from, and the rest."""
    order = np.random.default_rng(seed).permutation(len(rows))
    cut = round(0.8 * len(order))
    return rows.iloc[order[:cut]], rows.iloc[order[cut:]].reset_index(drop=True)
