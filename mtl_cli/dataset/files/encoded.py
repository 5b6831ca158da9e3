"""Text files as bytes: unpacked and decoded; and which byte is no text in their encoding."""

from __future__ import annotations

import codecs
import gzip
import io
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, cast

from mtl_cli.basis.errors import Problem, problem
from mtl_cli.dataset.files.options import ReadOptions

# What readers raise at a damaged file; Arrow's errors are of these kinds.
UNREADABLE = (OSError, EOFError, zlib.error, ValueError, NotImplementedError)


def open_bytes(file: Path) -> BinaryIO:
    """The file, unpacked where its name ends in ``.gz``."""
    return cast(BinaryIO, gzip.open(file)) if file.suffix == ".gz" else file.open("rb")


@contextmanager
def readable(file: Path) -> Iterator[None]:
    """Answers in words for a file that is damaged, cut off or taken away while it is read."""
    try:
        yield
    except Problem:
        raise
    except UNREADABLE as error:
        found = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        fix = "the file as it was, whole; it is damaged or cut off"
        raise problem(str(file), "must be a file of rows that can be read", found, fix) from error


def said_by_file(file: Path, encoding: str) -> str:
    """The encoding of a text file: UTF-8 where it begins with the mark of that, else as was said.

    Excel saves one table as cp1252 and the next as UTF-8 with the mark; a run reads both.
    """
    if codecs.lookup(encoding).name == "utf-8":
        return encoding
    with readable(file), open_bytes(file) as stream:
        return "utf-8-sig" if stream.read(3) == codecs.BOM_UTF8 else encoding


def lines(file: Path, encoding: str) -> Iterator[str]:
    """The lines of a text file, which end at ``\\n`` (and ``\\r\\n``) and nowhere else."""
    encoding = said_by_file(file, encoding)
    encoding = "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding
    with io.TextIOWrapper(open_bytes(file), encoding, newline="\n") as stream:
        for line in stream:
            yield line.removesuffix("\n").removesuffix("\r")


def numbered_lines(
    file: Path, options: ReadOptions, chunk_rows: int
) -> Iterator[tuple[int, list[str]]]:
    """The lines of a text file, some at a time, with the number of the first of them, from 1.

    Raises:
        ValueError: where the file is not in the encoding that was said.
    """
    texts, first = lines(file, options.encoding), 1
    with readable(file):
        try:
            while chunk := list(islice(texts, chunk_rows)):
                yield first, chunk
                first += len(chunk)
        except UnicodeError as error:
            raise wrong_encoding(file, options) or error from error


def blocks(file: Path) -> Iterator[bytes]:
    """The bytes of the file, unpacked, a MiB at a time."""
    with open_bytes(file) as stream:
        while block := stream.read(2**20):
            yield block


@contextmanager
def as_utf8(file: Path, encoding: str) -> Iterator[Path]:
    """The file itself where it is in UTF-8, else a copy that is, unpacked, until the end.

    Arrow would decode it too, by Python in its own threads: where a reader is given up amid the
    file, it waits for a thread that waits for Python.
    """
    encoding = said_by_file(file, encoding)
    if codecs.lookup(encoding).name == "utf-8":
        yield file
        return
    with TemporaryDirectory() as folder:
        copy = Path(folder, "utf-8")
        with (
            io.TextIOWrapper(open_bytes(file), encoding, newline="") as source,
            copy.open("w", encoding="utf-8", newline="") as target,
        ):
            shutil.copyfileobj(source, target, 2**20)
        yield copy


def wrong_encoding(file: Path, options: ReadOptions) -> Problem | None:
    """The error for a file that is not in the encoding that was said; None where it is."""
    encoding, position = said_by_file(file, options.encoding), 0
    decoder = codecs.getincrementaldecoder(encoding)()
    for block in chain(blocks(file), [b""]):
        waiting = len(decoder.getstate()[0])  # bytes of a character that is not yet whole
        try:
            decoder.decode(block, final=not block)
        except UnicodeError as error:
            found = str(error)
            if isinstance(error, UnicodeDecodeError):
                byte = error.object[error.start : error.start + 1]
                found = f"byte 0x{byte.hex()} at position {position - waiting + error.start}"
            other = "cp1252" if encoding.lower().replace("-", "") == "utf8" else "utf-8"
            if not position and block[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                other = "utf-16"
            fix = options.advice(f"the file in {encoding}", f"encoding={other} (or another)")
            return problem(str(file), f"must be text in {encoding}", found, fix)
        position += len(block)
    return None
