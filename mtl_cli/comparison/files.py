"""A report in words and on disk: for the terminal, as CSV, Markdown and LaTeX."""

from __future__ import annotations

import csv
import io
import statistics
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtl_cli.comparison.compare import Comparison
from mtl_cli.comparison.grids import grids
from mtl_cli.comparison.group import Group, Table
from mtl_cli.comparison.saved_run import SavedRun
from mtl_cli.disk.writing import write_text

BEGINNINGS = {".csv": "table,dataset,", ".md": "# Comparison", ".tex": "% The rules need "}
BEGINNINGS[".html"] = "<!doctype html>\n<!-- mtl-report"


@dataclass(frozen=True, eq=False)
class Report:
    """A comparison, with all that there is to say of it under a few headings."""

    comparison: Comparison
    notes: dict[str, list[str]]  # {heading: notes}

    def text(self, width: int) -> str:
        """For a terminal of so many characters a line."""
        tables = [
            grid.text(width)
            for table in self.comparison.tables
            for grid in grids(table, self.comparison.options)
        ]
        return "\n\n".join([*tables, self.said(width)])

    def said(self, width: int) -> str:
        """The notes alone."""
        return "\n\n".join(
            "\n".join([heading, *(wrapped_note(note, width) for note in notes)])
            for heading, notes in self.notes.items()
            if notes
        )

    def markdown(self) -> str:
        parts = ["# Comparison"]
        for table in self.comparison.tables:
            parts += [grid.markdown() for grid in grids(table, self.comparison.options)]
        for heading, notes in self.notes.items():
            if notes:
                parts.append(f"## {heading}")
                parts.append("\n".join("- " + markdown_note(note) for note in notes))
        return "\n\n".join(parts) + "\n"

    def latex(self) -> str:
        """Without the folders of the runs, which no paper holds."""
        parts = ["% The rules need \\usepackage{booktabs}, the width \\usepackage{adjustbox}."]
        for number, table in enumerate(self.comparison.tables, 1):
            own = grids(table, self.comparison.options)[:-1]
            parts += [grid.latex(f"report-{number}-{n}") for n, grid in enumerate(own, 1)]
        return "\n\n".join(parts) + "\n"

    def csv(self) -> str:
        """A row a setting: all numbers, in full."""
        rows = [
            csv_row(table, group, number)
            for number, table in enumerate(self.comparison.tables, 1)
            for group in table.groups
        ]
        file = io.StringIO()
        columns = list(dict.fromkeys(key for row in rows for key in row))
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return file.getvalue()

    def write(self, out: Path) -> list[Path]:
        """Writes the tables in the formats that the user set."""
        writers = {"csv": self.csv, "md": self.markdown, "tex": self.latex}
        files = [out / f"report.{n}" for n in self.comparison.options.formats if n in writers]
        for file in files:
            write_text(file, writers[file.suffix[1:]]())
        return files


def is_report(file: Path) -> bool:
    """Whether a file begins as the tables of a report do."""
    try:
        with open(file, encoding="utf-8", errors="replace") as text:
            return text.read(100).startswith(BEGINNINGS[file.suffix])
    except OSError:
        return False


def wrapped_note(note: str, width: int) -> str:
    """A note's first line within so many characters; the commands that follow it uncut."""
    said, *commands = note.split("\n")
    lines = textwrap.wrap(
        f"- {said}", width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
    return "\n".join([*lines, *(f"    {command}" for command in commands)])


def markdown_note(note: str) -> str:
    """The commands that follow a note's first line as code."""
    said, *commands = note.split("\n")
    return "\n".join([said, *(f"  `{command}`" for command in commands)])


def csv_row(table: Table, group: Group, number: int) -> dict[str, Any]:
    row: dict[str, Any] = {
        "table": number,
        "dataset": table.data["name"],
        "source": table.data["source"],
        "split": table.where,
        "setting": group.words,
        "runs": len(group.runs),
        "seeds": " ".join(map(str, group.seeds)),
        "folders": " ".join(str(run.folder.path) for run in group.runs),
        "baseline": group.baseline.words if group.baseline else None,
        "mean rank": group.rank,
        "parameters": group.parameters,
        "train seconds": group.seconds,
    }
    if group.gain is not None:
        gain = group.gain
        row |= {"Gain": gain.total, "Gain low": gain.low, "Gain high": gain.high}
        row |= {"Gain confidence": None if gain.whole is None else gain.whole.confidence}
        row |= {"pairs": gain.pairs, "sharing": gain.word}
        row |= {"probability of improvement": gain.improvement, "Gain middle half": gain.middle}
        row |= {f"Gain {task}": value for task, value in gain.per_task.items()}
    for task, metrics in group.figures.items():
        for metric, values in metrics.items():
            numbers = list(values.values())
            row[f"{task}/{metric}"] = statistics.mean(numbers)
            sd = statistics.stdev(numbers) if len(numbers) > 1 else None
            row[f"{task}/{metric} sd"] = sd
    return row


def not_counted(left_out: list[SavedRun]) -> list[str]:
    return [f"{run.folder.path}: {run.trouble}" for run in left_out]
