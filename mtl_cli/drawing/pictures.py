"""All pictures of a comparison, a folder for each data set where there are several."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mtl_cli.basis.errors import Problem
from mtl_cli.comparison.compare import Comparison, telling
from mtl_cli.comparison.group import Table
from mtl_cli.comparison.history import Curves, read_history
from mtl_cli.drawing.bands import Histories, Numbers, draw_learning_curves, draw_weights
from mtl_cli.drawing.bars import draw_gain
from mtl_cli.drawing.experts import FILE, Shares, draw_experts, read_shares
from mtl_cli.drawing.front import draw_fronts, find_pairs
from mtl_cli.drawing.style import MOST

NAMES = re.compile(r"(learning_curves(_\d+)?|weights|gain|pareto|experts)\.(png|pdf)")


@dataclass(frozen=True)
class Records:
    """What the runs of a table wrote as they went.

    Args:
        histories: ``{id of a group: the curves of each run}``.
        shares: the same of the use of experts.
        damaged: what could not be read.
    """

    histories: Histories
    shares: dict[int, list[Shares]]
    damaged: list[str]


def draw(comparison: Comparison, records: Sequence[Records], out: Path) -> list[Path]:
    """Draws everything that there is to draw; gives the files.

    Args:
        comparison: of the settings.
        records: of each of its tables.
        out: the folder.
    """
    files: list[Path] = []
    numbers = numbers_of(comparison.tables)
    for number, (table, own) in enumerate(zip(comparison.tables, records, strict=True), 1):
        place = out
        if len(comparison.tables) > 1:
            words = re.sub(r"[^\w.-]+", "_", f"{number}_{table.name}").strip("_")
            place = out / words
            place.mkdir(exist_ok=True)
        files += draw_table(table, comparison, own, place, numbers)
    return files


def numbers_of(tables: Sequence[Table]) -> Numbers:
    """What says how each setting looks, in all pictures: the most telling ones first."""
    first = [group.words for table in tables for group in telling(table.groups, MOST)]
    others = [group.words for table in tables for group in table.groups]
    return {words: number for number, words in enumerate(dict.fromkeys([*first, *others]))}


def forget_pictures(out: Path) -> None:
    """Takes away the pictures of an earlier report, which would tell of other runs."""
    for path in pictures_in(out):
        path.unlink()


def pictures_in(out: Path) -> list[Path]:
    """The files that are called as a report's pictures."""
    found = [*out.glob("*.p*"), *out.glob("[0-9]*_*/*.p*")]
    return [path for path in found if NAMES.fullmatch(path.name)]


def read(table: Table) -> Records:
    """What the runs wrote as they went; a damaged file is named, and left out of the pictures."""
    histories: Histories = {}
    shares: dict[int, list[Shares]] = {}
    damaged = []
    for group in table.groups:
        curves: list[Curves] = []
        used: list[Shares] = []
        for run in group.runs:
            try:
                curves.append(read_history(run.folder.metrics))
                if (run.folder.path / FILE).is_file():
                    used.append(read_shares(run.folder.path / FILE))
            except FileNotFoundError:
                damaged.append(f"{run.folder.metrics} is not there: no learning curves of this run")
            except Problem as error:
                damaged.append(f"{error}\n(left out of the pictures; its figures count)")
        histories[id(group)], shares[id(group)] = curves, used
    return Records(histories, shares, damaged)


def draw_table(
    table: Table,
    comparison: Comparison,
    records: Records,
    out: Path,
    numbers: Numbers,
) -> list[Path]:
    options = comparison.options
    return [
        *draw_learning_curves(table.groups, records.histories, table.name, out, numbers),
        *draw_gain(table.groups, options.confidence, table.name, out),
        *draw_fronts(find_pairs(table, options.metric), table.name, out, numbers),
        *draw_weights(table.groups, records.histories, table.name, out),
        *draw_experts(table.groups, records.shares, table.name, out),
    ]
