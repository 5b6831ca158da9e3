"""How files of rows are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mtl_cli.basis.errors import check_boolean, check_choice, problem
from mtl_cli.dataset.files.column_names import check_name, words_for
from mtl_cli.dataset.files.delimiter import delimiter_of


@dataclass
class ReadOptions:
    """How files are read.

    Args:
        slot: where these options stand in the config, for messages (``dataset.sources.movie``);
            ``input``: nowhere, new data is read as a run's own was.
        delimiter: between the cells of a row: a character, ``\\t`` for a tab, or ``whitespace`` for
            blanks and tabs, however many; None: by the file's name, a tab or else a comma.
        header: whether the first row names the columns.
        names: the columns' names, in place of a header's; None, without a header: c1, c2, ...
        encoding: of text files, as Python calls it.
        quote: what a cell with delimiters or line breaks stands in; None: nothing quotes.
        on_bad_row: ``error``, or ``skip`` for rows with too many or too few cells.

    Attributes:
        skipped: how many rows were skipped.
        written: ``{column: its decimal mark}`` of columns of numbers that text files write in a way
            of their own (``1.234,5``), so that they stay as they are written there.
        decimal: the mark of the others, where all columns do; None: they are as programs write.
        origin: where people get the files; None: nobody says it.
        paths: ``{column of paths: the folder that they begin in}``; None: that of the file.
        lists: ``{column that may hold lists: what stands between their values in text}``; None:
            nobody says it.
    """

    slot: str = "dataset"
    delimiter: str | None = None
    header: bool = True
    names: Sequence[str] | None = None
    encoding: str = "utf-8"
    quote: str | None = '"'
    on_bad_row: str = "error"
    skipped: int = field(default=0, init=False)
    written: Mapping[str, str] = field(default_factory=dict, init=False)
    decimal: str | None = field(default=None, init=False)
    origin: str | None = field(default=None, init=False)
    lists: Mapping[str, str | None] = field(default_factory=dict, init=False)
    paths: Mapping[str, str | None] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        slot = self.slot
        check_boolean(f"{slot}.header", self.header)
        choices = ["error", "skip"]
        check_choice(f"{slot}.on_bad_row", self.on_bad_row, choices, f"{slot}.on_bad_row=skip")
        self.delimiter = delimiter_of(self.delimiter, f"{slot}.delimiter")
        if self.quote is not None and (not isinstance(self.quote, str) or len(self.quote) != 1):
            fix = f"{slot}.quote=null, where nothing quotes"
            raise problem(f"{slot}.quote", "must be one character, or null", self.quote, fix)
        if self.names is not None and not isinstance(self.names, list | tuple):
            fix = f"'{slot}.names=[a,b,c]'"
            raise problem(f"{slot}.names", "must be a list of names, or null", self.names, fix)
        for name in self.names or ():
            check_name(f"each of {slot}.names", name)
        try:
            "".encode(self.encoding)
        except (LookupError, TypeError):
            rule, fix = "must be an encoding that Python knows", f"{slot}.encoding=cp1252"
            raise problem(f"{slot}.encoding", rule, self.encoding, fix) from None

    def as_text(self, names: Sequence[str], text: bool | Iterable[str]) -> list[str]:
        """The columns of a text file that stay as they are written, where ``text`` is to."""
        if text is True or self.decimal is not None:
            return list(names)
        return [*(text or ()), *self.written]

    def mark(self, name: str, file: str) -> str:
        """The decimal mark by which a stored number stands in a column that is else text.

        Raises:
            ValueError: where nobody says whether that column is numbers, and so how 1.5 is written.
        """
        if name not in self.written and self.decimal == ",":
            rule = "must hold numbers or text, not both, where the decimal mark is a comma"
            fix = f"{words_for(name, 'type: number')}, or type: category"
            raise problem(f"column {name} of {file}", rule, "1.5 and '1,5', say", fix)
        return self.written.get(name, ".")

    @property
    def path(self) -> str:
        """What a path is given by."""
        return self.slot if self.slot == "input" else f"{self.slot}.path"

    def advice(self, mend: str, setting: str) -> str:
        """What to do about a file: mend it or, where options can be given, read it otherwise."""
        return mend if self.slot == "input" else f"{mend}, or {self.slot}.{setting}"
