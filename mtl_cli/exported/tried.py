"""Rows that an exported program is tried on: those of a file, of the run's own data, or made up."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mtl_cli.basis.batch import Examples
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import Dense, InputSpec, Subwords, Tokens
from mtl_cli.comparison.saved_run import mapping
from mtl_cli.dataset.readers.table import TableReader
from mtl_cli.exported.beside import Beside
from mtl_cli.exported.cells import Cells
from mtl_cli.exported.entry import Entry
from mtl_cli.exported.pixels import Pixels
from mtl_cli.trained.answers_of_maps import few
from mtl_cli.trained.loaded_run import LoadedRun
from mtl_cli.trained.new_data import check_path
from mtl_cli.trained.rebuilt_dataset import read_dataset
from mtl_cli.trust.run_config import read_summary

ROWS = 256  # that a program is tried on
LARGE = 2**20  # numbers of the examples, of which there are fewer then
LONG = 2**13  # tokens, likewise


@dataclass(frozen=True)
class Tried:
    """Some rows.

    Args:
        given: what a program is given for them.
        inputs: ``{input: the same as the model reads it}``.
        of: where they are from, in words.
    """

    given: dict[str, Tensor]
    inputs: dict[str, Examples]
    of: str

    def __len__(self) -> int:
        return len(next(iter(self.given.values())))


def rows_to_try(run: LoadedRun, input: str, entry: Entry, path: str | None) -> Tried:
    """The rows of a file; where none is given, those that the run was trained on, or made-up ones
    where these are not here.

    Args:
        run: whose model is exported.
        input: its name.
        entry: what a program is given of it.
        path: of new data; None: none is given.

    Raises:
        ValueError: where the file cannot be read.
    """
    number = min(most(run.data.inputs[input]), few(run.tasks, ROWS))
    if path is not None:
        check_path(Path(path).expanduser(), "input")
        return of_file(run, input, entry, Path(path).expanduser(), number)
    with suppress(Problem, OSError):
        if (own := own_path(run, input)) is not None:
            return of_file(run, input, entry, own, number)
    with suppress(Problem, OSError):
        if not isinstance(entry, Cells | Beside):
            return of_split(run, input, entry, number)
    return made_up(run, input, entry, number)


def most(spec: InputSpec) -> int:
    """On how many examples a program is tried, so that it takes seconds."""
    if isinstance(spec, Tokens | Subwords):
        return max(2, min(ROWS, LONG // spec.length))
    size = math.prod(spec.shape) if isinstance(spec, Dense) else 1
    return max(2, min(ROWS, LARGE // size))


def own_path(run: LoadedRun, input: str) -> Path | None:
    """Where the run's data lies, as far as its configuration says it."""
    own: Any = run.config.dataset
    own = (own.get("sources") or {}).get(input, own)
    for key in ("test_path", "path"):
        if isinstance(own.get(key), str) and run.data.reader is not None:
            return Path(own[key]).expanduser()
    return None


def of_file(run: LoadedRun, input: str, entry: Entry, path: Path, number: int) -> Tried:
    """The first rows of a file or folder."""
    reader = run.reader
    if isinstance(entry, Cells | Beside) and isinstance(reader, TableReader):
        used = [column.name for column in reader.columns if not column.is_shown]
        _, table, place = next(iter(reader.tables(path, used)))
        return of_table(reader, entry, (table.slice(0, number), place), input, path.name)
    part = next(iter(run.read(input, path, number)))
    x = part.inputs[input][slice(number)]
    return Tried(entry.of(x), {input: x}, path.name)


def of_table(reader: TableReader, entry: Entry, rows: Any, input: str, name: str) -> Tried:
    """Rows of a table as they are written."""
    table, place = rows
    used = [column for column in reader.columns if not column.is_shown]
    codes = [column.codes(table.column(column.name), place) for column in used]
    kept: Any = reader.parts.examples(len(table), codes)
    return Tried(entry.of(rows), {input: reader.parts.prepared(kept)}, name)


def of_split(run: LoadedRun, input: str, entry: Entry, number: int) -> Tried:
    """The first rows of the run's data, made anew: of test where there is one."""
    sizes = mapping(mapping(read_summary(run.folder).get("dataset")).get("sizes"))
    split = next(name for name in ("test", "val", "train") if name in sizes or name == "train")
    dataset, _ = read_dataset(run, split, ())
    tasks = {task: own for task, own in run.data.tasks.items() if own == input}
    tasks = {task: own for task, own in tasks.items() if task in dataset.tasks}
    loader = dataset.loader(split, tasks, torch.device("cpu"), int(run.config.seed))
    x: Any = next(batch.inputs[input] for batch in loader.batches(1) if input in batch.inputs)
    x = x[slice(number)]
    return Tried(entry.of(x), {input: x}, f"the run's {split} data")


def made_up(run: LoadedRun, input: str, entry: Entry, number: int) -> Tried:
    """Rows that a generator draws."""
    said = "made-up rows"
    if isinstance(entry, Cells):
        assert isinstance(run.reader, TableReader)
        rows = (entry.made_up(number), lambda i: f"made-up row {i + 1}")
        return of_table(run.reader, entry, rows, input, said)
    if isinstance(entry, Beside):
        given = {own.name: own.tensor(2) for own in entry.tensors}
        return Tried(given, {input: entry(given)}, said)
    with torch.random.fork_rng(devices=[]):
        x: Any = run.data.inputs[input].example(number)
    if isinstance(entry, Pixels):
        [own] = entry.tensors
        given = {own.name: torch.randint(256, (number, *x.shape[1:]), dtype=own.kind)}
        return Tried(given, {input: entry(given)}, said)
    return Tried(entry.of(x), {input: x}, said)
