"""Lines with their spread over seeds: bands where they are few, else whiskers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from mtl_cli.comparison.history import Points

FILLED = 3  # bands in one picture: more of them merge
WHISKERS = 6  # of a line
FAINT = 0.3  # of a curve beyond the epochs that all seeds have

Band = list[tuple[int, float, float]]  # (epoch, mean, standard deviation)


def band(lines: Sequence[Points]) -> Band:
    """Mean and standard deviation over the seeds, at each epoch that any of them has."""
    values: dict[int, list[float]] = {}
    for line in lines:
        for epoch, value in line:
            if math.isfinite(value):
                values.setdefault(epoch, []).append(value)
    return [(epoch, *mean_and_deviation(own)) for epoch, own in sorted(values.items())]


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float]:
    """As in ``statistics``, which is exact and a hundred times as slow."""
    mean = math.fsum(values) / len(values)
    square = math.fsum((value - mean) ** 2 for value in values)
    return mean, math.sqrt(square / (len(values) - 1)) if len(values) > 1 else 0.0


def common_end(lines: Sequence[Points]) -> int:
    """The last epoch that all seeds have; 0 where there are none."""
    return min((line[-1][0] for line in lines if line), default=0)


def in_words(settings: Sequence[Sequence[Points]]) -> str:
    """What the lines of some settings are, each with its seeds' lines."""
    if all(sum(map(bool, lines)) <= 1 for lines in settings):
        return "one seed each"
    said = f"mean ± sd over seeds{' (whiskers)' if len(settings) > FILLED else ''}"
    ends = [{line[-1][0] for line in lines if line} for lines in settings]
    return said + (", faint where some have stopped" if any(len(e) > 1 for e in ends) else "")


def draw_as_far_as_all_go(
    axis: Any, points: Band, end: int, place: int = 0, of: int = 1, **style: Any
) -> None:
    """A band up to an epoch; faint and without its width beyond, where some seeds have stopped.

    There the mean is one of ever fewer seeds, and jumps without any of them getting better.
    """
    draw_band(axis, [point for point in points if point[0] <= end], place, of, **style)
    beyond = [(epoch, mean) for epoch, mean, _ in points if epoch >= end]
    if len(beyond) > 1:
        axis.plot(*zip(*beyond, strict=True), **style | {"alpha": FAINT})


def draw_band(axis: Any, points: Band, place: int = 0, of: int = 1, **style: Any) -> None:
    """A line of means with what they deviate by.

    Args:
        axis: where it is drawn.
        points: the means.
        place: which of the picture's lines it is, from 0.
        of: how many there are.
        style: of the line.
    """
    if not points:
        return
    epochs, means, deviations = zip(*points, strict=True)
    alone = {"marker": "o"} if len(points) == 1 else {}
    axis.plot(epochs, means, **alone | style)
    if not any(deviations):  # of one seed, or of seeds that are alike
        return
    low = [mean - sd for mean, sd in zip(means, deviations, strict=True)]
    high = [mean + sd for mean, sd in zip(means, deviations, strict=True)]
    if of <= FILLED:
        axis.fill_between(epochs, low, high, color=style["color"], alpha=0.18, linewidth=0)
        return
    apart = max(1, len(epochs) // WHISKERS)
    start = len(epochs) - 1 - (place * apart // of) % apart  # those of other lines lie beside
    chosen = range(start, -1, -apart)
    aside = 0.012 * (epochs[-1] - epochs[0]) * (place - (of - 1) / 2) if apart == 1 else 0.0
    whiskers = [(epochs[n] + aside, low[n], high[n]) for n in chosen]
    axis.vlines(*zip(*whiskers, strict=True), color=style["color"], linewidth=0.9)
