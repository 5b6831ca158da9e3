"""What a program is given of new data: made in Python by a run, as `mtl-predict` reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mtl_cli.dataset.files.held import PREFIX, held
from mtl_cli.dataset.readers.table import TableReader
from mtl_cli.exported.beside import Beside
from mtl_cli.exported.cells import Cells
from mtl_cli.exported.entries import entry_of
from mtl_cli.exported.entry import Entry
from mtl_cli.exported.program import inputs_of
from mtl_cli.exported.words import NONE
from mtl_cli.trained.loaded_run import LoadedRun, Source
from mtl_cli.trained.loading import load_run
from mtl_cli.trained.new_data import as_examples, check_path, rows_in

AT_ONCE = 10_000  # examples


def program_inputs(
    run: LoadedRun | str | Path, data: Source, input: str | None = None
) -> dict[str, np.ndarray]:
    """What an exported program is given of some examples: ``{input of the program: [B, ...]}``,
    whatever the run reads: rows, texts, pictures, or such beside each other.

    Args:
        run: that was exported, or its folder.
        data: as `LoadedRun.predict` takes it: a file or folder, rows, texts, arrays.
        input: of the model, which it is of; None: it has one.

    Raises:
        ValueError: where the data is none that the run reads.
    """
    own = run if isinstance(run, LoadedRun) else load_run(run, device="cpu")
    name = own.only_input("input") if input is None else input
    own.check_input(name)
    entry = entry_of(own.data.reader, name, own.data.inputs[name])
    rows = rows_in({name: data}, own.data.reader)
    with held(rows):
        source = f"{PREFIX}{name}" if name in rows else data
        parts = list(given_of(own, entry, name, source))
    called = inputs_of(entry, own.model, own.data.class_names)
    pairs = zip(entry.tensors, called, strict=True)
    return {new.name: one([part[old.name] for part in parts]) for old, new in pairs}


def given_of(
    run: LoadedRun, entry: Entry, input: str, source: Source
) -> Iterator[Mapping[str, Tensor]]:
    """The same, part by part, by the names of the entry."""
    reader = run.data.reader
    if not isinstance(entry, Cells | Beside):
        for part in run.examples(input, source, AT_ONCE):
            yield entry.of(part.inputs[input])
        return
    assert isinstance(reader, TableReader)
    if not isinstance(source, str | Path):
        as_examples(source, reader, input)  # which refuses all that is no rows
    path = Path(source).expanduser()
    check_path(path, "data")
    used = [column.name for column in reader.columns if not column.is_shown]
    for _, table, place in reader.tables(path, used):
        yield entry.of((table, place))


def one(parts: list[Tensor]) -> np.ndarray:
    """Parts of a tensor [B, ...] in one; shorter rows end in what stands for none."""
    longest = max((x.shape[1] for x in parts), default=0)
    ends = [(longest - x.shape[1], 0 if x.is_floating_point() else NONE) for x in parts]
    pad = torch.nn.functional.pad
    whole = [pad(x, (0, n), value=v) if n else x for x, (n, v) in zip(parts, ends, strict=True)]
    return torch.cat(whole).numpy()
