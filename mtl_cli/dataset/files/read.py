"""Files of rows: CSV, TSV, JSON Lines, Parquet and NumPy archives, whole or in chunks.

A path is a file, a folder or a glob; text files may be packed (``.gz``). Rows end at line breaks
outside quotes and nowhere else: not at NEL, nor at any other character of Unicode's.
"""

from __future__ import annotations

import glob
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mtl_cli.basis.errors import nearest, problem
from mtl_cli.basis.shell import as_word
from mtl_cli.dataset.files.delimited import read_delimited
from mtl_cli.dataset.files.encoded import readable
from mtl_cli.dataset.files.foreign import check_format, foreign
from mtl_cli.dataset.files.held import is_held, read_held
from mtl_cli.dataset.files.json_lines import read_json_lines
from mtl_cli.dataset.files.options import ReadOptions
from mtl_cli.dataset.files.parts import Part, shown, suffix_of
from mtl_cli.dataset.files.stored import read_npz, read_parquet
from mtl_cli.dataset.files.whole_paths import with_whole_paths

if TYPE_CHECKING:
    import pandas

READERS = {
    **dict.fromkeys([".csv", ".tsv", ".tab", ".txt", ".data"], read_delimited),
    **dict.fromkeys([".jsonl", ".ndjson", ".json"], read_json_lines),
    **dict.fromkeys([".parquet", ".pq"], read_parquet),
    ".npz": read_npz,
}
BY_THEMSELVES = (read_parquet, read_npz)  # these look whether a file is theirs
STORED = (read_json_lines, read_parquet, read_npz, read_held)  # these have types
CHUNK_ROWS = 65_536


def find_files(path: str | Path, options: ReadOptions) -> list[Path]:
    """The files of a path, in the order of their names.

    Raises:
        ValueError: where there is none, and the nearest name is said; or one that is kept in a way
            that is not read.
    """
    files = named_files(path, options)
    for file in files:
        if not is_held(file) and READERS.get(suffix_of(file)) not in BY_THEMSELVES:
            check_format(file, options.path)
    return files


def named_files(path: str | Path, options: ReadOptions) -> list[Path]:
    """The same, whatever is in them."""
    given = Path(path).expanduser()
    if given.is_file() or is_held(path):
        return [given]
    if given.is_dir():
        files = sorted(p for p in given.iterdir() if p.is_file())
        if inside := [p for p in files if suffix_of(p) in READERS] or foreign(files):
            return inside
        rule, known = "must hold files that can be read", ", ".join(READERS)
        found = f"a folder without any in {given}"
        raise problem(options.path, rule, found, f"files that end in {known}")
    matches = [Path(match) for match in sorted(glob.glob(str(given), recursive=True))]
    if matches := [match for match in matches if match.is_file()]:
        return matches
    there = sorted(p.name for p in given.parent.iterdir()) if given.parent.is_dir() else []
    close = nearest(given.name, there)
    found = f"no {given}" if there else f"no {given}, nor its folder"
    fix = f"{options.path}=<file, folder or glob>"
    fix = as_word(options.path, given.parent / close) if close else fix
    if options.origin is not None:  # where a file is missing, others beside it are no answer
        fix = f"{given.name} of {options.origin} in {given.parent}, or {options.path}=<yours>"
    raise problem(options.path, "must be a file, a folder or a glob", found, fix)


def read_parts(
    path: str | Path,
    options: ReadOptions,
    wanted: Sequence[str] | None = None,
    chunk_rows: int | None = None,
    text: bool | Iterable[str] = True,
    typed: Collection[str] = (),
) -> Iterator[Part]:
    """The rows of a path, file by file.

    Args:
        path: a file, a folder or a glob.
        options: how to read it.
        wanted: the columns that are needed; None: all.
        chunk_rows: about how many rows to read at once; None: whole files.
        text: whether cells stay as they are written, and which columns' do; the types of the
            others are inferred from all of their cells.
        typed: columns that stay as a file stores them, where it stores types: the text of a
            number in single precision is that of another one in double.

    Raises:
        ValueError: where a file is missing, empty, of an unknown format or broken.
    """
    empty = True
    for file in find_files(path, options):
        read = read_held if is_held(file) else READERS.get(suffix_of(file), read_delimited)
        with readable(file):
            as_text = text
            if typed and text is True and wanted is not None and read in STORED:
                as_text = [name for name in wanted if name not in typed]
            for part in read(file, options, wanted, chunk_rows, as_text):
                if len(part.table):
                    empty = False
                    yield with_whole_paths(part, options.paths) if options.paths else part
    if empty:
        skipped = f", {options.skipped} skipped" if options.skipped else ""
        raise problem(str(path), "must hold rows", f"none{skipped}", "another file")


def read_frames(
    path: str | Path,
    options: ReadOptions,
    wanted: Sequence[str] | None = None,
    chunk_rows: int = CHUNK_ROWS,
) -> Iterator[pandas.DataFrame]:
    """The rows of a path in chunks, every cell as text; what is missing is an empty text.

    A frame's index is the number of each row in its file, from 1 and without the header, and
    ``frame.attrs["file"]`` that file's name. See `read_parts`.
    """
    for part in read_parts(path, options, wanted, chunk_rows):
        frame = part.table.to_pandas().fillna("")
        frame.index = part.numbers()
        frame.attrs["file"] = shown(part.file)
        yield frame
