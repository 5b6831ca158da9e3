"""The searches that settings are winners of, for a page: what each left beside its trials."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mtl_cli.comparison.group import Table
from mtl_cli.comparison.saved_run import FOR_PAGES, SEARCH, TRIALS, is_number
from mtl_cli.comparison.tuned import search_of
from mtl_cli.disk.run_folder import from_here
from mtl_cli.drawing.pareto import outline
from mtl_cli.webpage.thinned import short

POINTS = 6000  # trials of a table


def pack_searches(table: Table, settings: int) -> tuple[list[dict[str, Any]], list[str]]:
    """The searches whose winners stand in a table, and what there is to say of their files.

    Args:
        table: the settings.
        settings: of one search, at most.
    """
    runs = [run.folder.path.absolute() for group in table.groups for run in group.runs]
    found, notes, room = [], [], POINTS
    for folder in dict.fromkeys(map(folder_of, runs)):
        if folder is None:
            continue
        file = folder / TRIALS / FOR_PAGES
        try:
            own = read_search(file)
        except FileNotFoundError:  # it has not come to its end
            continue
        except (OSError, ValueError) as error:
            notes.append(f"{file} cannot be read: {error}")
            continue
        kept = []
        for one in own["settings"][:settings]:
            room -= len(one["trials"])
            if room >= 0:
                kept.append(one)
        left_out = len(own["settings"]) - len(kept)
        found.append(
            {
                "figures": own["figures"],
                "settings": [
                    pack_setting(one, own["figures"], winner_of(table, folder, one["words"]))
                    for one in kept
                ],
                "left_out": left_out,
                "where": from_here(folder / TRIALS),
            }
        )
    return found, notes


def folder_of(run: Path) -> Path | None:
    """The search that a run is a winner or a trial of: ``<search>/3``, ``<search>/trials/0/3``."""
    trials = run.parents[1].name == TRIALS
    folder = run.parents[2] if trials else run.parent
    return folder if (folder / SEARCH).is_file() else None


def winner_of(table: Table, folder: Path, words: str) -> int | None:
    """The number of the setting of a table that a search has tuned under these words."""
    for number, group in enumerate(table.groups):
        if (
            search_of(group).get("setting") == words
            and folder_of(group.runs[0].folder.path.absolute()) == folder
        ):
            return number
    return None


def pack_setting(own: dict[str, Any], figures: list[Any], winner: int | None) -> dict[str, Any]:
    """A setting with few digits; of two figures, the line of its front."""
    trials = [
        one | {"values": one["values"] and [short(value, 6) for value in one["values"]]}
        for one in own["trials"]
    ]
    points = [one["values"] for one in own["trials"] if one["values"]]
    line = []
    if len(figures) == 2 and points:
        line = outline([(x, y) for x, y in points], (figures[0][1], figures[1][1]))
    return {
        **own,
        "trials": trials,
        "line": [[*map(short, corner)] for corner in line],
        "g": winner,
    }


def read_search(path: Path) -> dict[str, Any]:
    """What a search says of its trials, as `mtl_cli.study.search_report` writes it.

    Raises:
        ValueError: where it is not that.
    """
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        figures = found["figures"]
        named = all(isinstance(n, str) and isinstance(up, bool) for n, up in figures)
        trials = [one for own in found["settings"] for one in own["trials"]]
        texts = [own[key] for own in found["settings"] for key in ("words", "counts")]
        texts += [one[key] for one in trials for key in ("best", "status")]
        texts += [word for one in trials for word in one["words"]]
        valued = all(
            one["values"] is None
            or (len(one["values"]) == len(figures) and all(map(is_number, one["values"])))
            for one in trials
        )
        numbered = all(is_number(one["trial"]) for one in trials)
        if not (
            figures and named and valued and numbered and all(isinstance(t, str) for t in texts)
        ):
            raise ValueError("no trials with their figures")
    except (AttributeError, KeyError, TypeError, RecursionError) as error:
        raise ValueError("no trials with their figures") from error
    return found
