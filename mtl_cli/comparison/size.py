"""How large both sides of a verdict are, and what that means for it."""

from __future__ import annotations

from mtl_cli.comparison.compare import Comparison
from mtl_cli.comparison.group import Group
from mtl_cli.comparison.widened import RATIO, ratio


def sizes(comparison: Comparison) -> list[str]:
    """The parameters of both sides of each verdict, and what they mean for it."""
    return [
        size_of(group)
        for table in comparison.tables
        for group in table.groups
        if group.gain is not None and ratio(group) is not None
    ]


def size_of(group: Group) -> str:
    base, times, gain = group.baseline, ratio(group), group.gain
    assert base is not None
    assert times is not None
    assert gain is not None
    said = f"{group.words}: {group.parameters:,} parameters, its baseline {base.parameters:,}"
    if (wider := gain.wider) is not None:
        about = "unknown" if wider.total is None else f"{wider.total:+.2f} %"
        said += f", and {wider.words} {wider.parameters:,}, over which its Gain is"
        said += f" {about}: {wider.word}"
        above = gain.whole is not None and gain.whole.low > 0
        doubt = "it may be the parameters that help, so that no verdict is given"
        return f"{said}; {doubt}" if above and wider.word != "helps" else said
    if times > RATIO:
        fix = "study=baselines trains single-task of its size too, which it has to beat"
        return f"{said}, {times:.1f} times fewer; {fix}"
    if times < 1 / RATIO:
        return f"{said}, {1 / times:.1f} times more, which a Gain below 0 may come of"
    return said
