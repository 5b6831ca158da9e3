"""Numbers as people write them: ``1.234,5``, ``31,170``, ``45.6 %``, ``€ 12``, ``(12)``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from shlex import quote
from typing import TYPE_CHECKING, Any

import numpy as np

from mtl_cli.basis.errors import check_choice, problem
from mtl_cli.basis.numerals import is_number
from mtl_cli.dataset.files.cells import MISSING
from mtl_cli.dataset.files.column_names import words_for

if TYPE_CHECKING:
    import pyarrow

MANY = 1000  # cells that are looked at, to tell how they were written
BLANKS = r"[\x{00A0}\x{2009}\x{202F}]"  # those that do not break a line
MINUS = r"[\x{2212}\x{2012}\x{2013}]"  # Unicode's, and dashes in its place
SIGNS = "[$£€¥₹₩₽₺₪฿₫₴₦₱]|R\\$|kr|zł|Kč|Fr\\.|"
CODES = "USD|EUR|GBP|JPY|CNY|CHF|INR|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|BRL|MXN|ZAR|KRW|TRY"
CURRENCY = SIGNS + CODES
HEX = re.compile(r"[-+]?0[xX][0-9a-fA-F]+")
# What stands around the digits, which are # here.
AROUND = re.compile(
    rf"(?P<open>\()?(?P<sign>[-+])? ?(?P<before>{CURRENCY})? ?(?P<second>[-+])?"
    rf"# ?(?P<after>%|{CURRENCY})?(?P<close>\))?"
)
# What any way to write a number matches, and little else: cheap to ask.
LIKE_A_NUMBER = re.compile(
    rf"(?:[-+()% \u00A0\u2009\u202F\u2212\u2012\u2013]|{CURRENCY})*"
    rf"(?:0[xX][0-9a-fA-F]+|[\d.,'’_ \u00A0\u2009\u202F]+(?:[eE][-+\u2212\u2012\u2013]?\d+)?)"
    rf"(?:[-+()% \u00A0\u2009\u202F\u2212\u2012\u2013]|{CURRENCY})*"
)


@dataclass(frozen=True)
class Writing:
    """How the numbers of a column are written. Signs of currency, one in a column, are left out,
    ``45 %`` is 0.45, ``(12)`` is -12, the minus may be Unicode's.

    Args:
        decimal: ``.`` or ``,``.
        thousands: between groups of three digits; None: nothing. A blank is any blank.
    """

    decimal: str = "."
    thousands: str | None = None

    def check(self, slot: str) -> None:
        """Refuses marks that no number can be written with."""
        check_choice(f"{slot}.decimal", self.decimal, [".", ","], f"'{slot}.decimal=\",\"'")
        if self.thousands not in (None, ",", ".", " ", "'", "’", "_"):
            rule = "must be null, or one of , . ' ’ _ and a blank"
            fix = f"'{slot}.thousands=\",\"'"
            raise problem(f"{slot}.thousands", rule, self.thousands, fix)
        if self.thousands == self.decimal:
            rule = "must differ from the decimal mark"
            fix = f"'{slot}.decimal=\",\"' '{slot}.thousands=\".\"'"
            raise problem(f"{slot}.thousands", rule, self.thousands, fix)

    @property
    def is_plain(self) -> bool:
        """Whether numbers are written as in programs."""
        return self == PLAIN

    def words(self, column: str | None) -> str:
        """What to type for numbers that are written so in a column; None: in all."""
        said = {"decimal": self.decimal if self.decimal != "." else None}
        said = {k: v for k, v in {**said, "thousands": self.thousands}.items() if v}
        if column is None:
            return " ".join(quote(f'dataset.{key}="{value}"') for key, value in said.items())
        options = "".join(f', {key}: "{value}"' for key, value in said.items())
        return words_for(column, f"type: number{options}")

    @property
    def pattern(self) -> str:
        """Of a whole cell, as RE2 reads it."""
        mark, group = re.escape(self.decimal), re.escape(self.thousands or "")
        grouped = rf"[1-9]\d{{0,2}}(?:{group}\d{{3}})+|" if group else ""
        digits = rf"(?:{grouped}\d+)(?:{mark}\d*)?|{mark}\d+"
        around = rf"(?:[-+()% ]|{CURRENCY})*"
        return rf"^(?P<lead>{around})(?P<digits>(?:{digits})(?:[eE][-+]?\d+)?)(?P<tail>{around})$"

    def values(self, cells: Any) -> np.ndarray:
        """The values of cells of text [B]: NaN where they are missing, infinite where they are no
        numbers, or of another currency than the first that has one."""
        import pyarrow
        from pyarrow import compute

        text = present(cells)
        tidy = compute.replace_substring_regex(text, BLANKS, " ")
        tidy = compute.replace_substring_regex(tidy, MINUS, "-")
        lead, digits, tail = compute.extract_regex(tidy, self.pattern).flatten()
        if self.thousands:
            digits = compute.replace_substring(digits, self.thousands, "")
        digits = compute.replace_substring(digits, self.decimal, ".")
        around = compute.binary_join_element_wise(lead, tail, "#").dictionary_encode()
        factors = np.append(factors_of(around.dictionary.to_pylist()), np.nan)
        factors = factors[around.indices.fill_null(-1).to_numpy()]
        values = digits.cast(pyarrow.float64()).to_numpy(zero_copy_only=False) * factors
        there = ~text.is_null().to_numpy(zero_copy_only=False)
        for i in np.flatnonzero(np.isnan(values) & there):
            values[i] = self.other_value(text[int(i)].as_py())
        return values

    def reads(self, cells: Any) -> bool:
        """Whether there are numbers in cells, and nothing else."""
        values = self.values(cells)
        return bool(np.isfinite(values).any() and not np.isinf(values).any())

    def other_value(self, text: str) -> float:
        """The value of a cell that programs alone write so; infinite where it is none."""
        if HEX.fullmatch(text):
            return float(int(text, 16))
        return float(text) if self.is_plain and is_number(text) else np.inf


PLAIN = Writing()
# How cells may be written, the likeliest first where several read all of them.
KNOWN = [
    PLAIN,
    Writing(".", ","),
    Writing(","),
    Writing(",", "."),
    *(Writing(mark, group) for group in (" ", "'", "’") for mark in (".", ",")),
]


def factors_of(around: list[str]) -> np.ndarray:
    """What digits are to be multiplied by, for each way in which signs stand around them; NaN for
    what is no number, or of another currency than the first one."""
    factors, currencies = [], []
    for written in around:
        found = AROUND.fullmatch(written)
        if found is None or bool(found["open"]) != bool(found["close"]):
            factors.append(np.nan)
            continue
        signs = [x for x in (found["open"], found["sign"], found["second"]) if x]
        units = [x for x in (found["before"], found["after"]) if x]
        currencies += [x for x in units if x != "%"]
        wrong = len(signs) > 1 or len(units) > 1 or len(set(currencies)) > 1
        factor = -1 if signs and signs[0] in "-(" else 1
        factors.append(np.nan if wrong else factor / 100 if units == ["%"] else factor)
    return np.array(factors, np.float64)


def present(cells: Any) -> pyarrow.Array:
    """Cells as text without blanks around, None where they are missing."""
    import pyarrow
    from pyarrow import compute

    array = cells if isinstance(cells, pyarrow.Array | pyarrow.ChunkedArray) else None
    array = pyarrow.array(cells, pyarrow.string()) if array is None else array
    if isinstance(array, pyarrow.ChunkedArray):
        array = array.combine_chunks()
    text = compute.utf8_trim_whitespace(array.cast(pyarrow.string()))
    gone = compute.is_in(text, value_set=pyarrow.array(MISSING))
    return compute.if_else(gone, pyarrow.scalar(None, pyarrow.string()), text)


def writing_of(cells: Any) -> Writing | None:
    """How cells are written that are all numbers; None where no way reads all of them."""
    text = present(cells)
    return next((known for known in KNOWN if known.reads(text[:MANY]) and known.reads(text)), None)


def may_be_number(text: str) -> bool:
    """Whether some way to write numbers may read a cell."""
    return LIKE_A_NUMBER.fullmatch(text) is not None or is_number(text)


def joint(found: Sequence[Writing], there: Sequence[pyarrow.DataType]) -> str:
    """What to type for all columns at once, where some are written so; empty where it would not do.

    Args:
        found: how they are written.
        there: what all columns hold as they were read.
    """
    from pyarrow import types

    plain = any(types.is_floating(kind) for kind in there)
    marks = Counter(own.decimal for own in found).most_common(1)
    if not marks or (plain and marks[0][0] != "."):
        return ""
    groups = [own.thousands for own in found if own.decimal == marks[0][0] and own.thousands]
    return Writing(marks[0][0], groups[0] if groups else None).words(None)


def most_likely(cells: Any) -> Writing:
    """The way that reads most of some cells."""
    return max(KNOWN, key=lambda known: int(np.isfinite(known.values(cells)).sum()))
