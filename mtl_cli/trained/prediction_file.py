"""A file of predictions, CSV or Parquet, that grows part by part and is whole or not there."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mtl_cli.basis.errors import problem
from mtl_cli.basis.shell import as_word
from mtl_cli.disk.new_file import check_new
from mtl_cli.disk.writing import in_words, renamed
from mtl_cli.trained.predictions import Columns

FORMATS = (".csv", ".parquet")
ROWS_AT_ONCE = 65_536  # gathered before they are written: a row group of Parquet


class PredictionFile:
    """Written beside its place, and renamed into it when all went well.

    Args:
        path: ends in ``.csv`` or ``.parquet``.
        overwrite: whether a file that is there may be replaced.

    Raises:
        ValueError: where it has another ending, is there already, or cannot be made.
    """

    def __init__(self, path: Path, overwrite: bool) -> None:
        if path.suffix not in FORMATS:
            rule = f"must be a file that ends in {' or '.join(FORMATS)}"
            named = path.with_suffix(".csv") if path.stem else "predictions.csv"
            raise problem("out", rule, str(path), as_word("out", named))
        check_new(path, overwrite)
        self.path = path
        self.writer: Any = None
        self.parts: list[Any] = []
        self.num_waiting = 0
        self.num_rows = 0
        self.beside = path  # where it is written until it is whole
        self.stack = ExitStack()  # of what ends with it

    def write(self, columns: Columns) -> None:
        """Adds some rows, whose columns are always the same."""
        import pyarrow

        names, arrays = zip(*columns, strict=True)
        part = pyarrow.Table.from_arrays(list(arrays), names=list(names))
        self.parts.append(part)
        self.num_waiting += len(part)
        self.num_rows += len(part)
        if self.num_waiting >= ROWS_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        import pyarrow

        if self.parts:
            table = pyarrow.concat_tables(self.parts)
            with in_words(self.path):
                if self.writer is None:
                    self.writer = self.open(table.schema)
                self.writer.write_table(table)
        self.parts, self.num_waiting = [], 0

    def open(self, schema: Any) -> Any:
        from pyarrow import csv, parquet

        make = csv.CSVWriter if self.path.suffix == ".csv" else parquet.ParquetWriter
        return make(self.beside, schema)

    def __enter__(self) -> PredictionFile:
        with ExitStack() as stack:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self.beside = stack.enter_context(renamed(self.path))
                self.beside.touch()
            except OSError as error:
                rule, found = "must be a file that can be written", error.strerror or str(error)
                raise problem(f"out={self.path}", rule, found, "out=<another file>") from error
            stack.push(self.finish)
            self.stack = stack.pop_all()
        return self

    def finish(self, kind: type[BaseException] | None, *rest: object) -> None:
        """Before the file is renamed, or thrown away."""
        if kind is None:
            self.flush()
        if self.writer is not None:
            with in_words(self.path):
                self.writer.close()

    def __exit__(self, *error: Any) -> None:
        self.stack.__exit__(*error)
