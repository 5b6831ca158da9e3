"""A tree of tasks as a picture: which tasks share which stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.disk.writing import make_folder
from mtl_cli.drawing.files import save
from mtl_cli.drawing.heat_map import clip
from mtl_cli.drawing.style import new_figure


def draw_tree(folder: RunFolder, branches: Mapping[str, Sequence[int]], title: str) -> None:
    """Draws ``plots/tree.png`` of ``{task: the column that it takes at each stage}``.

    Stages go from the left to the right; a node is a column of the encoder with its tasks.
    """
    # Tasks in the order of their paths: branches do not cross.
    tasks = sorted(branches, key=lambda task: list(branches[task]))
    num_stages = len(branches[tasks[0]])
    height = {task: -float(place) for place, task in enumerate(tasks)}
    figure = new_figure(
        2.2 * (num_stages + 2), 0.6 * len(tasks) + 1.2, f"{title}: which tasks share which stages"
    )
    axes = figure.subplots()
    before = (0.0, sum(height.values()) / len(tasks))
    box = {"boxstyle": "round", "fc": "#dddddd"}
    axes.text(*before, "input", ha="center", va="center", fontsize="small", bbox=box)
    for task in tasks:
        x, y = before
        for s, column in enumerate(branches[task]):
            members = [other for other in tasks if branches[other][s] == column]
            place = (s + 1.0, sum(height[other] for other in members) / len(members))
            axes.plot([x, place[0]], [y, place[1]], color="#999999", zorder=1)
            box = {"boxstyle": "round", "fc": "#cfe2f3" if len(members) > 1 else "#ffffff"}
            axes.text(
                *place, f"stage {s + 1}", ha="center", va="center", fontsize="small", bbox=box
            )
            x, y = place
        axes.plot([x, num_stages + 1], [y, height[task]], color="#999999", zorder=1)
        label = {"boxstyle": "round", "fc": "#fff2cc"}
        axes.text(
            num_stages + 1,
            height[task],
            clip(task),
            ha="center",
            va="center",
            fontsize="small",
            bbox=label,
        )
    axes.set_xlim(-0.5, num_stages + 1.7)
    axes.set_axis_off()
    make_folder(folder.plots)
    save(figure, folder.plots / "tree.png")
