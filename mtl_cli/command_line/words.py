"""The words of a command line, as Hydra is to read them.

What people type is one grammar: a path, and what is to stand there. Where the path is a place that
takes a choice, ``tasks.digit.loss=focal``, Hydra wants ``loss@tasks.digit.loss=focal``.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import hydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from mtl_cli.basis.errors import problem
from mtl_cli.command_line.own_parts import composable, conf_folders, split_config_dirs
from mtl_cli.command_line.places import CONF, is_free, place_at
from mtl_cli.disk.literal import literal

PLAIN = re.compile(r"[A-Za-z_./-][\w./~:%+-]*( [\w./~:%+-]+)*")
CHOICE = re.compile(r"\+{0,2}([A-Za-z][\w.]*\.\w+)=([^{/]+)")  # of our folders
NAME = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)  # of a task
OPEN = re.compile(r"dataset\.(targets|columns)\.[^=]+=")  # a target or column is new by its name
NAMED = re.compile(r"\btasks\.([\w-]+)")
LOOKS = ("--cfg", "-c", "--info", "-i")  # flags by which Hydra shows what it composes
FEW = 20  # tasks; Hydra takes a square of their number to compose them
OTHER_KINDS = {"null", "true", "false", "nan", "inf", "-inf"}  # words that are no strings


def for_hydra(words: Sequence[str]) -> list[str]:
    """The words with every choice inside a choice as Hydra takes it, and a task for each target.

    Args:
        words: as they were typed, flags among them.
    """
    return with_tasks(with_choices(words), FEW)


def with_choices(words: Sequence[str]) -> list[str]:
    """The words with ``loss@tasks.sin.loss=focal`` where ``tasks.sin.loss=focal`` was typed.

    ``tasks.age=binary`` changes the kind of a task, or adds the task where there is none; ``+``
    says no more. ``weighting.losses=null`` takes away what a place may go without.
    """
    folders = conf_folders(CONF, words)
    there: set[str] | None = None  # the groups of the configuration, where that is asked
    rewritten = []
    for word in words:
        typed = CHOICE.fullmatch(word)
        place = place_at(typed[1], folders) if typed else None
        if typed is None or place is None:
            rewritten.append(word)
            continue
        key = f"{place.group}@{typed[1]}"
        add = ""
        if is_free(typed[1], folders):
            there = groups_of(words) if there is None else there
            add = "" if key in there else "+"
        empty = typed[2] == "null" and place.may_be_empty
        rewritten.append(f"~{key}" if empty else f"{add}{key}={typed[2]}")
    return rewritten


def swept_for_hydra(params: Mapping[str, Any], words: Sequence[str]) -> dict[str, Any]:
    """What a YAML sweeps, ``{tasks.sin.loss: "mse,l1"}``, with its choices as Hydra takes them.

    Args:
        params: of ``hydra.sweeper``.
        words: of the command line.
    """
    keys = {key: with_choices([*words, f"{key}=..."])[-1] for key in params}
    return {keys[key].removesuffix("=..."): text for key, text in params.items()}


def groups_of(words: Sequence[str]) -> set[str]:
    """The groups that the chosen dataset and experiment bring, ``task@tasks.sin`` among them."""
    dirs, others = split_config_dirs(words)
    chosen = [f"--config-dir={folder}" for folder in dirs]
    for word, override in parsed([w for w in others if w.startswith(("dataset=", "experiment="))]):
        swept = override is not None and override.is_sweep_override()
        first = next(iter(override.sweep_string_iterator()), "") if override and swept else None
        chosen.append(word if first is None else f"{word.partition('=')[0]}={first}")
    # What is wrong with them is said where all words are composed.
    with (
        suppress(HydraException, OmegaConfBaseException, ValueError),
        hydra.initialize_config_dir(str(CONF), version_base="1.3"),
    ):
        cfg = hydra.compose("train", composable(chosen), return_hydra_config=True)
        return set(cfg.hydra.runtime.choices)
    return set()


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


def with_tasks(words: list[str], most: int = sys.maxsize) -> list[str]:
    """The words, and a task for each target that they name.

    ``dataset.targets={age: regression}`` says what the data holds, as ``dataset.targets.age=...``
    does, and ``{kind: regression, ...}`` in either; ``task@tasks.age=regression`` brings the task's
    settings, so that ``tasks.age.weight=2`` can stand on the same line.

    Args:
        words: as they were typed.
        most: of more targets, those get their tasks here that other words speak of; the others are
            added to what is composed (`targets.add_tasks`).
    """
    words = [f"++{word}" if OPEN.match(word) else word for word in words]
    tasks: dict[str, str] = {}
    for _, override in parsed([word for word in words if "dataset.targets" in word]):
        if override is not None and override.key_or_group.startswith("dataset.targets"):
            path = override.key_or_group.removeprefix("dataset.targets").split(".")[1:]
            said: Any = override.value()
            for key in reversed(path):
                said = {key: said}
            for task, own in said.items() if isinstance(said, dict) else ():
                kind = kind_of(own)
                tasks |= {name_of(task, kind): kind} if kind else {}  # else the dataset says it
    if len(tasks) > most and not any(word.startswith(LOOKS) for word in words):
        named = {name for word in words for name in NAMED.findall(word)}
        tasks = {task: kind for task, kind in tasks.items() if task in named}
    given = {word.partition("=")[0].lstrip("+") for word in words}
    wanted = {f"task@tasks.{task}": kind for task, kind in tasks.items()}
    added = [f"+{key}={kind}" for key, kind in wanted.items() if key not in given]
    return [*added, *words]  # before the flags, after which argparse takes no more of them


def kind_of(target: Any) -> str | None:
    """The kind of task of what is said of a target: ``binary``, or ``{kind: binary, ...}``."""
    kind = target.get("kind") if isinstance(target, Mapping) else target
    return kind if isinstance(kind, str) else None


def name_of(task: Any, kind: str) -> str:
    """The name of a task, which has to be one that paths can name: ``tasks.age.weight``.

    Args:
        task: as it was typed.
        kind: of the task, which the line to try keeps.

    Raises:
        ValueError: where it is none.
    """
    name = str(task)
    if not NAME.fullmatch(name):
        rule = "must begin with a letter, and have letters, digits, _ and - alone"
        other = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_")
        other = other if NAME.fullmatch(other) else f"y_{other}"
        fix = shlex.quote(f"dataset.targets.{other}={{kind: {kind}, column: {value(name)}}}")
        raise problem("the name of a task", rule, name, fix)
    return name


def for_swept_choices(words: list[str]) -> list[str]:
    """The words, with each option of a group whose choice is swept as a sweep over one value.

    Hydra composes a sweep's first configuration without what is swept, and so with the usual
    choice, which may not have ``arch.num_experts``; in the runs themselves the choice has.
    """
    pairs = parsed(words)
    swept = tuple(
        f"{override.package or override.key_or_group}."
        for _, override in pairs
        if override is not None and override.is_sweep_override()
    )

    def rewritten(word: str, override: Override | None) -> str:
        if override is None or override.is_delete() or override.is_sweep_override():
            return word
        key, _, value = word.partition("=")
        of_one = override.key_or_group.startswith(swept)
        return f"{key}=choice({value})" if swept and of_one else word

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
