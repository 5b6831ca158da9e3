"""Which entry a run's input has: by how new data is read, else by what the model reads."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from mtl_cli.basis.inputs import Dense, InputSpec
from mtl_cli.dataset.prepared.pixels import PIXELS
from mtl_cli.dataset.readers.arrays import ArrayReader
from mtl_cli.dataset.readers.digits import DEVIATION, MEAN, DigitReader
from mtl_cli.dataset.readers.images import ImageReader
from mtl_cli.dataset.readers.numbers import NumberReader
from mtl_cli.dataset.readers.pictures import PictureReader
from mtl_cli.dataset.readers.table import TableReader
from mtl_cli.dataset.readers.text import TextReader
from mtl_cli.dataset.vectorizers.said import said_of
from mtl_cli.exported.as_read import by_spec
from mtl_cli.exported.beside import SUBWORDS, TEXTS, Beside
from mtl_cli.exported.cells import Cells
from mtl_cli.exported.entry import Entry
from mtl_cli.exported.numbered import Numbered
from mtl_cli.exported.pixels import Pixels


@singledispatch
def entry_of(reader: Any, input: str, spec: InputSpec) -> Entry:
    """The entry of an input.

    Args:
        reader: reads new data of the run; None: nothing does.
        input: its name.
        spec: of what the model reads.
    """
    return by_spec(spec, input)


@entry_of.register
def _(reader: TableReader, input: str, spec: InputSpec) -> Entry:
    joined = {name: join.path for join in reader.joins for name in join.columns}
    if reader.parts.beside:
        return Beside(reader.parts, joined)
    return Cells(reader.columns, joined)


@entry_of.register
def _(reader: NumberReader, input: str, spec: InputSpec) -> Entry:
    return Numbered(reader.columns[input])


@entry_of.register
def _(reader: ArrayReader, input: str, spec: InputSpec) -> Entry:
    entry = by_spec(spec, input)
    entry.outside = "bytes are divided by 255" if input in reader.of_bytes else ""
    return entry


@entry_of.register
def _(reader: DigitReader, input: str, spec: Dense) -> Entry:
    return Pixels(input, spec.shape, (MEAN, DEVIATION), "resize")


@entry_of.register
def _(reader: PictureReader, input: str, spec: Dense) -> Entry:
    return Pixels(input, spec.shape, PIXELS, "resize")


@entry_of.register
def _(reader: ImageReader, input: str, spec: Dense) -> Entry:
    return Pixels(input, spec.shape, reader.pixels, reader.reading.fit)


@entry_of.register
def _(reader: TextReader, input: str, spec: InputSpec) -> Entry:
    entry = by_spec(spec, input)
    if not reader.segments:
        entry.tell(said_of(reader.vectorizer, tokens=reader.length > 0))
    entry.outside = SUBWORDS if reader.segments else TEXTS
    return entry
