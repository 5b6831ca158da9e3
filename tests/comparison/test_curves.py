"""Learning curves: what is in `metrics.csv` is in the picture, and nothing else."""

from pathlib import Path

from mtl_cli.comparison.curves import draw_curves, draw_tasks
from mtl_cli.comparison.history import read_history
from mtl_cli.run_folder import RunFolder


def folder_with(path: Path, tasks: list[str], weights: bool) -> RunFolder:
    folder = RunFolder(path)
    folder.cut_metrics(0)
    for epoch in (1, 2, 3):
        for split in ("step", "train", "val"):
            figures = {task: {"loss": epoch / 10} for task in tasks}
            folder.append_figures(epoch, epoch, split, figures | {"": {"loss": 1.0}})
        if weights:
            folder.append_figures(epoch, epoch, "train", {task: {"weight": 0.5} for task in tasks})
    folder.append_figures(2, 2, "test", {task: {"loss": 0.3} for task in tasks})
    return folder


def test_every_epoch_row_is_drawn(tmp_path: Path) -> None:
    curves = read_history(folder_with(tmp_path, ["a", "b"], weights=False).metrics)
    assert curves["b"]["loss"] == {
        "train": [(1, 0.1), (2, 0.2), (3, 0.3)],
        "val": [(1, 0.1), (2, 0.2), (3, 0.3)],
        "test": [(2, 0.3)],
    }
    lines = [line for axis in draw_tasks(curves, "title").axes for line in axis.get_lines()]
    assert sorted(len(line.get_xdata()) for line in lines) == [1, 1, 3, 3, 3, 3]


def test_many_tasks_take_several_pictures_and_weights_one_of_their_own(tmp_path: Path) -> None:
    draw_curves(folder_with(tmp_path, [f"t{i}" for i in range(7)], weights=True), "title")
    names = sorted(path.name for path in (tmp_path / "plots").iterdir())
    assert names == ["learning_curves.png", "learning_curves_2.png", "weights.png"]


def test_without_weights_there_is_no_picture_of_them(tmp_path: Path) -> None:
    draw_curves(folder_with(tmp_path, ["a"], weights=False), "title")
    assert [path.name for path in (tmp_path / "plots").iterdir()] == ["learning_curves.png"]
