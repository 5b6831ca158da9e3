"""What the page of arrays says runs."""

import importlib
import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mtl_cli.basis.errors import Problem
from mtl_cli.predict import predict

PAGE = (Path(__file__).parents[2] / "docs" / "arrays.md").read_text(encoding="utf-8")


def test_its_commands_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    [code] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(code, "arrays.md", "exec"), {})
    lines = re.findall(r"^mtl-.*", PAGE, re.MULTILINE)
    assert len(lines) == 4
    for line in lines:
        program, *words = shlex.split(line)
        words += ["trainer=smoke"] if program == "mtl-train" else []
        monkeypatch.setattr(sys, "argv", [program, *words])
        module = importlib.import_module(f"mtl_cli.{program.removeprefix('mtl-')}")
        module.main()
        assert "error:" not in capsys.readouterr().err, line
    whole, few = pd.read_csv("all.csv"), pd.read_csv("predictions.csv")
    assert len(whole) == 600
    pd.testing.assert_frame_equal(few.drop(columns="file"), whole[:20].drop(columns="file"))
    other = np.load("new.npy")[:, :2]
    np.save("other.npy", other)
    with pytest.raises(Problem, match=r"must be \[N, 3, 50\]"):
        predict(["run=latest", "input=other.npy", "out=other.csv"])
