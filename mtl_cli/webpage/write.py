"""A report as one page: a file of HTML that needs no network, no server and no other file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from mtl_cli.comparison.compare import Comparison
from mtl_cli.comparison.files import Report
from mtl_cli.comparison.group import Table
from mtl_cli.comparison.verdict import percent
from mtl_cli.disk.run_folder import finite
from mtl_cli.disk.writing import write_text
from mtl_cli.drawing.bands import Numbers
from mtl_cli.drawing.pictures import Records, numbers_of
from mtl_cli.webpage.headline import headline
from mtl_cli.webpage.images import BYTES, pack_confusion, pack_examples
from mtl_cli.webpage.library import library
from mtl_cli.webpage.lines import NUMBERS, pack_curves, pack_weights
from mtl_cli.webpage.measured import pack_conflict, pack_gates
from mtl_cli.webpage.searched import pack_searches
from mtl_cli.webpage.settings import Command, pack_configs, pack_fronts, pack_settings

SCRIPTS = ["elements.js", "looks.js", "charts.js", "table.js", "configs.js", "search.js"]
SCRIPTS += ["panels.js", "page.js"]
SETTINGS = 24  # of a kind of chart that stands once for each setting
OPEN = ("Checks", "Not answered")  # what is said under these is seen at once
FEW = 3  # notes that are seen at once under every heading
TASKS = 8  # lines of tasks in one chart


def write_page(
    report: Report, records: Sequence[Records], command: Command, out: Path
) -> list[Path]:
    """Writes ``report.html``.

    Args:
        report: the comparison, with what is said of it.
        records: of each table what its runs wrote as they went.
        command: gives the command line that repeats a setting.
        out: the folder.
    """
    comparison = report.comparison
    numbers = numbers_of(comparison.tables)
    share = max(1, len(comparison.tables))
    notes = dict(report.notes)
    tables, said = [], []
    for table, own in zip(comparison.tables, records, strict=True):
        packed, more = pack_table(table, own, comparison, numbers, command, share)
        tables.append(packed)
        said += more
    notes["Remarks"] = [*notes.get("Remarks", []), *dict.fromkeys(said)]
    data = {
        "confidence": percent(comparison.options.confidence),
        "tables": tables,
        "configs": pack_configs(comparison.tables),
    }
    file = out / "report.html"
    write_text(file, page(comparison.tables, notes, data))
    return [file]


def pack_table(
    table: Table,
    records: Records,
    comparison: Comparison,
    numbers: Numbers,
    command: Command,
    share: int,
) -> tuple[dict[str, Any], list[str]]:
    """Everything that a page shows of one data set, and what there is to say of it.

    Args:
        table: the settings.
        records: what the runs wrote as they went.
        comparison: the whole.
        numbers: how each setting looks.
        command: the command line that repeats a setting.
        share: of how many tables it is one: they share the room.
    """
    options = comparison.options
    conflict, damaged = pack_conflict(table, SETTINGS)
    examples, unread = pack_examples(table, SETTINGS, BYTES // share)
    confusion, torn = pack_confusion(table, SETTINGS)
    searches, broken = pack_searches(table, SETTINGS)
    packed = pack_settings(table, numbers, options.confidence, command) | {
        "name": table.name,
        "where": table.where,
        "curves": pack_curves(table, records.histories, NUMBERS // share),
        "fronts": pack_fronts(table, options.metric),
        "weights": pack_weights(table, records.histories, SETTINGS, TASKS),
        "conflict": conflict,
        "gates": pack_gates(table, records.shares, SETTINGS),
        "examples": examples,
        "confusion": confusion,
        "searches": searches,
    }
    return packed, [*damaged, *unread, *torn, *broken]


def page(tables: Sequence[Table], notes: Mapping[str, Sequence[str]], data: dict[str, Any]) -> str:
    """The whole file."""
    names = " · ".join(dict.fromkeys(table.name for table in tables))
    heads = [
        (f"{table.name}: " if len(tables) > 1 else "") + headline(table) for table in tables
    ] or ["No run that counts."]
    parts = {
        "title": escape(names),
        "style": own_text("page.css"),
        "headlines": "\n".join(f"<p class=headline>{escape(head)}</p>" for head in heads),
        "notes": "\n".join(section(name, said) for name, said in notes.items() if said),
        "data": in_script(data),
        "library": library(),
        "scripts": "\n".join(map(own_text, SCRIPTS)),
    }
    shell = own_text("page.html")
    return re.sub(r"<!--(\w+)-->", lambda found: parts[found[1]], shell)


def own_text(name: str) -> str:
    """A file that lies beside this one."""
    return files("mtl_cli.webpage").joinpath(name).read_text(encoding="utf-8")


def in_script(data: Any) -> str:
    """JSON that cannot end the script around it, whatever names are in it."""
    text = json.dumps(finite(data), separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def section(name: str, notes: Sequence[str]) -> str:
    """What is said under a heading; the commands that follow a note as code."""
    items = []
    for note in notes:
        said, *commands = note.split("\n")
        code = "".join(f"<pre tabindex=0><code>{escape(own)}</code></pre>" for own in commands)
        items.append(f"<li>{escape(said)}{code}</li>")
    opened = " open" if name in OPEN or len(notes) < FEW else ""
    return (
        f"<details{opened}><summary><h2>{escape(name)}</h2> <span class=count>{len(notes)}</span>"
        f"</summary><ul>{''.join(items)}</ul></details>"
    )
