"""``mtl-report``: compares runs by their folders, and says whether training together helps."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from mtl_cli.command_line.cli import answered, plain_errors
from mtl_cli.command_line.options import show_help
from mtl_cli.comparison.compare import Options
from mtl_cli.comparison.files import Report
from mtl_cli.study.report import make_report, width
from mtl_cli.study.report_words import read_words

USAGE = "<folder of runs> ... [key=value ...]"
NOTES = ["A folder is a run, a sweep, or anything above; latest is the newest of both."]
EXAMPLES = [
    "mtl-report latest",
    "mtl-report runs/2024-01-31/12-00-00_sweep runs/2024-02-01",
    "mtl-report runs 'baseline=arch=hps' metric=mae out=comparison",
]


def main() -> None:
    """The command."""
    words = sys.argv[1:]
    if answered(words, lambda: show_help("report", USAGE, NOTES, EXAMPLES)):
        return
    with plain_errors(words):
        folders, options = read_words(words)
        report(folders, options)


def report(folders: Sequence[Path], options: Options) -> Report:
    """Prints a report on all runs in some folders, and writes its files."""
    found, written = make_report(folders, options)
    sys.stdout.write(f"\n{found.text(width())}\n\n{written}\n")
    return found
