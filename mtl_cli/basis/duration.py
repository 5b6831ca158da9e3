"""Lengths of time as people write them: ``30m``, ``1h30m``, or a number of seconds."""

from __future__ import annotations

import math
import re
from typing import Any

from mtl_cli.basis.errors import problem

UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
LONG = {"day": "d", "hour": "h", "hr": "h", "minute": "m", "min": "m", "second": "s", "sec": "s"}
PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)\s*")


def seconds_of(thing: str, value: Any) -> float:
    """The seconds of a length of time.

    Args:
        thing: what it is the value of.
        value: a number of seconds, or numbers with units, each once and the longest first.

    Raises:
        ValueError: where it is none, or nothing is left of it.
    """
    number = isinstance(value, int | float) and not isinstance(value, bool)
    seconds = float(value) if number else spelled(value) if isinstance(value, str) else None
    if seconds is None or not 0 < seconds < math.inf:
        rule = "must be a length of time above 0: 90 (seconds), 30m, 2h, 1h30m, 1d"
        raise problem(thing, rule, value, f"{thing}={suggested(value)}")
    return seconds


def spelled(text: str) -> float | None:
    """The seconds of numbers with units; None where it is something else."""
    text = text.strip().lower()
    parts = PART.findall(text)
    if not parts or "".join(PART.findall(text)[0]) == "" or PART.sub("", text):
        return None
    if len(parts) == 1 and not parts[0][1]:
        return float(parts[0][0])
    units = [unit_of(word) for _, word in parts]
    order = [list(UNITS).index(unit) for unit in units if unit]
    if None in units or order != sorted(set(order)):
        return None
    return math.fsum(float(n) * UNITS[str(u)] for (n, _), u in zip(parts, units, strict=True))


def unit_of(word: str) -> str | None:
    """The unit of a word: ``h`` of ``h``, ``hr`` and ``hours``."""
    return word if word in UNITS else LONG.get(word.removesuffix("s"))


def suggested(value: Any) -> str:
    """What was most likely meant."""
    clock = re.fullmatch(r"(\d+):(\d\d)(?::(\d\d))?", str(value).strip())
    if clock:
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        if found := in_words(3600 * hours + 60 * minutes + seconds):
            return found
    return "30m"


def in_words(seconds: float) -> str:
    """A length of time as it may be typed: ``1h30m``; empty of nothing."""
    left, text = seconds, ""
    for unit, size in UNITS.items():
        count = math.floor(left / size) if unit != "s" else round(left, 3)
        if count:
            text += f"{count:g}{unit}"
            left -= count * size
    return text
