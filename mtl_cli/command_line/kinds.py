"""Kinds of values: a number where the chosen part's YAML has a number, and the like."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from mtl_cli.basis.errors import problem


def check_types(cfg: DictConfig, choices: Mapping[str, str | None], conf: Path) -> None:
    """Refuses a word where the chosen part's YAML has a number, and the like.

    Constructors of libraries would take some of them, and fail in the middle of the work.
    """
    for key, choice in choices.items():
        group, _, package = key.partition("@")
        file = conf / group / f"{choice}.yaml"
        if file.is_file() and group not in ("experiment", "study"):
            text = file.read_text(encoding="utf-8")
            at_root = text.startswith("# @package _global_")
            node = cfg if at_root else OmegaConf.select(cfg, package or group)
            compare_types(OmegaConf.create(text), node, "" if at_root else f"{package or group}.")


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
        wrong = isinstance(value, bool | str) or (strict and not isinstance(value, int | float))
        if number and wrong:
            rule = f"must be a number, by default {usual}"
            raise problem(f"{path}{key}", rule, typed(value), f"{path}{key}={usual}")
        if strict and isinstance(usual, ListConfig) and not isinstance(value, ListConfig):
            fix = f"'{path}{key}={typed(usual)}'"
            rule = f"must be a list, by default {typed(usual)}"
            raise problem(f"{path}{key}", rule, typed(value), fix)
        if isinstance(usual, bool) and not isinstance(value, bool | None):
            raise problem(f"{path}{key}", "must be true or false", value, f"{path}{key}=true")


def typed(value: Any) -> Any:
    """A value as one types it: null for None, a list without blanks."""
    if isinstance(value, ListConfig):
        return str(list(value)).replace(" ", "")
    return "null" if value is None else value
