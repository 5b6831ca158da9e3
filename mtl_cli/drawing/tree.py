"""A tree of tasks as a picture: which tasks share which stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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
    said = f"{title}: which tasks share which stages"
    figure = new_figure(1.5 * (num_stages + 2), 0.6 * len(tasks) + 0.8, said)
    axes = figure.subplots()
    middle = sum(height.values()) / len(tasks)
    node(axes, (0.0, middle), "input", "#dddddd")
    for task in tasks:
        x, y = 0.0, middle
        for s, column in enumerate(branches[task]):
            members = [other for other in tasks if branches[other][s] == column]
            place = (s + 1.0, sum(height[other] for other in members) / len(members))
            axes.plot([x, place[0]], [y, place[1]], color="#999999", zorder=1)
            node(axes, place, f"stage {s + 1}", "#cfe2f3" if len(members) > 1 else "#ffffff")
            x, y = place
        place = (num_stages + 0.75, height[task])
        axes.plot([x, place[0]], [y, place[1]], color="#999999", zorder=1)
        node(axes, place, clip(task), "#fff2cc", ha="left")  # long names go on to the right
    axes.set_xlim(-0.4, num_stages + 1.4)
    axes.set_ylim(min(height.values()) - 0.5, 0.5)
    axes.set_axis_off()
    make_folder(folder.plots)
    save(figure, folder.plots / "tree.png")


def node(axes: Any, place: tuple[float, float], words: str, color: str, ha: str = "center") -> None:
    """A box with words in it."""
    box = {"boxstyle": "round,pad=0.4", "fc": color, "lw": 0.8}
    axes.text(*place, words, ha=ha, va="center", fontsize="small", bbox=box)
