"""Names that somebody chose never lead to another folder, and stay different."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import torch
from torchmetrics.classification import MulticlassConfusionMatrix

from mtl_cli.basis.errors import Problem
from mtl_cli.command_line.cli import compose_run
from mtl_cli.diagnostic.base import write_rows
from mtl_cli.disk.new_file import check_new, file_name
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.run.pictures import draw_metrics
from mtl_cli.task.base import Task

NAMES = [
    "../../x",
    "/etc/x",
    "..",
    ".",
    ".hidden",
    "a/b",
    "a\\b",
    "a\0b",
    "a:b",
    "%2F",
    "a%2Fb",
    "%",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_leads_to_no_other_folder(tmp_path: Path, name: str) -> None:
    file = tmp_path / "runs" / file_name(name)
    assert file.resolve().parent == tmp_path / "runs"
    assert not file.name.startswith(".")


def test_names_stay_different_and_usual_ones_as_they_are() -> None:
    assert len(set(map(file_name, NAMES))) == len(NAMES)
    for name in ("price", "a b", "größe", "x.y", "a-b_c", "σ²", "mmoe+uw (2)"):
        assert file_name(name) == name


def test_a_file_or_folder_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    check_new(tmp_path / "new", overwrite=False)
    check_new(tmp_path / "file", overwrite=True)
    with pytest.raises(Problem, match="overwrite=true"):
        check_new(tmp_path / "file", overwrite=False)
    with pytest.raises(Problem, match="found: a folder"):
        check_new(tmp_path, overwrite=True)


@pytest.mark.parametrize("name", ["../../../x", "/x", "a/b"])
def test_a_run_stays_below_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    cfg, folder = compose_run("train", [f"name={name}"])
    assert cfg.name == name
    assert [path.name for path in tmp_path.iterdir()] == ["here"]
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["runs"]
    assert len(folder.relative_to("runs").parts) == 2
    assert folder.is_dir()


def test_pictures_of_a_task_stay_in_their_folder(tmp_path: Path) -> None:
    plot = MulticlassConfusionMatrix(2)
    plot.update(torch.tensor([0, 1]), torch.tensor([0, 1]))
    tasks = cast("dict[str, Task]", {"../../y": SimpleNamespace(plots={"matrix": plot})})
    run = RunFolder(tmp_path / "runs" / "run")
    run.path.mkdir(parents=True)
    draw_metrics(tasks, tasks, {}, run, "title", 12)
    write_rows(run, "../../x", ["a"], [[1]])
    assert [path.name for path in tmp_path.rglob("*.png")] == [file_name("../../y_matrix.png")]
    own = {path.parent for path in tmp_path.rglob("*.*") if path != run.confusion}
    assert own == {run.plots, run.path / "diagnostics"}
