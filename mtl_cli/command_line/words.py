"""The words of a command line, as Hydra is to read them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException

from mtl_cli.disk.literal import literal

PLAIN = re.compile(r"[A-Za-z_./~-][\w./~:%+-]*")
OTHER_KINDS = {"null", "true", "false", "nan", "inf", "-inf"}  # words that are no strings


def parsed(words: list[str]) -> list[tuple[str, Override | None]]:
    """The words, each with what it overrides; None for what is no override."""
    parser = OverridesParser.create()
    pairs: list[tuple[str, Override | None]] = []
    for word in words:
        override = None
        if not word.startswith("-"):
            with suppress(HydraException):  # which is said where the words are composed
                override = parser.parse_override(word)
        pairs.append((word, override))
    return pairs


def with_tasks(words: list[str]) -> list[str]:
    """The words, and a task for each target that they name.

    ``dataset.targets={age: regression}`` says what the data holds; ``task@tasks.age=regression``
    brings the task's settings, so that ``tasks.age.weight=2`` can stand on the same line.
    """
    tasks: dict[str, str] = {}
    for _, override in parsed([word for word in words if "dataset.targets" in word]):
        if override is not None and override.key_or_group.startswith("dataset.targets"):
            last = override.key_or_group.removeprefix("dataset.targets").removeprefix(".")
            value: Any = override.value()
            kinds = {last: value} if last else value
            if isinstance(kinds, dict):  # the dataset refuses anything else
                tasks |= {str(task): str(kind) for task, kind in kinds.items()}
    given = {word.partition("=")[0].lstrip("+") for word in words}
    wanted = {f"task@tasks.{task}": kind for task, kind in tasks.items()}
    return [*words, *(f"+{key}={kind}" for key, kind in wanted.items() if key not in given)]


def for_swept_choices(words: list[str]) -> list[str]:
    """The words, with each option of a group whose choice is swept as a sweep over one value.

    Hydra composes a sweep's first configuration without what is swept, and so with the usual
    choice, which may not have ``arch.num_experts``; in the runs themselves the choice has.
    """
    pairs = parsed(words)
    swept = {o.key_or_group for _, o in pairs if o is not None and o.is_sweep_override()}

    def rewritten(word: str, override: Override | None) -> str:
        if override is None or override.is_delete() or override.is_sweep_override():
            return word
        group, dot, _ = override.key_or_group.partition(".")
        key, _, value = word.partition("=")
        return f"{key}=choice({value})" if dot and group in swept else word

    return [rewritten(*pair) for pair in pairs]


def value(data: Any) -> str:
    """A value in Hydra's grammar."""
    if data is None:
        return "null"
    if isinstance(data, bool):
        return str(data).lower()
    if isinstance(data, list | tuple):
        return f"[{','.join(map(value, data))}]"
    if isinstance(data, Mapping):
        return f"{{{','.join(f'{key}:{value(item)}' for key, item in data.items())}}}"
    text = str(literal(data))
    if not isinstance(data, str) or (PLAIN.fullmatch(text) and text.lower() not in OTHER_KINDS):
        return text
    escaped = re.sub(r"\\+(?='|$)", lambda found: found[0] * 2, text).replace("'", "\\'")
    return f"'{escaped}'"
