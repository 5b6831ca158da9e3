"""Files that hold rows in a way that is not read here: what they are, and how to get from there."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from mtl_cli.basis.errors import Problem, problem
from mtl_cli.basis.shell import as_word

READ = "CSV, TSV, JSON Lines, Parquet or NumPy's .npz; text also as .gz"
HEAD = 64  # bytes that tell a format


@dataclass(frozen=True)
class Format:
    """A way to keep rows.

    Args:
        name: in words.
        endings: of such files.
        beginning: of their bytes; empty: nothing sure.
        frame: Python's expression for a data frame of the file; empty: none reads it.
        modules: what that needs.
    """

    name: str
    endings: Sequence[str]
    beginning: bytes = b""
    frame: str = ""
    modules: str = "pandas"


FORMATS = [
    Format("an Excel workbook", [".xls"], b"\xd0\xcf\x11\xe0", "pandas.read_excel({})"),
    Format("a workbook", [".xlsx", ".xlsm", ".xlsb", ".ods"], b"", "pandas.read_excel({})"),
    Format("an archive (or an .xlsx)", [".zip"], b"PK\x03\x04", "pandas.read_csv({})"),
    Format("a pickle", [".pkl", ".pickle"], b"\x80\x04\x95", "pandas.read_pickle({})"),
    Format("a pickle", [], b"\x80\x05\x95", "pandas.read_pickle({})"),
    Format("a Feather file", [".feather", ".arrow"], b"ARROW1\0\0", "pandas.read_feather({})"),
    Format("an HDF5 file", [".h5", ".hdf5", ".hdf"], b"\x89HDF\r\n", "pandas.read_hdf({})"),
    Format("a file of Stata", [".dta"], b"<stata_dta>", "pandas.read_stata({})"),
    Format("a file of SAS", [".sas7bdat", ".xpt"], b"", "pandas.read_sas({})"),
    Format("a file of SPSS", [".sav"], b"$FL2@(#)", "pandas.read_spss({})"),
    Format("an ORC file", [".orc"], b"", "pandas.read_orc({})"),
    Format("packed by xz", [".xz"], b"\xfd7zXZ\0", "pandas.read_csv({})"),
    Format("packed by bzip2", [".bz2"], b"", "pandas.read_csv({})"),
    Format("packed by Zstandard", [".zst"], b"\x28\xb5\x2f\xfd", "pandas.read_csv({})"),
    Format(
        "a NumPy array",
        [".npy"],
        b"\x93NUMPY",
        "pandas.DataFrame(numpy.load({}))",
        "numpy, pandas",
    ),
    Format(
        "a database of SQLite",
        [".db", ".sqlite", ".sqlite3"],
        b"SQLite format 3\0",
        'pandas.read_sql("select * from <table>", sqlite3.connect({}))',
        "pandas, sqlite3",
    ),
    Format("a web page", [".html", ".htm"], b"<!doctype html", "pandas.read_html({})[0]"),
    Format("a web page", [], b"<html", "pandas.read_html({})[0]"),
    Format("a web page", [], b"<table", "pandas.read_html({})[0]"),
    Format("a Parquet file of another ending", [], b"PAR1\x15"),
    Format("a packed file of another ending", [], b"\x1f\x8b\x08"),
]
OF_COLUMNS = Format("an object of columns, not of rows", [], b"", "pandas.read_json({})")
ENDINGS = {"a Parquet file of another ending": ".parquet", "a packed file of another ending": ".gz"}


def check_format(file: Path, path: str) -> None:
    """Refuses a file of rows that another program keeps so.

    Args:
        file: it ends neither in ``.npz`` nor in ``.parquet``, whose readers look themselves.
        path: what it was given by: ``dataset.path``, say.

    Raises:
        ValueError: where it is one; with the command that makes a file of it that is read.
    """
    with file.open("rb") as stream:
        head = stream.read(HEAD).lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    ending = file.suffix.lower()
    known = [own for own in FORMATS if own.beginning and head.startswith(own.beginning.lower())]
    named = [own for own in FORMATS if ending in own.endings]
    if ending != ".gz" and (found := (*named, *known)[:1]):
        raise refused(file, path, found[0])


def foreign(files: Sequence[Path]) -> list[Path]:
    """Those that end as one of the formats does."""
    endings = {ending for own in FORMATS for ending in own.endings}
    return [file for file in files if file.suffix.lower() in endings]


def refused(file: Path, path: str, found: Format) -> Problem:
    """The error for a file of some format."""
    rule = f"must be a file of rows: {READ}"
    if found.name in ENDINGS:
        right = shlex.join(["mv", str(file), f"{file}{ENDINGS[found.name]}"])
        return problem(path, rule, f"{file}, {found.name}", right)
    new = free(file.with_suffix(""))
    frame = found.frame.format(json.dumps(str(file), ensure_ascii=False))
    written = json.dumps(str(new), ensure_ascii=False)
    code = shlex.quote(f"import {found.modules}; {frame}.to_csv({written}, index=False)")
    fix = f"python -c {code}, then {as_word(path, new)}"
    return problem(path, rule, f"{file}, {found.name}", fix)


def free(stem: Path) -> Path:
    """A CSV file beside another that is not there yet."""
    stem = stem.with_suffix("") if stem.suffix.lower() == ".csv" else stem
    names = (stem.with_name(f"{stem.name}{'' if i == 1 else f'_{i}'}.csv") for i in count(1))
    return next(path for path in names if not path.exists())
