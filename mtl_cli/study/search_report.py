"""What a search says in the end: on the terminal, in a table of all trials, and as a picture."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from mtl_cli.comparison.grids import short
from mtl_cli.comparison.saved_run import DONE, FOR_PAGES, PRUNED, TRIALS, read_run
from mtl_cli.comparison.setting import deals_anew
from mtl_cli.comparison.table import Grid
from mtl_cli.disk import writing
from mtl_cli.disk.run_folder import from_here
from mtl_cli.drawing.search import Tried, draw_search
from mtl_cli.study.found import Found, Trial
from mtl_cli.study.report import width

FILE = "trials.csv"


def report_search(found: Sequence[Found], folder: Path) -> None:
    """Says what was found, and writes it beside the trials."""
    grid = table(found)
    notes = [note for own in found for note in notes_of(own)] + dealt(found)
    fronts = [front_grid(own) for own in found if len(own.names) > 1]
    lines = [textwrap.fill(f"- {note}", width(), subsequent_indent="  ") for note in notes]
    parts = [one.text(width()) for one in (grid, *fronts)]
    said = "\n\n".join([*parts, *(["\n".join(lines)] if lines else [])])
    place = folder / TRIALS
    writing.write_text(place / FILE, as_csv(found))
    tables = [one.markdown() for one in (grid, *fronts)]
    text = "\n\n".join([*tables, *(f"* {note}" for note in notes)])
    writing.write_text(place / "trials.md", f"{text}\n")
    writing.write_text(place / FOR_PAGES, as_json(found))
    files = [FILE, "trials.md", FOR_PAGES, *draw(found, place)]
    sys.stdout.write(f"\n{said}\n\nsearch      {from_here(place)}: {', '.join(files)}\n")


def table(found: Sequence[Found]) -> Grid:
    """The best of each setting on val."""
    names = found[0].names
    header = ["setting", "tuned to", *names, *(f"{name}, untuned" for name in names), "trials"]
    rows = []
    for own in found:
        untuned = own.shown(own.untuned) if own.untuned else [math.nan] * len(names)
        figures = [short(value) for value in (*own.shown(own.winner), *untuned)]
        rows.append([own.setting.name, " ".join(own.winner.words), *figures, counts(own)])
    knee_said = ", the knee of each front" if len(names) > 1 else ""
    return Grid(f"the best of each setting on val{knee_said}", header, rows)


def counts(own: Found) -> str:
    """How many trials came to which end."""
    given_up = sum(trial.status == PRUNED for trial in own.trials)
    failed = sum(not trial.counts and trial.status != PRUNED for trial in own.trials)
    parts = [f"{len(own.finished)} finished"]
    parts += [f"{given_up} given up"] if given_up else []
    parts += [f"{failed} failed"] if failed else []
    return ", ".join(parts)


def front_grid(own: Found) -> Grid:
    """The Pareto front of a setting."""
    rows = [
        [
            f"{trial.number}{' (knee)' if trial is own.winner else ''}",
            *(short(value) for value in own.shown(trial)),
            " ".join(trial.words),
        ]
        for trial in own.front
    ]
    title = f"{own.setting.name}: the trials that no other beats in every figure"
    return Grid(title, ["trial", *own.names, "tuned to"], rows)


def notes_of(own: Found) -> list[str]:
    """What weakens a search."""
    notes = own.at_ends()
    if own.winner is own.untuned and own.setting.space:
        notes.append(f"{own.setting.name}: nothing was better than what it has untuned")
    failed = [trial for trial in own.trials if trial.why and trial.status not in (*DONE, PRUNED)]
    if failed:
        first = failed[0]
        said = f"{len(failed)} trials failed, the first with {' '.join(first.words)}"
        notes.append(f"{own.setting.name}: {said}: {first.why}")
    return notes


def dealt(found: Sequence[Found]) -> list[str]:
    """Whether rows on which winners are tested were in trials."""
    run = read_run(found[0].winner.folder)
    if not deals_anew(run, "test"):
        return []
    said = "each seed deals the rows anew, so that test rows of the winners were in trials"
    return [f"{said}; dataset.split.seed=0 would keep them out"]


def as_csv(found: Sequence[Found]) -> str:
    """All trials, a row each."""
    keys = list(
        dict.fromkeys(w.partition("=")[0] for o in found for t in o.trials for w in t.words)
    )
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["setting", "trial", "status", "best", *found[0].names, *keys, "folder"])
    for own in found:
        for trial in own.trials:
            values = dict(word.partition("=")[::2] for word in trial.words)
            figures = own.shown(trial) if trial.counts else [""] * len(own.names)
            rows.writerow(
                [own.setting.name, trial.number, trial.status, best_of(own, trial), *figures]
                + [values.get(key, "") for key in keys]
                + [str(trial.folder.relative_to(trial.folder.parents[2]))]
            )
    return text.getvalue()


def as_json(found: Sequence[Found]) -> str:
    """The same for a report's page: ``{"figures": [[name, whether more is better]], "settings":
    [{"words", "counts", "trials": [{"trial", "values", "best", "status", "words"}]}]}``."""
    settings = [
        {
            "words": own.setting.name,
            "counts": counts(own),
            "trials": [
                {
                    "trial": trial.number,
                    "values": own.shown(trial) if trial.counts else None,
                    "best": best_of(own, trial),
                    "status": trial.status,
                    "words": trial.words,
                }
                for trial in own.trials
            ],
        }
        for own in found
    ]
    figures = [*zip(found[0].names, found[0].ways, strict=True)]
    return json.dumps({"figures": figures, "settings": settings}, indent=1) + "\n"


def best_of(own: Found, trial: Trial) -> str:
    """Whether a trial is the winner, or on the front of it."""
    if trial is own.winner:
        return "winner"
    return "front" if trial in own.front else ""


def draw(found: Sequence[Found], folder: Path) -> list[str]:
    """The trials as points; gives the files."""
    tried = [
        Tried(
            own.setting.name,
            [trial.number for trial in own.finished],
            [own.shown(trial) for trial in own.finished],
            own.finished.index(own.winner),
        )
        for own in found
    ]
    ways = found[0].ways
    return [file.name for file in draw_search(tried, found[0].names, ways, folder)]
