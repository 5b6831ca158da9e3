"""Kinds of values: a number where the chosen part's YAML has a number, and the like."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from mtl_cli.basis.errors import problem
from mtl_cli.command_line.names import names_in

PACKAGE = re.compile(r"# @package (\S+)")  # first in a YAML that says where its values stand
MOMENTS = ("dataset.split.val", "dataset.split.test")  # numbers, or a date from which on rows are
PLACES = ("dataset.cache", "dataset.decoding.cache")  # true or false, or a folder


def check_types(cfg: DictConfig, choices: Mapping[str, str | None], conf: Path) -> None:
    """Refuses a word where the chosen part's YAML has a number, and the like.

    Constructors of libraries would take some of them, and fail in the middle of the work.
    """
    for key, choice in choices.items():
        group, _, package = key.partition("@")
        names = names_in(choice)
        for name in names:
            file = conf / group / f"{name}.yaml"
            if file.is_file() and group not in ("experiment", "study"):
                text = file.read_text(encoding="utf-8")
                said = PACKAGE.match(text)
                own = package or group
                place = said[1] if said else own if len(names) == 1 else f"{own}.{name}"
                at_root = place == "_global_"
                node = cfg if at_root else OmegaConf.select(cfg, place)
                compare_types(OmegaConf.create(text), node, "" if at_root else f"{place}.")


def check_own(cfg: DictConfig, conf: Path) -> None:
    """Refuses a list where an option of the command itself is a word, and the like."""
    for command in ("train", "diagnose"):
        usual: Any = OmegaConf.load(conf / f"{command}.yaml")
        for key in (str(key) for key in usual if key not in ("defaults", "hydra")):
            if key in cfg and not OmegaConf.is_interpolation(usual, key):
                check_kind(key, cfg[key], usual[key])


def check_kind(key: str, value: Any, usual: Any) -> None:
    """Refuses a value of another kind than the usual one; null is a word that was not said."""
    if isinstance(usual, DictConfig):
        right, kind = isinstance(value, DictConfig), "a mapping"
    elif isinstance(usual, ListConfig):
        right = isinstance(value, ListConfig) and all(isinstance(item, str) for item in value)
        kind = "a list of words"
    elif isinstance(usual, bool):
        right, kind = isinstance(value, bool), "true or false"
    elif isinstance(usual, int):
        right, kind = type(value) is int and abs(value) <= sys.maxsize, "a whole number"
    else:
        right = isinstance(value, str) or (value is None and usual is None)
        kind = "a word, in quotes where it is a number"
    if not right:
        shown = typed(str(usual).lower() if isinstance(usual, bool) else usual)
        if isinstance(value, int | float) and kind.startswith("a word"):
            shown = f'"{value}"'
        raise problem(key, f"must be {kind}", typed(value), f"'{key}={shown}'")


def compare_types(default: Any, given: Any, path: str) -> None:
    """Compares a part's values with the kinds that its YAML has; torch's classes take no others."""
    if not isinstance(default, DictConfig) or not isinstance(given, DictConfig):
        return
    strict = str(default.get("_target_")).startswith("torch.")
    for key in map(str, default):
        if OmegaConf.is_interpolation(default, key) or OmegaConf.is_missing(default, key):
            continue
        if key not in given or OmegaConf.is_missing(given, key):
            continue
        usual, value = default[key], given[key]
        compare_types(usual, value, f"{path}{key}.")
        number = isinstance(usual, int | float) and not isinstance(usual, bool)
        number &= f"{path}{key}" not in MOMENTS or not isinstance(value, str)
        wrong = isinstance(value, bool | str) or (strict and not isinstance(value, int | float))
        if number and wrong:
            rule = f"must be a number, by default {usual}"
            raise problem(f"{path}{key}", rule, typed(value), f"{path}{key}={usual}")
        if strict and isinstance(usual, ListConfig) and not isinstance(value, ListConfig):
            fix = f"'{path}{key}={typed(usual)}'"
            rule = f"must be a list, by default {typed(usual)}"
            raise problem(f"{path}{key}", rule, typed(value), fix)
        place = f"{path}{key}" in PLACES and isinstance(value, str)
        if isinstance(usual, bool) and not place and not isinstance(value, bool | None):
            raise problem(f"{path}{key}", "must be true or false", value, f"{path}{key}=true")


def typed(value: Any) -> Any:
    """A value as one types it: null for None, a list without blanks."""
    if isinstance(value, ListConfig):
        return str(list(value)).replace(" ", "")
    return "null" if value is None else value
