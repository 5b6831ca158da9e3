"""What rows the seeds of a setting are dealt, and how much of them these deals share."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from mtl_cli.comparison.group import Group, Table
from mtl_cli.comparison.saved_run import SavedRun, is_number, mapping
from mtl_cli.comparison.setting import deals_anew, folds_of
from mtl_cli.comparison.verdict import ENOUGH, Differences


def overlap_of(table: Table, group: Group) -> float:
    """``n_test / n_train``, its mean over the runs, where each seed deals the rows of the split
    anew or is a fold, else 0."""
    ratios = []
    for run in group.runs:
        sizes = mapping(mapping(run.summary.get("dataset")).get("sizes"))
        train: Any = sizes.get("train")
        held_out: Any = sizes.get(table.split)
        known = is_number(train) and is_number(held_out) and train
        ratios.append(held_out / train if known and deals_anew(run, table.split) else 0.0)
    return statistics.mean(ratios)


def way_of(run: SavedRun) -> tuple[str | None, str | None]:
    """By what all rows are dealt, and by which column; None where a source has a way of its own."""
    if any(key.startswith("dataset.sources.") and ".split." in key for key in run.config):
        return None, None
    return run.config.get("dataset.split.by"), run.config.get("dataset.split.column")


def deal_of(run: SavedRun) -> tuple[int, int]:
    """Which deal of the rows a run is of, and which fold of it; without folds all is its seed's."""
    folds, seed = folds_of(run), int(run.seed)
    if folds is None:
        return seed, 0
    one = way_of(run)[0] == "time"  # rows in time are dealt in one way
    one |= run.config.get("dataset.split.seed") is not None
    return 0 if one else seed // folds, seed % folds


def differences(
    table: Table, group: Group, seeds: Sequence[int], values: Sequence[float]
) -> Differences | None:
    """What some seeds of a setting gain, as a verdict takes it; None where they are too few.

    Seeds of one fold of one deal are tested on the same rows: their mean counts as one.
    """
    deals = {run.seed: deal_of(run) for run in group.runs}
    of_deal: dict[tuple[int, int], list[float]] = {}
    for seed, value in zip(seeds, values, strict=True):
        of_deal.setdefault(deals[seed], []).append(value)
    if len(of_deal) < ENOUGH:
        return None
    means = [statistics.mean(own) for own in of_deal.values()]
    return Differences(means, overlap_of(table, group))
