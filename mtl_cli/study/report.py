"""A report on the runs of some folders: what it says, and the files that are written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile

from mtl_cli.basis.errors import problem
from mtl_cli.checks.checks import findings
from mtl_cli.checks.unanswered import not_answered
from mtl_cli.comparison.answers import answers
from mtl_cli.comparison.compare import FORMATS, Options, compare
from mtl_cli.comparison.files import Report, is_report, not_counted
from mtl_cli.comparison.remarks import remarks
from mtl_cli.comparison.saved_run import find_runs, read_run
from mtl_cli.comparison.size import sizes
from mtl_cli.disk.new_file import check_new
from mtl_cli.disk.run_folder import from_here
from mtl_cli.drawing.front import find_pairs
from mtl_cli.drawing.page import drawing_on, read_page
from mtl_cli.drawing.pictures import draw, forget_pictures, pictures_in, read
from mtl_cli.study.report_commands import command, repeated
from mtl_cli.webpage.write import write_page

PAIRS_IN_WORDS = 3  # of each data set; pareto.png has more


def make_report(folders: Sequence[Path], options: Options) -> tuple[Report, str]:
    """A report on all runs in some folders, and which files it wrote, in words.

    Raises:
        ValueError: where there are none, or the files cannot be written.
    """
    paths = {path.resolve(): path for folder in folders for path in find_runs(folder)}
    comparison = compare([read_run(path) for path in paths.values()], options)
    out = make_folder(folders, options)
    forget_pictures(out)
    records = [read(table) for table in comparison.tables]
    damaged = [note for own in records for note in own.damaged]
    pictures = []
    if options.pictures:
        with drawing_on(read_page(options.pictures_format, options.pictures_width)):
            pictures = draw(comparison, records, out)
    fronts = [
        pair.in_words
        for table in comparison.tables
        for pair in find_pairs(table, options.metric)[:PAIRS_IN_WORDS]
    ]
    notes = {
        "Does sharing help?": answers(comparison),
        "Sizes": sizes(comparison),
        "Not answered": not_answered(comparison, command, options.silence),
        "Checks": findings(comparison, options.silence),
        "Not counted": not_counted(comparison.left_out),
        "Remarks": [*remarks(comparison), *fronts, *damaged],
    }
    found = Report(comparison, {heading: [*dict.fromkeys(said)] for heading, said in notes.items()})
    pages = []
    if "html" in options.formats:
        pages = write_page(found, records, partial(repeated, known={}), out)
    files = [path.relative_to(out) for path in (*found.write(out), *pages, *pictures)]
    written = [f"report      {from_here(out)}: {', '.join(map(str, files))}"]
    written += [f"page        {from_here(page)}" for page in pages]
    return found, "\n".join(written)


def make_folder(folders: Sequence[Path], options: Options) -> Path:
    """The folder of the files."""
    if options.out is not None:
        out = Path(options.out).expanduser()
    elif len(folders) == 1:
        out = folders[0] / "report"
    else:
        out = Path(os.path.commonpath([folder.absolute() for folder in folders])) / "report"
    for path in in_the_way(out, options):
        check_new(path, options.overwrite)
    try:
        out.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=out).close()
    except OSError as error:
        rule = "must be a folder that can be made and written to"
        found = error.strerror or str(error)
        raise problem(str(out), rule, found, "out=<another folder>") from error
    return out


def in_the_way(out: Path, options: Options) -> list[Path]:
    """The files that a report would replace; an older report in its usual place is none."""
    tables = [out / f"report.{name}" for name in FORMATS]
    older = options.out is None and any(map(is_report, tables))
    named = [path for path in tables if path.suffix[1:] in options.formats]
    found = [path for path in named if path.exists() and not (older and is_report(path))]
    return found if older else [*found, *pictures_in(out)]


def width() -> int:
    """Of the terminal, in characters."""
    return max(60, shutil.get_terminal_size((100, 24)).columns)
