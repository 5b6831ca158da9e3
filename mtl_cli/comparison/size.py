"""How large both sides of a verdict are, and the single-task model of the joint model's size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import mean, stdev

from mtl_cli.comparison.baseline import BASELINE, unequal
from mtl_cli.comparison.compare import Comparison, Options, compared
from mtl_cli.comparison.group import Group, Table

ENOUGH = 3  # pairs of seeds, under which nothing is said
RATIO = 1.5  # of parameters, above which single-task of the joint model's size is trained too
ALIKE = 1.25  # up to which a model counts as of another's size


def ratio(group: Group) -> float | None:
    """How many times the parameters of its baseline a setting has."""
    base = group.baseline
    if base is None or base is group or not group.parameters or not base.parameters:
        return None
    return group.parameters / base.parameters


def widened(group: Group, groups: Sequence[Group]) -> Group | None:
    """The single-task setting that differs in the encoder's width and is as large as a joint model
    of more than `RATIO` times its baseline's parameters; None where none was run or none is needed.
    """
    times, own = ratio(group), group.parameters
    if times is None or times <= RATIO or own is None:
        return None
    found = [
        other
        for other in groups
        if other.choices.get("arch") == BASELINE
        and (keys := unequal(group, other))
        and all(key.startswith("encoder.") for key in keys)
        and (other.parameters or 0) * ALIKE >= own
    ]
    return min(found, key=lambda other: other.parameters or 0, default=None)


def surplus(group: Group, other: Group, metric: str | None) -> list[float]:
    """What a setting gains over another one, in percent, by each seed that both have."""
    by_seed: dict[int, list[float]] = {}
    chosen = compared(group, metric).items()
    for task, name in chosen:
        own, theirs = (one.figures.get(task, {}).get(name, {}) for one in (group, other))
        scale, up = other.mean(task, name), group.higher_is_better(task, name)
        if not scale or up is None:
            return []
        for seed in own.keys() & theirs.keys():
            better = (own[seed] - theirs[seed]) * (1 if up else -1)
            by_seed.setdefault(seed, []).append(100 * better / abs(scale))
    return [mean(parts) for parts in by_seed.values() if len(parts) == len(chosen)]


def is_above_0(values: Sequence[float], confidence: float) -> bool:
    """Whether Student's interval of the mean of at least three values lies above 0."""
    from scipy.special import stdtrit

    n = len(values)
    if n < ENOUGH:
        return False
    reach = float(stdtrit(n - 1, (1 + confidence) / 2)) * stdev(values) / math.sqrt(n)
    return mean(values) > reach


def doubt(group: Group, groups: Sequence[Group], options: Options) -> str | None:
    """Why a Gain above 0 is not for sure sharing's: it does not beat single-task of its size."""
    wide = widened(group, groups)
    if wide is None or is_above_0(surplus(group, wide, options.metric), options.confidence):
        return None
    return f"not better than {wide.words}, which has as many parameters"


def sizes(comparison: Comparison) -> list[str]:
    """The parameters of both sides of each verdict, and what they mean for it."""
    return [
        size_of(group, table, comparison.options)
        for table in comparison.tables
        for group in table.groups
        if group.gain is not None and ratio(group) is not None
    ]


def size_of(group: Group, table: Table, options: Options) -> str:
    base, times, wide = group.baseline, ratio(group), widened(group, table.groups)
    assert base is not None
    assert times is not None
    said = f"{group.words}: {group.parameters:,} parameters, its baseline {base.parameters:,}"
    if wide is not None:
        values = surplus(group, wide, options.metric)
        about = f"{mean(values):+.2f} %" if values else "unknown"
        said += f", and {wide.words} {wide.parameters:,}, over which its Gain is {about}"
        above = group.gain is not None and group.gain.low is not None and group.gain.low > 0
        why = doubt(group, table.groups, options)
        return f"{said}: it helps no more than parameters do, {why}" if above and why else said
    if times > RATIO:
        fix = "experiment=baselines trains single-task of its size too, which it has to beat"
        return f"{said}, {times:.1f} times fewer; {fix}"
    if times < 1 / RATIO:
        return f"{said}, {1 / times:.1f} times more, which a Gain below 0 may come of"
    return said
