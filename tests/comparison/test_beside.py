"""The floor and the trees stand in a report's table, from the runs' summaries."""

from pathlib import Path

import pytest

from mtl_cli.comparison.beside import ROWS
from mtl_cli.comparison.compare import compare
from mtl_cli.comparison.grids import all_figures
from mtl_cli.comparison.saved_run import read_run


@pytest.mark.parametrize("split", ["test", "val"])
def test_they_are_means_over_seeds_on_the_tables_split(
    leave, options, tmp_path: Path, split: str
) -> None:
    runs = []
    for seed in range(3):
        own = {"a": {"mse": 1.0 + seed}}
        said = {"floor": own, "floor_split": "test"}
        if seed:
            said["reference"] = {"a": {"mse": 0.25, "mae": None}}
        path = tmp_path / str(seed)
        runs.append(read_run(leave(path, {"a": {"mse": 0.5}}, seed=seed, summary=said)))
    [table] = compare(runs, options(split=split)).tables
    grid = all_figures(table)
    assert [row[0] for row in grid.rows] == ["a/mse ↓", "parameters", "train [s]"]
    rows = {row[0]: row[1:] for row in all_figures(table, turn=False).rows}
    if split == "val":
        assert not set(ROWS.values()) & set(rows)
        assert len(grid.header) == 2
        return
    assert grid.header == ["", "arch=hps", "floor", "trees"]
    assert grid.title.endswith(f"floor: {ROWS['floor']}; trees: {ROWS['reference']}")
    assert grid.rows[0] == ["a/mse ↓", "0.5000 ± 0.0000", "2.0000 ± 1.0000", "0.2500 ± 0.0000"]
    assert rows[ROWS["floor"]] == ["2.0000 ± 1.0000", "–", "–"]
    assert rows[ROWS["reference"]] == ["0.2500 ± 0.0000", "–", "–"]


def test_runs_that_say_nothing_of_them_have_no_such_rows(leave, options, tmp_path: Path) -> None:
    [table] = compare([read_run(leave(tmp_path / "0", {"a": {"mse": 0.5}}))], options()).tables
    assert len(all_figures(table, turn=False).rows) == 1
