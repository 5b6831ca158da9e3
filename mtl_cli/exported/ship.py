"""A trained run as programs: traced, saved, tried, described, and put into a folder."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mtl_cli.basis.errors import Problem, problem
from mtl_cli.disk.new_file import file_name
from mtl_cli.disk.run_folder import finite
from mtl_cli.disk.writing import in_words, write_text, written
from mtl_cli.exported import onnx_format, torch_format
from mtl_cli.exported.compared import Run, largest_difference
from mtl_cli.exported.described import described
from mtl_cli.exported.entries import entry_of
from mtl_cli.exported.program import Program
from mtl_cli.exported.quiet import quiet
from mtl_cli.exported.serving import script
from mtl_cli.exported.tried import Tried, rows_to_try
from mtl_cli.trained.loaded_run import LoadedRun

FORMATS: dict[str, Any] = {"torch": torch_format, "onnx": onnx_format}
TRACED = 3  # rows that a program is traced with


@dataclass(frozen=True)
class Shipped:
    """A program that was written.

    Args:
        folder: that it is in.
        file: its name there.
        tasks: that it answers.
        rows: how many it was tried on.
        of: where these are from.
        difference: how far its figures are from those of `mtl-predict`, at most.
    """

    folder: Path
    file: str
    tasks: list[str]
    rows: int
    of: str
    difference: float


def ship(
    run: LoadedRun,
    format: str,
    out: Path,
    chosen: Collection[str],
    per_task: bool,
    paths: Mapping[str, str],
) -> list[Shipped]:
    """Writes a program for each input that some of the tasks read; or for each task.

    Args:
        run: whose model it is, on the CPU.
        format: ``torch`` or ``onnx``.
        out: the folder; where there are several programs, each has one of its own in it.
        chosen: the tasks that answer; empty: all.
        per_task: whether each task has a program of its own.
        paths: ``{input: new data that programs are tried on}``, as far as some is given.

    Raises:
        ValueError: where something cannot be exported, or gives something else.
    """
    tasks = run.readers(run.data.inputs, chosen or None)
    by_input = {n: [t for t in tasks if run.data.tasks[t] == n] for n in run.data.inputs}
    wanted = {n: own for n, own in by_input.items() if own}
    several = len(wanted) > 1 or (per_task and len(tasks) > 1)
    found = []
    for input, own in wanted.items():
        entry = entry_of(run.data.reader, input, run.data.inputs[input])
        tried = rows_to_try(run, input, entry, paths.get(input))
        for some in [[task] for task in own] if per_task else [own]:
            program = Program(entry, run.model, input, some, run.data.class_names)
            name = some[0] if per_task else input
            folder = out / file_name(name) if several else out
            found.append(ship_one(run, program, format, folder, tried))
    return found


def ship_one(run: LoadedRun, program: Program, format: str, folder: Path, tried: Tried) -> Shipped:
    """Writes one program, with what describes and what serves it."""
    kind = FORMATS[format]
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / kind.FILE
        saved = exported(program, format, tried, file)
        difference = largest_difference(run, program, saved, tried)
        compared = {"rows": len(tried), "of": tried.of, "largest_difference": difference}
        said = described(run, program, saved(program.called(tried.given)), kind.FILE, compared)
        with in_words(folder):
            folder.mkdir(parents=True, exist_ok=True)
        with written(folder / kind.FILE) as beside:
            shutil.copyfile(file, beside)
    text = json.dumps(finite(said), indent=2, allow_nan=False, ensure_ascii=False)
    write_text(folder / "input.json", text + "\n")
    write_text(folder / "serve.py", script(format, said))
    return Shipped(folder, kind.FILE, program.tasks, len(tried), tried.of, difference)


def exported(program: Program, format: str, tried: Tried, file: Path) -> Run:
    """Traces a program and saves it; gives what was saved, loaded again.

    Raises:
        ValueError: where it cannot be, with what the exporter says.
    """
    given = program.called(tried.given)
    given = {own.name: traceable(own.shape, given[own.name]) for own in program.inputs}
    answers = [own.name for own in program.answers]
    try:
        with quiet():
            traced = torch_format.traced(program, given)
            FORMATS[format].save(traced, list(given), answers, file)
            run: Run = FORMATS[format].load(file)
            return run
    except Problem:
        raise
    except Exception as error:  # of any kind: the exporters have many
        first: BaseException = error
        while first.__cause__ is not None:
            first = first.__cause__  # what the others only pass on
        said = str(first).strip().splitlines() or [""]
        rule = f"must be of operations that format={format} has, for a batch of any size"
        others = [name for name in FORMATS if name != format]
        fix = f"format={others[0]}, or tasks=[<the others>]; all of it: MTL_FULL_ERROR=1"
        what = f"{type(first).__name__}: {said[0]}"
        raise problem(f"the model of {', '.join(program.tasks)}", rule, what, fix) from error


def traceable(shape: tuple[int | str, ...], x: Tensor) -> Tensor:
    """Some rows to trace with, whose free dimensions have two elements or more: one of a single
    element would be taken for one that never has more."""
    x = x[:TRACED]
    for place, size in enumerate(shape):
        while isinstance(size, str) and x.shape[place] < 2:
            x = torch.cat([x, x], place)
    return x
