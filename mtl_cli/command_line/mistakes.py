"""What a user mistyped: Hydra's errors in our form, with the corrected command line.

Hydra answers a mistyped key with "To append to your config use +key", which is wrong advice.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from hydra.errors import MissingConfigException, OverrideParseException
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mtl_cli.basis.errors import Problem, nearest, problem


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
        return unreadable(error, words)
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
    twice = re.search(r"Multiple values for ([\w/@.]+)\.", text)
    added = f"+{twice[1]}=" if twice else "+"
    word = next((word for word in words if twice and word.startswith(added)), None)
    if twice and word:
        fix = corrected(words, word, word[1:])
        return problem(word, f"must be without +, since there is a {twice[1]} already", word, fix)
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


def unreadable(error: OverrideParseException, words: list[str]) -> Problem:
    """Of a word that is no ``key=value``; the next word may be its value."""
    word = str(error.override)
    fix = "key=value, quoted where it has brackets or blanks: 'encoder.hidden=[64,64]'"
    if "=" in word or word.startswith("~") or word not in words:
        return problem(word, "must be key=value", str(error).splitlines()[0], fix)
    place = words.index(word)
    following = words[place + 1 : place + 2]
    if word in ("latest", "best", "last"):
        key = "weights" if word in ("best", "last") else "run"
        fix = shlex.join([command(), *words[:place], f"{key}={word}", *words[place + 1 :]])
    elif ":" in word:
        fix = corrected(words, word, word.replace(":", "=", 1))
    elif following and re.fullmatch(r"[\w.]+", following[0]):
        joined = f"{word}={following[0]}"
        fix = shlex.join([command(), *words[:place], joined, *words[place + 2 :]])
    return problem(word, "must be key=value", "no = in it", fix)


def check_flags(words: list[str], flags: Sequence[str]) -> None:
    """Refuses options that are typed with dashes, before argparse answers with its usage.

    Args:
        words: the command line.
        flags: those that Hydra has.
    """
    unknown = [word for word in words if is_flag(word) and not known_flag(word, flags)]
    if not unknown:
        return
    fixed, rest = [], list(words)
    while rest:
        word = rest.pop(0)
        if word in unknown:
            key, equals, value = word.lstrip("-").partition("=")
            if not equals and rest and not rest[0].startswith("-") and "=" not in rest[0]:
                equals, value = "=", rest.pop(0)
            close = get_close_matches(word, flags, n=1, cutoff=0.75)
            word = f"{key}={value}" if equals else (close or ["--help"])[0]
        fixed.append(word)
    rule = "must be key=value without dashes; Hydra's own flags are in --hydra-help"
    raise problem(unknown[0], rule, shlex.join(words), shlex.join([command(), *fixed]))


def is_flag(word: str) -> bool:
    """Whether a word begins as flags do; a number below 0 does not."""
    return bool(re.match(r"--?[A-Za-z]", word))


def known_flag(word: str, flags: Sequence[str]) -> bool:
    """Whether argparse takes a word: a flag, or the beginning of a long one."""
    name = word.partition("=")[0]
    begins = name.startswith("--") and any(flag.startswith(name) for flag in flags)
    return begins or name in flags


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
