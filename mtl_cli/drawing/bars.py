"""Gain of every setting as a bar, with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mtl_cli.comparison.compare import gain_of
from mtl_cli.comparison.gain import Gain
from mtl_cli.comparison.group import Group
from mtl_cli.comparison.verdict import percent
from mtl_cli.drawing.files import save
from mtl_cli.drawing.page import page
from mtl_cli.drawing.style import label, names_of, new_figure

BARS = 30  # at most
# None of the settings' colours, and told apart in print too.
HELPS: dict[str, Any] = {"facecolor": "#222222", "edgecolor": "#222222"}
HURTS: dict[str, Any] = {"facecolor": "#ffffff", "edgecolor": "#222222", "hatch": "/////"}
OPEN: dict[str, Any] = {"facecolor": "#c8c8c8", "edgecolor": "#c8c8c8"}
NONE: dict[str, Any] = {"facecolor": "#ffffff", "edgecolor": "#222222"}
NO_VERDICT = "no verdict"
NO_DIFFERENCE = "makes no difference"
ALIKE: dict[str, Any] = {"facecolor": "#ffffff", "edgecolor": "#222222", "hatch": "....."}
KINDS = {"helps": HELPS, "hurts": HURTS, "cannot say": OPEN, NO_DIFFERENCE: ALIKE, NO_VERDICT: NONE}
LINE: dict[str, Any] = {"color": "#222222", "linewidth": 1.5}


def draw_gain(groups: Sequence[Group], confidence: float, title: str, out: Path) -> list[Path]:
    """``gain.png``: black where the interval says that sharing helps, hatched where it hurts."""
    by_gain = sorted(groups, key=lambda group: -gain_of(group))
    names = names_of([group.words for group in by_gain])
    most = 36 if page().width is None else 20  # letters of a line
    bars = [
        (label(name, most), g.gain, g.gain.total)
        for name, g in zip(names, by_gain, strict=True)
        if g.gain is not None
    ]
    bars = [bar for bar in bars if bar[2] is not None]
    if len(bars) > BARS:
        title += f", the first {BARS} of {len(bars)} settings"
    bars = bars[:BARS]
    if not bars:
        return []
    lines = sum(1 + name.count("\n") for name, _, _ in bars)
    high = 0.34 * len(bars) + 0.14 * lines
    base = 1.8 if page().width is None else 1.2  # title, axis, legend
    title += ": Gain over single-task"
    figure = new_figure(7.5, base + high, title, flattest=page().scale)
    axis = figure.subplots()
    for place, (_, gain, value) in enumerate(bars):
        axis.barh(-place, value, height=0.6, **KINDS[kind(gain)])
        if gain.low is not None and gain.high is not None:
            draw_interval(axis, -place, gain.low, gain.high)
    axis.set_yticks([-place for place in range(len(bars))], [name for name, _, _ in bars])
    axis.set_ylim(0.6 - len(bars), 0.6)
    axis.axvline(0, color="black", linewidth=0.8)
    axis.set_xlabel("Gain [%], positive: sharing helps", fontsize="small")
    axis.tick_params(labelsize="small")
    axis.grid(axis="x", alpha=0.3)
    axis.set_axisbelow(True)
    from matplotlib.patches import Patch

    there = {kind(gain) for _, gain, _ in bars}
    handles = [Patch(**style, label=name) for name, style in KINDS.items() if name in there]
    whisker = f"line: interval over seeds, {percent(confidence)} for all together"
    if all(gain.low is None for _, gain, _ in bars):
        whisker = "no verdict has an interval"
    figure.legend(
        handles=handles,
        title=whisker,
        loc="outside lower center",
        ncols=3,
        fontsize="small",
        title_fontsize="small",
        frameon=False,
    )
    return [save(figure, out / "gain.png")]


def draw_interval(axis: Any, y: float, low: float, high: float) -> None:
    """A line with ends, light around it, so that it is seen on black."""
    from matplotlib.patheffects import withStroke

    around = [withStroke(linewidth=3.0, foreground="white")]
    axis.plot([low, high], [y, y], path_effects=around, **LINE)
    for end in (low, high):
        axis.plot([end, end], [y - 0.15, y + 0.15], path_effects=around, **LINE)


def kind(gain: Gain) -> str:
    """What a bar's look says: the verdict, or that there is none."""
    return gain.word if gain.word in KINDS else NO_VERDICT
