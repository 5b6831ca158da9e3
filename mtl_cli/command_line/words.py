"""The words of a command line, as Hydra is to read them.

What people type is one grammar: a path, and what is to stand there. Where the path is a place that
takes a choice, ``tasks.digit.loss=focal``, Hydra wants ``loss@tasks.digit.loss=focal``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import hydra
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from mtl_cli.command_line.grammar import as_texts, parsed
from mtl_cli.command_line.left_out import without_parts
from mtl_cli.command_line.lists import as_list, with_lists
from mtl_cli.command_line.old_words import key_and_value
from mtl_cli.command_line.own_parts import composable, conf_folders, split_config_dirs
from mtl_cli.command_line.places import CONF, is_free, is_mapping, place_at
from mtl_cli.command_line.targets import with_tasks

CHOICE = re.compile(r"\+{0,2}([A-Za-z][\w.]*\.\w+)=([^{/]+)")  # of our folders
BROUGHT = "+task@tasks."  # begins the word that brings the task of a target
FEW = 20  # tasks; Hydra takes a square of their number to compose them


def for_hydra(words: Sequence[str]) -> list[str]:
    """The words with every choice inside a choice as Hydra takes it, and a task for each target.

    Args:
        words: as they were typed, flags among them.
    """
    return with_tasks(as_texts(with_choices(words)), FEW)


def with_choices(words: Sequence[str]) -> list[str]:
    """The words with ``loss@tasks.sin.loss=focal`` where ``tasks.sin.loss=focal`` was typed.

    ``tasks.age=binary`` changes the kind of a task, or adds the task where there is none; ``+``
    says no more. ``weighting.losses=null`` and ``embedding=null`` take away what may be gone.
    """
    folders = conf_folders(CONF, words)
    words = one_by_one(without_parts(with_lists(words), folders), folders)
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


def one_by_one(words: Sequence[str], folders: Sequence[Path]) -> list[str]:
    """The words with ``encoder.parts.a=mlp encoder.parts.b=cnn`` in place of a mapping of choices,
    ``encoder.parts={a: mlp, b: cnn}``, of which a word of its own for one has the last word."""
    own: list[str] = []
    single = {word.partition("=")[0].lstrip("+") for word in words}
    for word, override in parsed([*words]):
        key = word.partition("=")[0].lstrip("+")
        said = override.value() if override is not None and "{" in word else None
        plain = isinstance(said, dict) and all(isinstance(choice, str) for choice in said.values())
        if plain and "." in key and is_mapping(key, folders):
            assert isinstance(said, dict)
            choices = {f"{key}.{name}": choice for name, choice in said.items()}
            own += [f"{one}={choice}" for one, choice in choices.items() if one not in single]
        else:
            own.append(word)
    return own


def as_typed(words: Sequence[str], typed: Sequence[str]) -> list[str]:
    """Words of Hydra's as they were typed; a task that a target brings was not.

    Args:
        words: one value each, ``loss@tasks.sin.loss=focal``, ``+task@tasks.age=regression``.
        typed: the command line, of which they are a run, sweeps and flags among it.
    """
    said = {key_of(word): (word, override) for word, override in parsed(typed)}
    own = []
    for word in words:
        there, override = said.get(key_of(word), ("", None))
        if word.startswith(BROUGHT) and there.startswith("~"):  # which the line leaves out again
            continue
        if override is not None and override.is_sweep_override():
            own.append(as_list(f"{there.partition('=')[0]}={word.partition('=')[2]}"))
        elif there or not word.startswith(BROUGHT):
            own.append(there or word)
    return own


def begins_as(known: Sequence[str], words: Sequence[str]) -> bool:
    """Whether the first words of a run are these, in whatever form: as typed, or as Hydra's."""
    wanted = dict(settings_of(words))
    gone = {key_of(word) for word in known if word.startswith("~")}
    found = [
        setting
        for word, setting in zip(known, settings_of(known), strict=True)
        if not word.startswith(BROUGHT) or (setting[0] in wanted and setting[0] not in gone)
    ]
    return found[: len(wanted)] == [*wanted.items()]


def settings_of(words: Sequence[str]) -> list[tuple[str, str]]:
    """What each word sets, and to what."""
    return [
        (key_of(word), override.get_value_element_as_str() if override else word.partition("=")[2])
        for word, override in parsed(without_parts(with_lists(words), []))
    ]


def key_of(word: str) -> str:
    """Where a word puts its value: ``tasks.sin.loss`` of ``+loss@tasks.sin.loss=focal``."""
    key = word.partition("=")[0].lstrip("+~")
    return key.partition("@")[2] or key


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


def several(words: Sequence[str]) -> dict[str, str]:
    """The groups of which several are chosen, which Hydra notes nowhere, each with what was typed:
    ``{logger: "[tensorboard,mlflow]"}``."""
    pairs = [key_and_value(word, override) for word, override in parsed(words)]
    lists = {key: own for key, own in pairs if isinstance(own, list) and (CONF / key).is_dir()}
    return {key: f"[{','.join(map(str, own))}]" for key, own in lists.items() if key}


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
