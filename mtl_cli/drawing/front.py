"""Task against task as a picture: every setting a point, with the Pareto front."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from mtl_cli.comparison.compare import telling
from mtl_cli.comparison.group import Group, Table
from mtl_cli.comparison.judge import compared
from mtl_cli.comparison.remarks import listed
from mtl_cli.drawing.files import save
from mtl_cli.drawing.page import page
from mtl_cli.drawing.pareto import Point, front, hypervolume, outline
from mtl_cli.drawing.style import MOST, label, legend_below, names_of, new_figure, point_look

PAIRS = 6  # of tasks, at most
OTHERS: dict[str, Any] = {"color": "#cccccc", "marker": "o", "s": 30}


@dataclass(frozen=True)
class Pair:
    """Two tasks, by a metric of each, and the settings that have both.

    Args:
        names: ``("digit", "accuracy"), ("parity", "accuracy")``.
        higher: whether higher is better, in each.
        groups: the settings.
        points: their means.
    """

    names: tuple[tuple[str, str], tuple[str, str]]
    higher: tuple[bool, bool]
    groups: list[Group]
    points: list[Point]

    @property
    def best(self) -> list[int]:
        return front(self.points, self.higher)

    @property
    def front(self) -> set[Point]:
        """The different points of the best."""
        return {self.points[i] for i in self.best}

    @property
    def in_words(self) -> str:
        first, second = ("/".join(name) for name in self.names)
        words = "; ".join(self.groups[i].words for i in self.best)
        volume = hypervolume(self.points, self.higher)
        said = f"Pareto front of {first} and {second}: {words}"
        if volume is None:
            return said
        return f"{said}; hypervolume {volume:.2f} (1: one setting is the best in both tasks)"


def find_pairs(table: Table, metric: str | None) -> list[Pair]:
    """The pairs of tasks on which at least two settings can be compared."""
    tasks = list(dict.fromkeys(task for group in table.groups for task in group.figures))
    pairs: list[Pair] = []
    for two in combinations(tasks, 2):
        if len(pairs) == PAIRS:
            break
        there = [g for g in table.groups if all(task in g.figures for task in two)]
        if not there:
            continue
        chosen = compared(there[0], metric)
        names = (two[0], chosen[two[0]]), (two[1], chosen[two[1]])
        ways = [there[0].higher_is_better(*name) for name in names]
        points = [(g.mean(*names[0]), g.mean(*names[1])) for g in there]
        both = [(g, (x, y)) for g, (x, y) in zip(there, points, strict=True) if None not in (x, y)]
        if len(both) > 1 and None not in ways:
            groups, known = zip(*both, strict=True)
            pairs.append(Pair(names, (bool(ways[0]), bool(ways[1])), [*groups], [*known]))
    return pairs


def draw_fronts(
    pairs: Sequence[Pair], title: str, out: Path, numbers: Mapping[str, int]
) -> list[Path]:
    """``pareto.png``: large points are means, small ones seeds, the line is the front."""
    if not pairs:
        return []
    return [save(draw_pairs(pairs, title, numbers), out / "pareto.png")]


def draw_pairs(pairs: Sequence[Pair], title: str, numbers: Mapping[str, int]) -> Any:
    """Axes for each pair; of many settings those on a front, and those of most Gain, have names."""
    columns = min(page().beside(3, 2.4), len(pairs))
    rows = math.ceil(len(pairs) / columns)
    figure = new_figure(max(6.5, 4.0 * columns), 3.6 * rows + 0.7, f"{title}: task against task")
    axes = figure.subplots(rows, columns, squeeze=False).flatten()
    groups = list(dict.fromkeys(group for pair in pairs for group in pair.groups))
    best = [pair.groups[i] for pair in pairs for i in pair.best]
    named = list(dict.fromkeys([*best[:MOST], *telling(groups, MOST)]))[:MOST]
    looks = {id(group): point_look(numbers[group.words]) for group in named}
    for axis, pair in zip(axes, pairs, strict=False):
        draw_pair(axis, pair, looks)
    for axis in axes[len(pairs) :]:
        axis.set_axis_off()
    known = [group for group in groups if id(group) in looks]
    names = names_of([group.words for group in known])
    shown = [(looks[id(group)], name) for group, name in zip(known, names, strict=True)]
    shown += [(OTHERS, f"{len(groups) - len(shown)} others")] if len(shown) < len(groups) else []
    handles = [axes[0].scatter([], [], **look) for look, _ in shown]
    legend_below(figure, handles, [words for _, words in shown])
    return figure


def draw_pair(axis: Any, pair: Pair, looks: dict[int, dict[str, Any]]) -> None:
    for group, point in zip(pair.groups, pair.points, strict=True):
        if id(group) not in looks:
            axis.scatter(*point, **OTHERS, zorder=2)
            continue
        first, second = (group.figures[task][metric] for task, metric in pair.names)
        seeds = [seed for seed in first if seed in second]
        style = looks[id(group)]
        own = [first[seed] for seed in seeds], [second[seed] for seed in seeds]
        axis.scatter(*own, **style | {"s": 12}, alpha=0.5)
        axis.scatter(*point, **style, edgecolors="black", linewidths=0.8, zorder=3)
    if len(pair.front) > 1:
        line = outline(pair.points, pair.higher)
        axis.plot(*zip(*line, strict=True), color="#888888", linewidth=1.2, zorder=1)
    for (task, metric), up, name in zip(
        pair.names, pair.higher, (axis.set_xlabel, axis.set_ylabel), strict=True
    ):
        name(f"{task}: {metric} ({'higher' if up else 'lower'} is better)", fontsize="small")
    axis.set_title(label(said_of(pair), 50), fontsize="small")
    axis.tick_params(labelsize="x-small")
    axis.grid(alpha=0.3)


def said_of(pair: Pair) -> str:
    """What the line is; where there is none since no setting is better in either task, which."""
    if len(pair.front) == 1:
        return f"no front: {alone(pair)}"
    volume = hypervolume(pair.points, pair.higher)
    return "line: Pareto front" + ("" if volume is None else f", hypervolume {volume:.2f}")


def alone(pair: Pair) -> str:
    """Of a front that is one point: who is there, and in which of the tasks others are as good."""
    [point] = pair.front
    words = listed(names_of([pair.groups[i].words for i in pair.best]))
    tied = [
        task
        for way, (task, _) in enumerate(pair.names)
        if sum(other[way] == point[way] for other in pair.points) > 1
    ]
    if len(tied) == 2 or len(pair.best) > 1:
        return f"none is better than {words} in either, and a tie in {' and '.join(tied)}"
    if not tied:
        return f"{words} is the best in both"
    (better,) = (task for task, _ in pair.names if task not in tied)
    return f"{words} is the best in {better}, and a tie in {tied[0]}"
