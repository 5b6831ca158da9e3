"""Learning curves: what is in `metrics.csv` is in the picture, and nothing else."""

from pathlib import Path

from mtl_cli.comparison.history import read_history
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.drawing.curves import (
    COLUMNS,
    SPLITS,
    draw_curves,
    draw_tasks,
    draw_weights,
    equal_to_loss,
)


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
    draw_curves(folder_with(tmp_path, [f"t{i}" for i in range(7)], weights=True), "title", 12)
    names = sorted(path.name for path in (tmp_path / "plots").iterdir())
    assert names == ["learning_curves.png", "learning_curves_2.png", "weights.png"]


def test_without_weights_there_is_no_picture_of_them(tmp_path: Path) -> None:
    draw_curves(folder_with(tmp_path, ["a"], weights=False), "title", 12)
    assert [path.name for path in (tmp_path / "plots").iterdir()] == ["learning_curves.png"]


def test_many_metrics_go_on_in_the_next_row_and_all_are_there() -> None:
    points = {"train": [(1, 0.5), (2, 0.4)], "val": [(1, 0.5), (2, 0.4)], "test": [(2, 0.3)]}
    names = [f"m{n}" for n in range(2 * COLUMNS + 1)]
    figure = draw_tasks({"a": dict.fromkeys(names, points), "b": {"loss": points}}, "title")
    places = [axis.get_subplotspec() for axis in figure.axes]
    assert max(place.colspan.stop for place in places) == COLUMNS == 4
    assert [place.rowspan.start for place in places] == [0] * 4 + [1] * 4 + [2] + [3]
    assert [axis.get_title() for axis in figure.axes] == [*(f"a: {m}" for m in names), "b: loss"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["train", "val", "test"]


def test_a_long_title_is_wrapped_and_every_task_is_named() -> None:
    tasks = [f"task {n}" for n in range(12)]
    title = "parity_mnist_mmoe_uw (seed 0) on scikit-learn's bundled digits, not MNIST " * 2
    figure = draw_weights({task: [(1, 0.5), (2, n / 9)] for n, task in enumerate(tasks)}, title)
    figure.draw_without_rendering()
    box = figure._suptitle.get_window_extent()
    assert 0 <= box.x0 < box.x1 <= figure.bbox.width
    assert [text.get_text() for text in figure.legends[0].get_texts()] == tasks
    looks = {(line.get_color(), str(line.get_linestyle())) for line in figure.axes[0].get_lines()}
    assert len(looks) >= 6


def test_train_val_and_test_differ_by_more_than_colour() -> None:
    points = {split: [(1, n + 0.5), (2, n + 0.4)] for n, split in enumerate(SPLITS)}
    lines = draw_tasks({"a": {"loss": points}}, "title").axes[0].get_lines()
    assert len({(str(line._dash_pattern), line.get_marker()) for line in lines}) == 3


def test_a_metric_that_is_the_loss_has_no_panel_of_its_own() -> None:
    val, test = [(1, 0.5), (2, 0.25)], [(2, 0.3)]
    loss = {"train": [(1, 0.6), (2, 0.2)], "val": val, "test": test}
    own = {"loss": loss, "mse": {"val": val, "test": test}, "mae": {"val": val, "test": [(2, 0.4)]}}
    figure = draw_tasks({"a": own, "b": {"loss": loss}}, "title")
    titles = [axis.get_title() for axis in figure.axes]
    assert titles == ["a: loss = mse", "a: mae", "b: loss"]
    assert equal_to_loss([own, {"loss": loss, "mse": {"val": [(1, 9.0)]}}]) == []
