"""The range of an option: where to look for its value, and what is none.

A range is a list of choices, or ``{low: 1e-5, high: 0.1, log: true}``: whole numbers where both
ends are whole and the option is no fraction. ``step`` goes by steps; of options that are
``scaled``, weights of tasks, the values are drawn apart and then brought to a mean of 1.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mtl_cli.basis.errors import check_number, nearest, problem

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

OPTIONS = ["low", "high", "log", "step", "scaled"]
EXAMPLE = "{low: 1e-5, high: 0.1, log: true}"
DIGITS = 4  # of a number that was drawn


@dataclass(frozen=True)
class Range:
    """Where to look for the value of an option.

    Args:
        key: ``optimizer.lr``.
        said: a list, or a mapping of `OPTIONS`.
        usual: the value that the option has where nothing is tuned.
    """

    key: str
    said: Any
    usual: Any

    @property
    def choices(self) -> list[Any] | None:
        return self.said if isinstance(self.said, list) else None

    @property
    def whole(self) -> bool:
        """Whether its values are whole numbers."""
        ends = [self.said["low"], self.said["high"], self.said.get("step") or 1]
        return all(isinstance(end, int) for end in ends) and not isinstance(self.usual, float)

    @property
    def scaled(self) -> bool:
        return self.choices is None and bool(self.said.get("scaled"))

    def distribution(self) -> BaseDistribution:
        """As Optuna draws from it; choices by their places."""
        from optuna.distributions import (
            CategoricalDistribution,
            FloatDistribution,
            IntDistribution,
        )

        if self.choices is not None:
            return CategoricalDistribution(range(len(self.choices)))
        low, high, log = self.said["low"], self.said["high"], bool(self.said.get("log"))
        if self.whole:
            return IntDistribution(low, high, log=log, step=self.said.get("step") or 1)
        return FloatDistribution(float(low), float(high), log=log, step=self.said.get("step"))

    def drawn(self) -> Any:
        """The usual value as Optuna draws it; None where it is not within the range."""
        if self.choices is not None:
            return self.choices.index(self.usual) if self.usual in self.choices else None
        number = isinstance(self.usual, int | float) and not isinstance(self.usual, bool)
        within = number and self.said["low"] <= self.usual <= self.said["high"]
        return self.usual if within else None

    @property
    def ends(self) -> tuple[Any, Any]:
        """Its first and its last value, as Optuna draws them."""
        if self.choices is not None:
            return 0, len(self.choices) - 1
        return self.said["low"], self.said["high"]

    def value(self, drawn: Any) -> Any:
        """What stands in the configuration for what was drawn."""
        if self.choices is not None:
            return self.choices[drawn]
        if self.whole:
            return int(drawn)
        return drawn if drawn == self.usual else float(f"{drawn:.{DIGITS}g}")

    def end(self, value: Any) -> str | None:
        """Whether a value lies within a twentieth of the range at one of its ends, and which."""
        if self.choices is not None or self.scaled:
            return None
        turn = math.log if self.said.get("log") else float
        low, high = turn(self.said["low"]), turn(self.said["high"])
        place = (turn(value) - low) / (high - low)
        if place < 0.05 and self.said["low"] != 0:  # below 0 there is nothing to be tried
            return "lowest"
        return "highest" if place > 0.95 else None


def check_range(key: str, said: Any) -> None:
    """Refuses what is no range, or an empty one."""
    thing, fix = f"study.space: {key}", f"'study.space={{{key}: {EXAMPLE}}}'"
    if isinstance(said, Sequence) and not isinstance(said, str):
        if len({json.dumps(plain(one), sort_keys=True) for one in said}) < 2:
            rule = "must have two choices or more, or both ends"
            raise problem(thing, rule, f"{plain(said)}", f"{key}=<the only one>, or {fix}")
        return
    if not isinstance(said, Mapping):
        rule = "must be a list of choices, or a mapping with low and high"
        raise problem(thing, rule, said, fix)
    for option in said:
        if option not in OPTIONS:
            close = nearest(str(option), OPTIONS)
            rule = f"must be of {', '.join(OPTIONS)}"
            raise problem(thing, rule, str(option), f"{close} in its place" if close else fix)
    for end in ("low", "high"):
        if end not in said:
            raise problem(thing, "must have low and high", f"no {end}: {plain(said)}", fix)
        check_number(f"{end} of {thing}", said[end], fix)
    for option in ("log", "scaled"):
        if said.get(option) is not None and not isinstance(said[option], bool):
            raise problem(f"{option} of {thing}", "must be true or false", said[option], fix)
    low, high, step = said["low"], said["high"], said.get("step")
    if not low < high:
        found = f"low: {low}, high: {high}"
        raise problem(thing, "must have a low below its high", found, fix)
    if (said.get("log") or said.get("scaled")) and low <= 0:
        rule = "must be above 0 where the range is log or scaled"
        raise problem(f"low of {thing}", rule, low, fix)
    if step is not None:
        check_number(f"step of {thing}", step, "a step above 0, or none", 0)
        if said.get("log") or not 0 < step <= high - low:
            rule = "must be above 0, within the range, and is not with log"
            raise problem(f"step of {thing}", rule, step, "leave step or log out")


def plain(said: Any) -> Any:
    """Data without a library's own kinds."""
    if isinstance(said, Mapping):
        return {str(key): plain(value) for key, value in said.items()}
    if isinstance(said, Sequence) and not isinstance(said, str):
        return [plain(value) for value in said]
    return said
