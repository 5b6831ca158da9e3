"""The settings of a search: those of a command line, those beside them, and their ranges."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from mtl_cli.basis.errors import problem
from mtl_cli.command_line.cli import FreshFolders, compose, job_config
from mtl_cli.command_line.own_parts import conf_folders, split_config_dirs
from mtl_cli.command_line.places import CONF
from mtl_cli.command_line.words import key_of
from mtl_cli.comparison.baseline import BASELINE
from mtl_cli.comparison.saved_run import flat
from mtl_cli.disk.yaml_file import read_yaml
from mtl_cli.study.base import SHARING
from mtl_cli.study.range import plain
from mtl_cli.study.space import Space, make_space, options_of, said_in, words_of


@dataclass(frozen=True)
class Setting:
    """What is tuned.

    Args:
        words: of the command line, as Hydra takes them.
        space: its ranges.
        tasks: their names.
        choices: its parts.
        options: that could be searched, with their usual values.
        name: its architecture, and the words in which it differs from others.
    """

    words: list[str]
    space: Space
    tasks: list[str]
    choices: dict[str, Any]
    options: dict[str, Any]
    name: str = ""


def lines_of(
    arguments: Sequence[str], params: Mapping[str, Any]
) -> tuple[list[list[str]], list[str]]:
    """The words of each setting that a command line sweeps over, and the seeds as words."""
    typed = [word for word in arguments if not key_of(word).startswith("study")]
    own = [f"{key}={text}" for key, text in params.items()]
    parser = OverridesParser.create()
    batch: list[list[str]] = BasicSweeper.split_arguments(
        parser.parse_overrides([*own, *typed]), None
    )[0]
    seeds = dict.fromkeys(word for words in batch for word in words if word.startswith("seed="))
    lines = [[word for word in words if not word.startswith("seed=")] for words in batch]
    return [[*words] for words in dict.fromkeys(map(tuple, lines))], list(seeds)


def with_beside(lines: Sequence[list[str]], beside: Sequence[str] | None) -> list[list[str]]:
    """The words of all settings: those of the lines, and each with what is tuned beside it.

    Single-task comes first, without what is about sharing.
    """
    found = [*lines]
    for entry in beside or ():
        own = shlex.split(str(entry))
        keys = {key_of(word) for word in own}
        for line in lines:
            if f"arch={BASELINE}" in own:
                kept = [word for word in line if not SHARING.match(word)]
            else:
                kept = [
                    w for w in line if not any(f"{key_of(w)}.".startswith(f"{k}.") for k in keys)
                ]
            found.append([*kept, *own])
    unique: dict[frozenset[str], list[str]] = {}
    for words in found:
        unique.setdefault(frozenset(words), words)
    return sorted(unique.values(), key=lambda words: not is_baseline(words))


def is_baseline(words: Sequence[str]) -> bool:
    return f"arch={BASELINE}" in words


def make_setting(words: list[str], study: Mapping[str, Any]) -> Setting:
    """A setting with its space.

    Raises:
        ValueError: where its words or its ranges are wrong.
    """
    flags = [
        w
        for folder in split_config_dirs(FreshFolders.words)[0]
        for w in ("--config-dir", str(folder))
    ]
    whole = compose("train", [*flags, *words])
    own = job_config(whole, whole.hydra)
    config = flat(plain(OmegaConf.to_container(own, resolve=True)))
    choices = config_choices(own)
    parts = ranges_of(choices, conf_folders(CONF, FreshFolders.words)) if study["parts"] else {}
    places = {group.partition("@")[2] or group for group in choices}
    said = {key: r for key, r in parts.items() if not said_in(words, key, places)}
    said |= study["space"] or {}
    for condition, ranges in (study["space_of"] or {}).items():
        if set(shlex.split(str(condition))) <= set(words):
            said |= ranges
    options = options_of(config, choices)
    space = make_space(said, options)
    check_ends(space, [*flags, *words])
    return Setting(words, space, list(own.tasks), choices, options)


def named(settings: Sequence[Setting]) -> list[Setting]:
    """The settings with names that tell them apart."""
    names = []
    for own in settings:
        alike = [o for o in settings if is_baseline(o.words) == is_baseline(own.words)]
        common = set.intersection(*(set(other.words) for other in alike))
        apart = [w for w in own.words if w not in common and not w.startswith("arch=")]
        names.append(shlex.join([f"arch={own.choices.get('arch')}", *apart]))
    return [replace(own, name=name) for own, name in zip(settings, names, strict=True)]


def ranges_of(choices: Mapping[str, Any], folders: Sequence[Path]) -> dict[str, Any]:
    """The ranges of the chosen parts: of ``arch=mmoe`` those in ``space/arch/mmoe.yaml``.

    Args:
        choices: ``{"arch": "mmoe", "loss@tasks.age.loss": "focal"}``.
        folders: of YAMLs.
    """
    found: dict[str, Any] = {}
    for group, name in choices.items():
        slot, _, place = group.partition("@")
        for folder in folders:
            file = folder / "space" / slot / f"{name}.yaml"
            if file.is_file():
                said = read_yaml(file)
                if not isinstance(said, dict):
                    rule, fix = "must be a mapping of ranges", "lr: {low: 1e-5, high: 0.1}"
                    raise problem(str(file), rule, said, fix)
                found |= {f"{place or slot}.{option}": own for option, own in said.items()}
    return found


def config_choices(own: DictConfig) -> dict[str, Any]:
    return {str(group): name for group, name in own.choices.items()}


def check_ends(space: Space, words: Sequence[str]) -> None:
    """Raises what is wrong with a setting at the ends of its space, before anything is trained."""
    for end in (0, -1):
        drawn = {own.key: own.ends[end] for own in space}
        whole = compose("train", [*words, *words_of(space, drawn)])
        job_config(whole, whole.hydra)
