"""CSV and its like, read by Arrow: fast, in chunks where asked, with errors that name the row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtl_cli.basis.errors import Problem, problem
from mtl_cli.dataset.files.blanks import with_numbers
from mtl_cli.dataset.files.cells import MISSING
from mtl_cli.dataset.files.column_names import check_columns
from mtl_cli.dataset.files.delimiter import WHITESPACE
from mtl_cli.dataset.files.encoded import as_utf8, lines, wrong_encoding
from mtl_cli.dataset.files.misread import delimiter_for, how_to_read
from mtl_cli.dataset.files.options import ReadOptions
from mtl_cli.dataset.files.parser_threads import lend
from mtl_cli.dataset.files.parts import Part, suffix_of
from mtl_cli.dataset.files.unparsed import check_cells
from mtl_cli.dataset.files.whitespace import as_tabs

if TYPE_CHECKING:
    import pyarrow
    from pyarrow import csv

BLOCK_BYTES = 8 * 2**20  # of a file that is read in chunks; no row may be longer
TABS = (".tsv", ".tab", ".txt")  # delimited by tabs, where nothing else is said


def read_delimited(
    file: Path,
    options: ReadOptions,
    wanted: Sequence[str] | None,
    chunk_rows: int | None,
    text: bool | Iterable[str],
) -> Iterator[Part]:
    """See `read.read_parts`."""
    reading = Reading(file, options)
    try:
        with reading.copy() as reading.utf8:
            yield from reading.parts(wanted, chunk_rows, text)
    except Problem:
        raise
    except (ValueError, OSError, EOFError) as error:  # Arrow's are ValueErrors or OSErrors
        raise reading.explain(error) from error


class Reading:
    """One file on its way in, and its broken rows."""

    def __init__(self, file: Path, options: ReadOptions) -> None:
        self.file, self.utf8, self.options = file, file, options
        self.column_names: list[str] = []  # once they are read
        self.broken: list[Any] = []  # Arrow's InvalidRow: number, expected and actual_columns

    def copy(self) -> AbstractContextManager[Path]:
        """What Arrow reads in place of the file, until the end."""
        encoding = self.options.encoding
        if self.options.delimiter == WHITESPACE:
            return as_tabs(self.file, encoding, self.options.quote)
        return as_utf8(self.file, encoding)

    def parts(
        self, wanted: Sequence[str] | None, chunk_rows: int | None, text: bool | Iterable[str]
    ) -> Iterator[Part]:
        import pyarrow
        from pyarrow import csv

        names = self.names()
        if wanted is not None:
            thing = f"the columns of {self.file.name} that are read"
            check_columns(names, wanted, thing, self.options.slot)
        as_text = self.options.as_text(names, text)
        convert = csv.ConvertOptions(
            null_values=[*MISSING, " ", " ?"],
            include_columns=None if wanted is None else list(wanted),
            column_types=dict.fromkeys(as_text, pyarrow.string()),
        )
        if chunk_rows is None:
            threads = self.options.on_bad_row == "error"  # Arrow's threads do not count rows
            with self.parses() as parses:
                read = csv.read_csv(self.utf8, self.reads(threads), parses, convert)
            table = with_numbers(read, as_text)
            check_cells(table, self.file, self.options)
            yield Part(self.file, table, 1, self.numbers_broken())
        else:
            first = 1
            for batch in self.batches(convert):
                for begin in range(0, len(batch), chunk_rows):
                    table = pyarrow.Table.from_batches([batch.slice(begin, chunk_rows)])
                    check_cells(table, self.file, self.options)
                    part = Part(self.file, table, first, self.numbers_broken(first))
                    yield part
                    first = part.numbers()[-1] + 1
        self.options.skipped += len(self.broken)

    def batches(self, convert: csv.ConvertOptions) -> Iterator[pyarrow.RecordBatch]:
        """The rows, a block at a time."""
        from pyarrow import csv

        with self.parses() as parses:
            yield from csv.open_csv(self.utf8, self.reads(), parses, convert)

    def names(self) -> list[str]:
        """The columns of the file."""
        from pyarrow import csv

        options = self.options
        reads = csv.ReadOptions(use_threads=False, autogenerate_column_names=not options.header)
        with self.parses() as parses:
            names = csv.open_csv(self.utf8, reads, parses).schema.names
        self.broken = []
        if options.names is not None:
            if len(options.names) != len(names):
                rule = f"must name each of the {len(names)} columns of {self.file.name}"
                fix = options.advice("a name for each", "names=null")
                raise problem(f"{options.slot}.names", rule, str(len(options.names)), fix)
            names = list(options.names)
        elif not options.header:
            names = [f"c{i + 1}" for i in range(len(names))]
        names = [name.strip() for name in names]
        if twice := [name for name, count in Counter(names).items() if count > 1]:
            rule, fix = "must have columns of different names", "another name for one of them"
            found = f"{', '.join(twice)} twice"
            fix = how_to_read(names, options.slot) or options.advice(fix, "names=[...]")
            raise problem(str(self.file), rule, found, fix)
        self.column_names = names
        return names

    def reads(self, threads: bool = False) -> Any:
        from pyarrow import csv

        return csv.ReadOptions(
            use_threads=threads,
            block_size=None if threads else BLOCK_BYTES,
            skip_rows_after_names=int(self.options.header),
            column_names=self.column_names,
        )

    def parses(self) -> AbstractContextManager[csv.ParseOptions]:
        from pyarrow import csv

        delimiter = self.options.delimiter
        if delimiter is None:
            delimiter = "\t" if suffix_of(self.file) in TABS else ","
        elif delimiter == WHITESPACE:
            delimiter = "\t"
        options = csv.ParseOptions(
            delimiter=delimiter,
            quote_char=self.options.quote or False,
            newlines_in_values=self.options.quote is not None,
        )
        return lend(self.note_broken, options)

    def note_broken(self, row: Any) -> str:
        self.broken.append(row)
        return self.options.on_bad_row

    def numbers_broken(self, first: int = 1) -> list[int]:
        """The broken rows from number ``first`` on, as users count: without the header."""
        numbers = [row.number - self.options.header for row in self.broken if row.number]
        return [number for number in numbers if number >= first]

    def explain(self, error: Exception) -> Problem:
        """Arrow's error in our form."""
        options, advice, text = self.options, self.options.advice, str(error)
        unreadable = "must be a file of rows that can be read"
        try:
            if wrong := wrong_encoding(self.file, options):
                return wrong
        except (OSError, EOFError) as broken:  # of a packed file
            return problem(str(self.file), unreadable, str(broken), "mend it")
        if "Empty CSV file" in text:
            return problem(str(self.file), "must hold rows", "an empty file", "a file with rows")
        if "straddling object" in text:
            rule = f"must hold rows of less than {BLOCK_BYTES // 2**20} MiB"
            fix = advice("close the quote", "quote=null, where nothing quotes")
            return problem(str(self.file), rule, "a longer one: a quote that never ends?", fix)
        if self.broken:
            row = self.broken[0]
            number = row.number or self.number_of_first_broken()
            thing = f"row {number - self.options.header} of {self.file}"
            rule = f"must have {row.expected_columns} cells, as the file has columns"
            other = "on_bad_row=skip, which leaves such rows out; or another delimiter"
            if options.delimiter == " ":
                other = f"delimiter={WHITESPACE}, where several blanks may stand between cells"
            first = [next(lines(self.file, options.encoding))] if row.expected_columns == 1 else []
            fix = delimiter_for(first, options.slot) or advice("mend the row", other)
            return problem(thing, rule, f"{row.actual_columns} cells: {row.text[:60]!r}", fix)
        return problem(str(self.file), unreadable, text, "mend it")

    def number_of_first_broken(self) -> int:
        """Its number, which Arrow knows only where it reads in one thread."""
        from pyarrow import csv

        first = Reading(self.file, self.options)
        first.column_names = self.column_names
        with first.copy() as first.utf8, suppress(ValueError), first.parses() as parses:
            csv.read_csv(first.utf8, first.reads(), parses)
        return first.broken[0].number
