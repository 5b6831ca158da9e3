"""One writing of each value, whatever file it stands in.

A spreadsheet writes 1.0 where a column has a gap, pandas True where Parquet holds a truth value,
and one file has 08:00 where another has 08:00:00. As a category or a label they are one.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime

WHOLE = re.compile(r"([+-]?(?:0|[1-9]\d*))\.0+")  # 007.0 is a code
POWER = re.compile(r"[+-]?\d(?:\.\d+)?[eE]\+?\d+")
TIME = re.compile(r"(\d\d?):(\d\d)(?::(\d\d)(?:\.(\d+))?)?")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?(?:\d\d)?)?")
TRUTH = ("true", "false")
TRUTHS = (("false", "true"), ("no", "yes"), ("f", "t"), ("n", "y"), ("0", "1"))
LARGEST = 2**63


def canonical(text: str) -> str:
    """The one writing of a cell's trimmed text.

    Whole numbers have no decimals, truth values are ``true`` and ``false``, times have seconds, a
    moment at midnight is its day, and one with a time zone is of UTC. All else is as it is
    written: ``007``, ``1.50``.
    """
    first = text[:1]
    if first in "tTfF":
        lower = text.lower()
        return lower if lower in TRUTH else text
    if not first.isdigit() and first not in ("+", "-"):
        return text
    if whole := WHOLE.fullmatch(text):
        return whole[1]
    if ":" in text:
        return moment(text)
    if POWER.fullmatch(text) and abs(value := float(text)) < LARGEST and value.is_integer():
        return str(int(value))
    return text


def truths(values: Collection[str]) -> dict[str, str]:
    """``{a spelling of a truth value, in small letters: which of the values it is}``; empty where
    the values are not two that people write for false and true.

    ``true`` is then ``1``, ``yes``, ``T`` or ``Y`` of another file.
    """
    written = {value.casefold(): value for value in values}
    for false, true in TRUTHS:
        if len(values) == 2 and set(written) == {false, true}:
            pairs = [
                (own, written[word])
                for pair in TRUTHS
                for own, word in zip(pair, (false, true), strict=True)
            ]
            return dict(pairs)
    return {}


def moment(text: str) -> str:
    """The same of a time of day, or of a day and a time."""
    if found := TIME.fullmatch(text):
        hours, minutes, seconds, fraction = found.groups()
        return clock(f"{int(hours):02}:{minutes}:{seconds or '00'}", fraction)
    if not MOMENT.fullmatch(text):
        return text
    main, _, fraction = text.partition(".")
    digits = re.match(r"\d*", fraction)
    zone = fraction[digits.end() :] if digits else ""
    try:
        when = datetime.fromisoformat(main + zone)
    except ValueError:  # there is no such day
        return text
    if when.tzinfo is not None:
        when = when.astimezone(UTC)
    own = clock(f"{when:%H:%M:%S}", digits[0] if digits else None)
    mark = "" if when.tzinfo is None else "Z"
    return f"{when:%Y-%m-%d}" + (f" {own}{mark}" if own != "00:00:00" or mark else "")


def clock(whole: str, fraction: str | None) -> str:
    """A time with the fraction of its seconds, where it has one."""
    rest = (fraction or "").rstrip("0")
    return f"{whole}.{rest}" if rest else whole
