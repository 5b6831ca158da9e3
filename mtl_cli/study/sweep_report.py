"""How a sweep ends: its settings on val, the best one on test, and what its report says."""

from __future__ import annotations

import sys
from pathlib import Path

from mtl_cli.basis.errors import Problem
from mtl_cli.comparison.best import no_best, rank_on_val
from mtl_cli.comparison.grids import all_figures
from mtl_cli.disk.run_folder import from_here
from mtl_cli.study.report import make_report, width
from mtl_cli.study.report_words import read_words


def report_sweep(folder: Path) -> None:
    """Ends a sweep: all settings on val, the best one on test, and what the report says.

    A sweep that left nothing has no report; one without a best setting, or with a front in its
    place, the whole report.
    """
    try:
        folders, options = read_words([str(folder)])
        found, written = make_report(folders, options)
    except Problem as error:
        sys.stderr.write(f"no report: {error}\n")
        return
    try:
        ranking = rank_on_val(folder)
        parts = [ranking.grid().text(width()), f"best on val: {ranking.in_words}"]
        studied = [t for t in found.comparison.tables if any(g.gain for g in t.groups)]
        test = [all_figures(table) for table in studied] or [ranking.test()]
        parts += [*(grid.text(width()) for grid in test), found.said(width())]
        more = f"all settings on test: mtl-report {from_here(folder)}"
        written = f"{written}\n{more}"
    except Problem as error:
        parts = [found.text(width()), no_best(folder, error)]
    text = "\n\n".join(part for part in parts if part)
    sys.stdout.write(f"\n{text}\n\n{written}\n")
