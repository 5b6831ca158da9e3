"""``mtl-predict``: predictions of a trained run for new data, as a CSV or Parquet file.

The columns are ``file`` and ``row``, which say what a row is of; then for each task ``<task>``, the
likeliest class or the value in the unit of the labels, and ``p(<task>=<class>)``, probabilities.
Of a task of every pixel, ``<task>`` is the file with the map.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtl_cli.basis.errors import problem
from mtl_cli.command_line.cli import answered, plain_errors
from mtl_cli.command_line.options import read_options, refuse, required, show_help, sources_of
from mtl_cli.command_line.own_parts import find_packages

if TYPE_CHECKING:
    from mtl_cli.trained.loaded_run import LoadedRun
    from mtl_cli.trained.map_files import MapFiles

USAGE = "run=<folder> input=<file or folder> [key=value ...]"
NOTES = [
    "Reads CSV, TSV, JSON Lines, Parquet, text or images, as the run's data was read, in parts.",
    "Writes file and row; for each task <task>, the likeliest class or the value, and",
    "p(<task>=<class>), the probabilities (of two classes, the second one's).",
    "Of a task of every pixel, <task> is an .npy file with the map, of the size of the picture",
    "(where that is not the model's, the model's output is resized before it becomes classes).",
]
EXAMPLES = [
    "mtl-predict run=latest input=new.csv",
    "mtl-predict run=runs/2024-01-31/12-00-00_digits input=scans out=digits.parquet",
    "mtl-predict run=latest input=photos out=photos.csv maps=png",
    "mtl-predict run=latest inputs.movie=movies.csv inputs.yelp=yelp.csv",
]
FIX = "run=latest input=<file or folder>"


def main() -> None:
    """The command."""
    words = sys.argv[1:]
    if answered(words, lambda: show_help("predict", USAGE, NOTES, EXAMPLES)):
        return
    with plain_errors(words):
        rows, out = predict(words)
        sys.stdout.write(f"{rows:,} rows in {out}\n")


def predict(words: Sequence[str]) -> tuple[int, Path]:
    """Predicts as ``mtl-predict`` does with the same words; gives the number of rows, and the file.

    Raises:
        ValueError: where the run, the data or the file to write is not as it must be.
    """
    values, others = read_options("predict", find_packages(words))
    refuse("predict", others, list(values))
    name = required("predict", values, "run", FIX)
    only, by_input = sources_of(values)
    if not by_input:
        required("predict", values, "input", FIX)
    from tqdm import tqdm

    from mtl_cli.basis.device import keep_freed_memory
    from mtl_cli.trained.loading import load_run
    from mtl_cli.trained.prediction_file import PredictionFile

    keep_freed_memory()
    file = PredictionFile(Path(values["out"]).expanduser(), values["overwrite"])
    run = load_run(name, values["checkpoint"], values["device"], values["trust"], values["runs"])
    files = map_files(run, values, file.path)
    paths = {run.only_input("input"): only} if only is not None else by_input
    given = {n: run.read(n, Path(path), values["batch_size"]) for n, path in paths.items()}
    counts = [run.reader.count(Path(path).expanduser()) for path in paths.values()]
    total = None if None in counts else sum(count or 0 for count in counts)
    with ExitStack() as stack:
        stack.enter_context(file)
        quiet = not sys.stderr.isatty()
        bar = tqdm(total=total, unit=" examples", unit_scale=True, disable=quiet)
        stack.enter_context(bar)
        for columns in run.predictions(given, values["tasks"] or None, files):
            file.write(columns)
            bar.update(len(columns[0][1]))
    return file.num_rows, file.path


def map_files(run: LoadedRun, values: dict[str, Any], out: Path) -> MapFiles | None:
    """Where the maps of tasks of pixels go: a folder beside the table, `<table>_maps`.

    Raises:
        ValueError: where such files are wanted of a run that has no such task.
    """
    from mtl_cli.trained.map_files import MapFiles

    chosen = values["tasks"] or list(run.tasks)
    if not set(chosen) & set(run.map_tasks):
        if values["maps"] is not None:
            rule, found = "needs a task of every pixel", ", ".join(chosen)
            fix = "tasks=[" + ",".join(run.map_tasks) + "]" if run.map_tasks else "no maps="
            raise problem(f"maps={values['maps']}", rule, found, fix)
        return None
    return MapFiles(out.with_name(f"{out.stem}_maps"), values["overwrite"], values["maps"] or "npy")
