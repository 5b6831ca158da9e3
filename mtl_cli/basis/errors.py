"""One form for every error that a user can cause: the thing, the rule, what was found, the fix."""

import math
import re
from difflib import get_close_matches
from typing import Any


class Problem(ValueError):
    """What a user can mend; commands print it without a traceback. Made by `problem`.

    Args:
        thing: what is wrong.
        rule: what it has to be.
        found: what it is.
        fix: what to do.
    """

    def __init__(self, thing: str, rule: str, found: str, fix: str) -> None:
        super().__init__(thing, rule, found, fix)  # by which it goes from process to process
        self.thing = thing
        self.rule = rule
        self.found = found
        self.fix = fix

    def at(self, place: str, other: str) -> "Problem":
        """The same of another place of the configuration, where the first one's words stand."""
        own = re.compile(rf"\b{re.escape(place)}(?=[.=])|^{re.escape(place)}$")
        thing, found, fix = (own.sub(other, said) for said in (self.thing, self.found, self.fix))
        return Problem(thing, self.rule, found, fix)

    def __str__(self) -> str:
        return f"{self.thing} {self.rule}.\n  found: {self.found}\n  try:   {self.fix}"


def problem(thing: str, rule: str, found: Any, fix: str) -> Problem:
    """Makes the error to raise.

    Args:
        thing: what is wrong, in the words that the user typed (``arch.num_experts``).
        rule: what it has to be (``must be an integer of at least 1``).
        found: what it is.
        fix: what to do, if possible as the words to type (``arch.num_experts=8``).
    """
    shown = found if isinstance(found, str) and found else repr(found)
    return Problem(thing, rule, shown, fix)


def nearest(word: str, known: list[str]) -> str | None:
    """The known word that ``word`` was most likely meant to be, or None.

    Capitals, blanks, hyphens and underscores make no difference, unless nothing else does.
    """
    plain: dict[str, str] = {}
    for name in sorted(known, key=lambda name: name != word):
        plain.setdefault(bare(name), name)
    matches = get_close_matches(bare(word), plain, n=1, cutoff=0.5)
    return plain[matches[0]] if matches else None


def bare(name: str) -> str:
    """A name without what people write in different ways."""
    return re.sub(r"[\s_-]", "", name).casefold() or name


def check_integer(thing: str, value: Any, minimum: int, fix: str) -> None:
    """Refuses what is no whole number of at least ``minimum``."""
    if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
        raise problem(thing, f"must be an integer of at least {minimum}", value, fix)


def check_number(
    thing: str, value: Any, fix: str, minimum: float = -math.inf, maximum: float = math.inf
) -> None:
    """Refuses what is no finite number in [minimum, maximum]."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not minimum <= value <= maximum:
        bounds = {
            (False, False): "",
            (True, False): f" of at least {minimum:g}",
            (False, True): f" of at most {maximum:g}",
            (True, True): f" from {minimum:g} to {maximum:g}",
        }[minimum > -math.inf, maximum < math.inf]
        raise problem(thing, f"must be a number{bounds}", value, fix)


def check_choice(thing: str, value: Any, choices: list[str], fix: str) -> None:
    """Refuses a word that is none of ``choices``, and names the nearest."""
    if value not in choices:
        close = nearest(str(value), choices)
        option = thing.rpartition(" ")[2]
        hint = f"{option}={close}" if close else fix
        raise problem(thing, f"must be one of {', '.join(choices)}", value, hint)


def check_boolean(thing: str, value: Any) -> None:
    """Refuses what is neither true nor false."""
    if not isinstance(value, bool):
        raise problem(thing, "must be true or false", value, f"{thing}=true")


def check_widths(thing: str, value: Any, fix: str, minimum_length: int = 1) -> None:
    """Refuses what is no list of layer widths, each an integer of at least 1."""
    if not isinstance(value, list | tuple) or len(value) < minimum_length:
        raise problem(thing, "must be a list of layer widths", value, fix)
    for width in value:
        check_integer(f"each width of {thing}", width, 1, fix)
