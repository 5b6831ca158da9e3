"""``mtl-export``: a trained run as a program that runs without this package.

Into a folder come the program, ``input.json``, which says what goes in and what comes out, and
``serve.py``, which predicts with these two.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mtl_cli.basis.errors import check_choice, problem
from mtl_cli.command_line.cli import answered, plain_errors
from mtl_cli.command_line.options import read_options, refuse, required, show_help, sources_of
from mtl_cli.command_line.own_parts import find_packages

if TYPE_CHECKING:
    from mtl_cli.exported.ship import Shipped

USAGE = "run=<folder> [format=torch|onnx] [key=value ...]"
NOTES = [
    "What mtl-predict does with numbers is inside the program: scales, parts of dates, weights of",
    "lists, the units of predictions, probabilities, the likeliest classes. Before it come the",
    "codes of categories, which stand in input.json, and what makes texts and pictures numbers.",
    "It takes a batch of any size, and is refused where it gives anything but what mtl-predict",
    "gives, to 1e-5, on rows of the run's data or of input=<file>.",
]
EXAMPLES = [
    "mtl-export run=latest",
    "mtl-export run=latest format=onnx out=income_onnx",
    "mtl-export run=runs/2024-01-31/12-00-00_income 'tasks=[rich]' input=new.csv",
    "mtl-export run=latest per_task=true",
]


def main() -> None:
    """The command."""
    words = sys.argv[1:]
    if answered(words, lambda: show_help("export", USAGE, NOTES, EXAMPLES)):
        return
    with plain_errors(words):
        sys.stdout.write("\n".join(map(as_text, export(words))) + "\n")


def export(words: Sequence[str]) -> list[Shipped]:
    """Exports as ``mtl-export`` does with the same words; gives what was written.

    Raises:
        ValueError: where the run, the format or the folder is not as it must be.
    """
    values, others = read_options("export", find_packages(words))
    refuse("export", others, list(values))
    name = required("export", values, "run", "run=latest")
    only, by_input = sources_of(values)
    check_choice("format", values["format"], ["torch", "onnx"], "format=torch")
    out = Path(values["out"]).expanduser()
    check_folder(out, values["overwrite"])

    from mtl_cli.exported.ship import FORMATS, ship
    from mtl_cli.trained.loading import load_run

    FORMATS[values["format"]].check_there()
    run = load_run(name, values["checkpoint"], "cpu", values["trust"], values["runs"])
    paths = {run.only_input("input"): only} if only is not None else by_input
    for input in paths:
        run.check_input(input)
    return ship(run, values["format"], out, values["tasks"], values["per_task"], paths)


def check_folder(out: Path, overwrite: bool) -> None:
    """Refuses a folder with files in it, or a file.

    Raises:
        ValueError: where it is one, unless it may be overwritten.
    """
    if out.exists() and not (out.is_dir() and (overwrite or not any(out.iterdir()))):
        found = "a folder with files" if out.is_dir() else "a file"
        fix = "out=<another place>" + (", or overwrite=true" if out.is_dir() else "")
        raise problem(f"out={out}", "must be a new folder", found, fix)


def as_text(shipped: Shipped) -> str:
    """What is said of a program."""
    size = (shipped.folder / shipped.file).stat().st_size / 1e6
    serve = shipped.folder / "serve.py"
    away = f"{shipped.difference:.0e} away at most" if shipped.difference else "the same to the bit"
    return (
        f"program     {shipped.folder / shipped.file} ({size:.1f} MB): {', '.join(shipped.tasks)}\n"
        f"compared    with mtl-predict on {shipped.rows:,} rows of {shipped.of}: "
        f"{away}\n"
        f"to predict  python {serve}; what goes in stands in {shipped.folder / 'input.json'}"
    )
