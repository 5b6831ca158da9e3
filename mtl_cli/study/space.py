"""What a search looks through: options with a range each, and the words that a point of it is."""

from __future__ import annotations

import math
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from mtl_cli.basis.errors import nearest, problem
from mtl_cli.command_line.grammar import value as as_text
from mtl_cli.command_line.words import key_of
from mtl_cli.study.range import DIGITS, EXAMPLE, Range, check_range, plain

FIXED = ("seed", "name", "runs", "resume", "objective", "choices")  # of a search, or of no training

Space = Sequence[Range]


def words_of(space: Space, drawn: Mapping[str, Any]) -> list[str]:
    """The words of the command line for a point of the space."""
    values = {own.key: own.value(drawn[own.key]) for own in space}
    scaled = [own.key for own in space if own.scaled]
    if scaled:
        mean = math.fsum(values[key] for key in scaled) / len(scaled)
        values |= {key: float(f"{values[key] / mean:.{DIGITS}g}") for key in scaled}
    return [f"{key}={as_text(value)}" for key, value in values.items()]


def make_space(said: Mapping[str, Any], options: Mapping[str, Any]) -> list[Range]:
    """The ranges that were said, each for every option that it is of; others are of other settings.

    Args:
        said: ``{key: range}``; a ``*`` stands for any name between two dots, and null for: not.
        options: of the setting, with their usual values.

    Raises:
        ValueError: where a range is none.
    """
    found: dict[str, Range] = {}
    for key, own in said.items():
        for option, value in matching(key, options).items():
            if own is None:
                found.pop(option, None)
            else:
                check_range(option, own)
                found[option] = Range(option, plain(own), value)
    return list(found.values())


def options_of(config: Mapping[str, Any], choices: Mapping[str, Any]) -> dict[str, Any]:
    """What can be searched of a setting: ``{option, or place of a part: its usual value}``.

    Args:
        config: flat.
        choices: its parts.
    """
    known = {**config, **{group: name for group, name in choices.items() if "@" not in group}}
    inner = re.compile(r"(^|\.)_")  # which class a part is
    return {
        name: own for name, own in known.items() if name not in FIXED and not inner.search(name)
    }


def matching(key: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that a key names, with their usual values."""
    pattern = re.compile(re.escape(key).replace(r"\*", r"[^.]+"))
    return {name: value for name, value in options.items() if pattern.fullmatch(name)}


def check_keys(said: Iterable[str], settings: Sequence[Mapping[str, Any]]) -> None:
    """Refuses a key that is an option of no setting.

    Args:
        said: keys.
        settings: the options of each.
    """
    for key in said:
        if not any(matching(key, options) for options in settings):
            known = list(dict.fromkeys(name for options in settings for name in options))
            close = nearest(key, known) or "optimizer.lr"
            rule, fix = "must be an option of a setting", f"'study.space={{{close}: {EXAMPLE}}}'"
            raise problem(f"study.space: {key}", rule, "none", fix)


def said_in(words: Iterable[str], key: str, places: Container[str]) -> bool:
    """Whether words of a command line give an option its value, or all that it stands in.

    Args:
        words: of the line.
        key: of the option.
        places: where parts stand; a word that chooses one says nothing of its options.
    """
    said = {place for word in words if (place := key_of(word)) not in places}
    return any(f"{key}.".startswith(f"{place}.") for place in said)
