"""The mean of test over the last epochs: of the rows that a run wrote, and no verdict on it."""

import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mtl_cli.basis.errors import Problem
from mtl_cli.comparison.answers import answers
from mtl_cli.comparison.compare import compare
from mtl_cli.comparison.files import Report
from mtl_cli.comparison.saved_run import read_run
from mtl_cli.disk.run_folder import RunFolder

EPOCHS = 5


def watched(path: Path, best: float) -> None:
    """Rows of test as a run with ``trainer.watch_test`` leaves them."""
    for epoch in range(1, EPOCHS + 1):
        for task in ("a", "b"):
            figures = {task: {"loss": 1.0, "mse": best * epoch**2}}
            RunFolder(path).append_figures(epoch, 10 * epoch, "test", figures)


@pytest.fixture
def paths(leave: Callable[..., Path], tmp_path: Path) -> list[Path]:
    found = []
    for arch, best in (("single_task", 1.0), ("hps", 0.5)):
        for seed in range(3):
            figures = {task: {"mse": 7.0} for task in ("a", "b")}
            found.append(leave(tmp_path / f"{arch}{seed}", figures, arch, seed, epochs=EPOCHS))
            watched(found[-1], best + 0.01 * seed)
    return found


def test_figures_are_means_of_the_last_epochs_and_say_so(
    paths: list[Path], options: Callable[..., Any]
) -> None:
    runs = [read_run(path) for path in paths]
    comparison = compare(runs, options(as_published="last3"))
    [table] = comparison.tables
    [group] = [group for group in table.groups if group.gain is not None]
    last = statistics.mean(epoch**2 for epoch in (3, 4, 5))
    assert group.figures["a"]["mse"] == pytest.approx(
        {s: last * (0.5 + 0.01 * s) for s in range(3)}
    )
    assert group.gain is not None
    assert group.gain.total == pytest.approx(100 * 0.5 / 1.01)
    assert group.gain.word == "no verdict"
    assert (group.gain.whole, group.gain.by_task) == (None, {})
    [said] = answers(comparison)
    assert "no verdict: Gain +49.50 %" in said
    assert "mean of test over the last 3 epochs, as published" in said
    report = Report(comparison, {})
    for text in (report.text(100), report.markdown(), report.csv()):
        assert "over the last 3 epochs, as published" in text.replace("\n", " ")
    usual = compare(runs, options())
    assert usual.tables[0].groups[0].figures["a"]["mse"] == dict.fromkeys(range(3), 7.0)


def test_runs_that_did_not_write_them_do_not_count(
    paths: list[Path], leave: Callable[..., Path], options: Callable[..., Any], tmp_path: Path
) -> None:
    other = leave(tmp_path / "x", {task: {"mse": 7.0} for task in ("a", "b")}, "hps", 9)
    runs = [read_run(path) for path in (*paths, other)]
    comparison = compare(runs, options(as_published="last5"))
    [out] = comparison.left_out
    assert out.folder.path == other
    assert out.trouble is not None
    assert "on test of 0 of its epochs, not of the last 5: trainer.watch_test=true" in out.trouble
    assert len(compare(runs, options(as_published="last6")).left_out) == 7


@pytest.mark.parametrize(
    "wrong", [{"as_published": "best"}, {"as_published": "last0"}, {"split": "val"}]
)
def test_what_it_cannot_be_is_refused(options: Callable[..., Any], wrong: dict[str, str]) -> None:
    with pytest.raises(Problem, match="as_published"):
        options(**{"as_published": "last10"} | wrong)
