"""What was seen of conflicts between gradients: as numbers, in words and in pictures."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from mtl_cli.comparison.table import text_table
from mtl_cli.diagnostic.base import count
from mtl_cli.diagnostic.drawing import (
    MOST_NAMED,
    draw_lines,
    height_of,
    legend_height,
    make_figure,
    map_by_step,
    name_lines,
    width_for,
    width_of,
)
from mtl_cli.drawing.heat_map import MOST_COLUMNS, Array, color_bar, heat_map

ALL = "all shared"
WINDOW = 10  # looks that a curve of shares is a mean of
SMALL = 0.1  # a cosine; the axis goes so far at least, so that noise around 0 looks like noise
MOST_PAIRS = 12  # of the tasks, in the terminal


class Seen:
    """What was seen in N looks at L layers, of P pairs of tasks.

    Args:
        tasks: the names of all tasks.
        layers: the names of the layers, all together first.
        looks: (epoch, step) of each.
        gramians: ``g_i . g_j``, [N, L, K, K]; NaN where a task was absent or has no path.

    Attributes:
        pairs: the numbers of the two tasks.
        norms: [N, L, K].
        cosines: [N, L, P]; NaN where there is none.
        ratios: of the first task's norm to the other's, [N, L, P].
    """

    def __init__(
        self, tasks: list[str], layers: list[str], looks: list[tuple[int, int]], gramians: Array
    ) -> None:
        self.tasks, self.layers, self.looks = tasks, layers, looks
        self.pairs = list(combinations(range(len(tasks)), 2))
        self.names = [f"{tasks[i]} × {tasks[j]}" for i, j in self.pairs]
        first, other = np.array(self.pairs).T
        self.norms = np.sqrt(np.diagonal(gramians, axis1=2, axis2=3))
        with np.errstate(divide="ignore", invalid="ignore"):  # a zero gradient has no direction
            products = self.norms[..., first] * self.norms[..., other]
            self.cosines = np.clip(gramians[..., first, other] / products, -1, 1)
            self.ratios = self.norms[..., first] / self.norms[..., other]

    def mean_cosines(self) -> Array:
        """Over the looks, [L, P]."""
        return nan_mean(self.cosines, 0)

    def conflicting(self, axis: int | tuple[int, ...]) -> Array:
        """The share of cosines below 0 along some axes of [N, L, P]."""
        return nan_mean(np.where(np.isnan(self.cosines), np.nan, self.cosines < 0), axis)


def describe(seen: Seen) -> str:
    """The looks as tables: by layer, and by pair of tasks."""
    cosines, conflicting = seen.mean_cosines(), seen.conflicting(0)
    spread = nan_median(np.exp(np.abs(np.log(positive(seen.ratios)))), 0)  # larger to smaller
    rows = [
        [
            layer,
            as_cell(nan_mean(cosines[n], 0)),
            percent(nan_mean(conflicting[n], 0)),
            as_cell(nan_median(spread[n], 0)),
        ]
        for n, layer in enumerate(seen.layers)
    ]
    order = sorted(range(len(seen.pairs)), key=lambda p: np.nan_to_num(cosines[0, p], nan=2.0))
    pairs = [
        [seen.names[p], as_cell(cosines[0, p]), percent(conflicting[0, p]), as_cell(spread[0, p])]
        for p in order[:MOST_PAIRS]
    ]
    header = ["cosine", "conflicting", "longer/shorter"]
    what = f"{count(len(seen.looks), 'look')} at the gradients of {len(seen.tasks)} tasks"
    more = f"\n({len(order) - MOST_PAIRS} pairs that agree more are in the CSV)"
    return (
        f"conflict: {what}; conflicting: the cosine is below 0\n"
        f"{text_table(['shared layer', *header], rows)}\n\n"
        f"{text_table([f'tasks, on {ALL}', *header], pairs)}"
        f"{more if len(order) > MOST_PAIRS else ''}"
    )


def draw_maps(seen: Seen, title: str) -> Any:
    """The mean cosine of every two tasks, and of every pair at each layer."""
    tasks, cosines = seen.tasks, seen.mean_cosines()
    square = np.full((len(tasks), len(tasks)), np.nan)
    for p, (i, j) in enumerate(seen.pairs):
        square[i, j] = square[j, i] = cosines[0, p]
    height = max(height_of(len(tasks)), height_of(len(seen.layers)), 3.0)
    worst = np.argsort(cosines[0], kind="stable")[:MOST_COLUMNS]  # NaN goes last
    chosen = sorted(worst.tolist())
    widths = [width_for(len(tasks), 0.45) + 1.0, width_for(len(chosen), 0.4) + 1.0]
    widths = [widths[0] + width_of(tasks), widths[1] + width_of(seen.layers)]
    grid = {"nrows": 1, "ncols": 2, "width_ratios": widths}
    figure, axes = make_figure(f"{title}: cosine of task gradients", sum(widths), height, **grid)
    style: dict[str, Any] = {"cmap": "RdBu", "vmin": -1, "vmax": 1}
    heat_map(axes[0, 0], square, tasks, tasks, ALL, **style)
    names = [seen.names[p] for p in chosen]
    what = (
        "by layer" if len(chosen) == len(seen.pairs) else "by layer, the pairs that conflict most"
    )
    image = heat_map(axes[0, 1], cosines[:, chosen], seen.layers, names, what, **style)
    color_bar(figure, axes[0, 1], image, "cosine")
    return figure


def draw_curves(seen: Seen, title: str) -> Any:
    """Over the looks: each pair's cosine, each layer's share of conflicts, each pair's ratio.

    The shares are a heat map, since as curves many would lie on one another.
    """
    names = width_of(seen.layers)
    height = max(3.4 + legend_height(len(seen.names), MOST_NAMED), height_of(len(seen.layers)))
    grid = {"nrows": 1, "ncols": 3, "width_ratios": [1, 1.1, 1]}
    heading = f"{title}: conflict of task gradients"
    figure, axes = make_figure(heading, 12.5 + names, height, **grid)
    steps = [step for _, step in seen.looks]
    by_pair = dict(zip(seen.names, seen.cosines[:, 0].T, strict=True))
    draw_lines(axes[0, 0], steps, by_pair, f"cosine, {ALL} (below 0: conflict)", most=MOST_NAMED)
    largest = np.nanmax(np.abs(seen.cosines[:, 0]), initial=0.0)
    axes[0, 0].set_ylim(-max(SMALL, 1.1 * largest), max(SMALL, 1.1 * largest))
    axes[0, 0].axhline(0, color="black", linewidth=0.8)
    shares = np.array([smooth(values) for values in seen.conflicting(2).T])
    by_layer = dict(zip(seen.layers, shares, strict=True))
    what = f"share of pairs in conflict over the last {WINDOW} looks"
    style: dict[str, Any] = {"cmap": "Reds", "vmin": 0, "vmax": 1}
    image = map_by_step(axes[0, 1], steps, by_layer, what, "{:.0%}".format, **style)
    color_bar(figure, axes[0, 1], image, "share")
    ratios = dict(zip(seen.names, positive(seen.ratios[:, 0]).T, strict=True))
    what = f"norm of the first task's gradient / the other's, {ALL}"
    draw_lines(axes[0, 2], steps, ratios, what, log=True, most=MOST_NAMED)
    axes[0, 2].axhline(1, color="black", linewidth=0.8)
    for axis in axes[0, ::2]:
        name_lines(axis, below=True)
    return figure


def smooth(values: Array) -> Array:
    """The mean of each value and those before it, as far as the window goes."""
    return np.array(
        [nan_mean(values[max(0, n - WINDOW + 1) : n + 1], 0) for n in range(len(values))]
    )


def positive(ratios: Array) -> Array:
    """The ratios that are a finite number above 0; NaN for the others."""
    return np.where(np.isfinite(ratios) & (ratios > 0), ratios, np.nan)


def nan_mean(values: Array, axis: int | tuple[int, ...]) -> Array:
    """The mean of what is there; NaN where nothing is."""
    there = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        mean: Array = np.where(there, values, 0).sum(axis) / there.sum(axis)
    return mean


def nan_median(values: Array, axis: int) -> Array:
    """The median of what is there; NaN where nothing is."""
    ordered = np.ma.masked_invalid(values)
    median: Array = np.ma.filled(np.ma.median(ordered, axis=axis), np.nan)
    return median


def as_cell(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)


def percent(value: Any) -> str:
    return "–" if np.isnan(value) else f"{100 * float(value):.0f} %"
