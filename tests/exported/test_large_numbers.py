"""Numbers that differ little among themselves stay apart in a program, however large they are."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mtl_cli
from mtl_cli.export import export

WORDS = "dataset=table trainer=smoke encoder.hidden=[4] dataset.targets={late:regression}"


@pytest.mark.parametrize("form", ["torch", "onnx"])
def test_seconds_since_1970_do(tmp_path: Path, form: str) -> None:
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"at": 1.6e9 + draw.normal(0, 40, 100).round(2), "late": draw.random(100)})
    frame["day"] = pd.to_datetime(frame["at"].round(), unit="s").dt.strftime("%Y-%m-%d %H:%M:%S")
    frame.to_csv(path := tmp_path / "rows.csv", index=False)
    mtl_cli.train([*WORDS.split(), f"dataset.path={path}", f"hydra.run.dir={tmp_path / 'run'}"])
    [shipped] = export([f"run={tmp_path / 'run'}", f"format={form}", f"out={tmp_path / 'out'}"])
    assert shipped.difference < 1e-6
