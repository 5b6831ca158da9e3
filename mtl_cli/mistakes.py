"""What a user mistyped: Hydra's errors in our form, with the corrected command line.

Hydra answers a mistyped key with "To append to your config use +key", which is wrong advice.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydra.errors import MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mtl_cli.errors import Problem, nearest, problem


def explain(error: Exception, words: list[str]) -> Problem:
    """An error of Hydra's in our form, if possible with the corrected command line."""
    cause, text = error.__cause__, str(error)
    key = text.partition("'")[2].partition("'")[0]  # Hydra quotes the key that it speaks of
    if isinstance(error, MissingConfigException) and error.options and error.missing_cfg_file:
        group, _, choice = error.missing_cfg_file.rpartition("/")
        close = nearest(choice, list(error.options))
        fix = corrected(words, choice, close) if close else f"{group}={error.options[0]}"
        return problem(group, f"must be one of {', '.join(error.options)}", choice, fix)
    if isinstance(error, OverrideParseException):
        fix = "key=value, quoted where it has brackets or blanks: 'encoder.hidden=[64,64]'"
        return problem(error.override, "must be an override of Hydra's", text.splitlines()[0], fix)
    if isinstance(cause, OmegaConfBaseException) and isinstance(cause.parent_node, DictConfig):
        wrong = str(cause.key)
        known = [str(option) for option in cause.parent_node if not str(option).startswith("_")]
        close = nearest(wrong, known)
        where = key.partition(wrong)[0].rstrip(".") or "the configuration"
        fix = f"one of its options: {', '.join(known)}" if known else "leave it out: there are none"
        if close:
            fix = corrected(words, wrong, close)
        elif wrong == "head" and where.startswith("tasks."):
            fix = f"head@{where}.head=mlp first: it gives the task a head of its own"
        return problem(key, f"must be an option of {where}", f"no {wrong} there", fix)
    known = re.findall(r"[\w/]+@[\w.]+", text.partition("Did you mean")[2].partition("?")[0])
    if known:
        fix = corrected(words, key, nearest(key, known) or known[0])
        return problem(key, f"must be one of {', '.join(known)}", "no such choice", fix)
    if "does not exist" in text:  # a deletion
        word = next((word for word in words if word.startswith("~")), "~")
        fix = f"{command()} --cfg job, which shows what is there"
        return problem(word, "must be there to be left out", f"no {key} there", fix)
    missing = re.search(r"Missing mandatory value: ([\w.]+)", text)
    if missing:
        fix = f"{missing[1]}=<value>, on the same command line"
        return problem(missing[1], "must be given", "no value", fix)
    lines = [line.strip() for line in [*text.splitlines(), *str(cause or "").splitlines()]]
    fix = f"{command()} --cfg job, which shows it as far as it goes"
    return problem("the command line", "must fit the configuration", "; ".join(lines), fix)


def corrected(words: list[str], wrong: str, right: str) -> str:
    """The command line with the first word that holds ``wrong`` mended."""
    fixed = list(words)
    for i, word in enumerate(words):
        pattern = rf"(?<![\w-]){re.escape(wrong)}(?![\w-])"
        if re.search(pattern, word):
            fixed[i] = re.sub(pattern, right, word, count=1)
            break
    return shlex.join([command(), *fixed])


def command() -> str:
    """The command that was typed; that of training, where Python called."""
    name = Path(sys.argv[0]).name
    return name if name.startswith("mtl-") else "mtl-train"


def check_types(cfg: DictConfig, choices: Mapping[str, str | None], conf: Path) -> None:
    """Refuses a word where the chosen part's YAML has a number, and the like.

    Constructors of libraries would take some of them, and fail in the middle of the work.
    """
    for key, choice in choices.items():
        group, _, package = key.partition("@")
        file = conf / group / f"{choice}.yaml"
        if file.is_file() and group != "experiment":
            text = file.read_text(encoding="utf-8")
            at_root = text.startswith("# @package _global_")
            node = cfg if at_root else OmegaConf.select(cfg, package or group)
            compare_types(OmegaConf.create(text), node, "" if at_root else f"{package or group}.")


def compare_types(default: Any, given: Any, path: str) -> None:
    if not isinstance(default, DictConfig) or not isinstance(given, DictConfig):
        return
    for key in map(str, default):
        if OmegaConf.is_interpolation(default, key) or OmegaConf.is_missing(default, key):
            continue
        if key not in given or OmegaConf.is_missing(given, key):
            continue
        usual, value = default[key], given[key]
        compare_types(usual, value, f"{path}{key}.")
        number = isinstance(usual, int | float) and not isinstance(usual, bool)
        if number and isinstance(value, bool | str):
            raise problem(f"{path}{key}", "must be a number", value, f"{path}{key}={usual}")
        if isinstance(usual, bool) and not isinstance(value, bool | None):
            raise problem(f"{path}{key}", "must be true or false", value, f"{path}{key}=true")
