"""The table of a sweep: seeds together, settings apart, failures named."""

import json
import statistics
from pathlib import Path
from typing import Any

import pytest

from mtl_cli.comparison.sweep import show_sweep


def leave(folder: Path, number: int, status: str, words: list[str], **test: float) -> None:
    path = folder / str(number)
    path.mkdir(parents=True)
    summary: dict[str, Any] = {"status": status, "overrides": words, "parameters": {"total": 7}}
    if test:
        summary["test"] = {task: {"loss": 9.0, "mse": value} for task, value in test.items()}
    (path / "summary.json").write_text(json.dumps(summary))


def test_seeds_are_averaged_and_settings_kept_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = [0.25, 0.75, 0.5]
    for seed, value in enumerate(values):
        leave(tmp_path, seed, "completed", ["lr=1", "arch=hps", f"seed={seed}"], a=value)
    leave(tmp_path, 10, "completed", ["lr=1", "arch=mmoe", "seed=0"], a=0.125, b=2.0)
    leave(tmp_path, 9, "failed", ["lr=1", "arch=ple", "seed=0"])
    (tmp_path / "11").mkdir()  # killed before it wrote anything
    show_sweep(tmp_path)
    lines = capsys.readouterr().out.splitlines()
    rows = {line.split()[0]: line.split() for line in lines if line.startswith("arch")}
    spread = f"{statistics.stdev(values):.4f}"
    assert rows["arch=hps"] == ["arch=hps", "3", "7", "0.5000", "±", spread, "–"]
    assert rows["arch=mmoe"] == ["arch=mmoe", "1", "7", "0.1250", "2.0000"]
    assert rows["arch=ple"] == ["arch=ple", "0", "–", "–", "–"]
    assert f"{tmp_path / '9'}: failed; see train.log there" in lines
    assert f"{tmp_path / '11'}: failed; see train.log there" in lines
