"""Gain of every setting as a bar, with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mtl_cli.comparison.compare import gain_of
from mtl_cli.comparison.gain import Gain
from mtl_cli.comparison.group import Group
from mtl_cli.drawing.files import save
from mtl_cli.drawing.style import label, new_figure

BARS = 30  # at most
HELPS, HURTS, OPEN = "#228833", "#ee6677", "#bbbbbb"


def draw_gain(groups: Sequence[Group], confidence: float, title: str, out: Path) -> list[Path]:
    """``gain.png``: green where the interval says that sharing helps, red where that it hurts."""
    by_gain = sorted(groups, key=lambda group: -gain_of(group))
    bars = [(label(g.words, 36), g.gain, g.gain.total) for g in by_gain if g.gain is not None]
    bars = [bar for bar in bars if bar[2] is not None]
    if len(bars) > BARS:
        title += f", the first {BARS} of {len(bars)} settings"
    bars = bars[:BARS]
    if not bars:
        return []
    lines = sum(1 + name.count("\n") for name, _, _ in bars)
    figure = new_figure(
        7.5, 1.8 + 0.34 * len(bars) + 0.14 * lines, f"{title}: Gain over single-task"
    )
    axis = figure.subplots()
    for place, (_, gain, value) in enumerate(bars):
        axis.barh(-place, value, height=0.6, color=color(gain))
        if gain.low is not None and gain.high is not None:
            axis.plot([gain.low, gain.high], [-place, -place], color="black", linewidth=1.5)
            for end in (gain.low, gain.high):
                axis.plot([end, end], [-place - 0.15, -place + 0.15], color="black", linewidth=1.5)
    axis.set_yticks([-place for place in range(len(bars))], [name for name, _, _ in bars])
    axis.set_ylim(0.6 - len(bars), 0.6)
    axis.axvline(0, color="black", linewidth=0.8)
    axis.set_xlabel("Gain [%], positive: sharing helps", fontsize="small")
    axis.tick_params(labelsize="small")
    axis.grid(axis="x", alpha=0.3)
    axis.set_axisbelow(True)
    from matplotlib.patches import Patch

    names = {HELPS: "helps", HURTS: "hurts", OPEN: "cannot say"}
    handles = [Patch(color=shade, label=name) for shade, name in names.items()]
    whisker = f"line: interval over seeds, {100 * confidence:g} % for all together"
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


def color(gain: Gain) -> str:
    return {"helps": HELPS, "hurts": HURTS}.get(gain.word, OPEN)
