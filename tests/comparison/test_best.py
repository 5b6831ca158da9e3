"""The best of a sweep is chosen on val alone, over the seeds; test is shown for it alone."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mtl_cli.basis.errors import Problem
from mtl_cli.comparison.best import no_best, rank_on_val

# {setting: [(objective on val, y/mse on test) by seed]}: the best on test is not the best on val
RUNS = {"hps": [(3.0, 0.5), (1.0, 0.5)], "mmoe": [(1.8, 9.0), (1.6, 9.0)], "cgc": [(2.5, 1.0)]}


@pytest.fixture
def sweep(tmp_path: Path, leave: Callable[..., Path]) -> Path:
    for arch, values in RUNS.items():
        for seed, (value, test) in enumerate(values):
            said = {"objective": value, "test": {"y": {"mse": test}}}
            figures = {"y": {"mse": value}}
            options = {"objective": "loss"}
            folder = tmp_path / "sweep" / f"{arch}_{seed}"
            leave(folder, figures, arch, seed, summary=said, options=options)
    return tmp_path / "sweep"


def test_the_best_setting_has_the_best_mean_on_val(sweep: Path, monkeypatch) -> None:
    monkeypatch.chdir(sweep.parent)
    ranking = rank_on_val(Path("sweep"))
    assert [group.choices["arch"] for group in ranking.groups] == ["mmoe", "hps", "cgc"]
    assert ranking.run.folder.path == Path("sweep/mmoe_1")
    assert ranking.in_words.endswith("run sweep/mmoe_1")
    grid = ranking.grid()
    assert [row[0] for row in grid.rows] == ["arch=mmoe", "arch=hps", "arch=cgc"]
    assert grid.rows[1][-1] == "sweep/{hps_0,hps_1}"
    assert grid.rows[0][1] == "1.7000 ± 0.1414"
    text = grid.text(100)
    assert "9.0" not in text
    test = ranking.test()
    assert test.header == ["", "arch=mmoe"]
    assert test.rows[0] == ["y/mse ↓", "9.0000 ± 0.0000"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"options": {"objective": "y/mse"}}, "objectives loss, y/mse"),
        ({"options": {"objective": "loss", "tasks.y.loss": 1}}, "different losses"),
        ({"options": {"objective": "loss"}, "source": "other"}, "different data"),
    ],
)
def test_what_does_not_compare_has_no_best(sweep: Path, leave, change, expected) -> None:
    said = {"objective": 0.1}
    leave(sweep / "other", {"y": {"mse": 0.1}}, "ple", 0, summary=said, **change)
    with pytest.raises(Problem, match=expected):
        rank_on_val(sweep)


def test_unfinished_runs_do_not_count(sweep: Path, leave, tmp_path: Path) -> None:
    said = {"objective": 0.1}
    figures = {"y": {"mse": 0.1}}
    leave(sweep / "a", figures, "ple", 0, summary=said, status="interrupted")
    assert "ple" not in [group.choices["arch"] for group in rank_on_val(sweep).groups]
    leave(tmp_path / "none" / "a", figures, "ple", 0, summary=said, status="interrupted")
    with pytest.raises(Problem, match="no finished run"):
        rank_on_val(tmp_path / "none")


@pytest.mark.parametrize("searched", [True, False])
def test_several_figures_have_a_front_in_place_of_a_best_run(leave, tmp_path, searched) -> None:
    wish = ["y/mse", {"y/mse": 0.5, "z/mse": 1.0}]
    for seed in range(2):
        said = {"objective": [1.0, 2.0]}
        own, options = {"y": {"mse": 1.0}, "z": {"mse": 2.0}}, {"objective": wish}
        leave(tmp_path / f"{seed}", own, "hps", seed, summary=said, options=options)
    if searched:
        (tmp_path / "trials").mkdir()
        (tmp_path / "trials/trials.md").touch()
    with pytest.raises(Problem, match="is a front") as caught:
        rank_on_val(tmp_path)
    text = no_best(tmp_path, caught.value)
    assert text.startswith("no single best run: what is best in several figures (y/mse, {y/mse: 0")
    assert text.endswith("trials/trials.md; the runs here are of its knee, for each setting") == (
        searched
    )
    assert "try:" not in text
