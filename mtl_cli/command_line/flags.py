"""Hydra's flags among the words of a command line, and words that only look like flags."""

from __future__ import annotations

import re
import shlex
from argparse import ArgumentError
from collections.abc import Sequence
from difflib import get_close_matches

from hydra._internal.utils import get_args_parser

from mtl_cli.basis.errors import problem
from mtl_cli.command_line.corrected import command
from mtl_cli.command_line.habits import NAMES


def readable(words: list[str]) -> list[str]:
    """The words as argparse can read them, which takes key=value words in one piece only.

    Raises:
        ValueError: where a flag is not one of Hydra's, or lacks its value.
    """
    parser = get_args_parser()
    parser.exit_on_error = False
    # argparse has no public list of its flags.
    takes = {flag: action.nargs for action in parser._actions for flag in action.option_strings}
    check_flags(words, list(takes))
    flags: list[str] = []
    others: list[str] = []
    for before, word in zip(["", *words], words, strict=False):
        its_value = takes.get(before, 0) is None or (takes.get(before) == "?" and "=" not in word)
        (flags if its_value or is_flag(word) else others).append(word)
    try:
        parser.parse_known_args([*others, *flags])
    except ArgumentError as error:
        fix = f"{command()} --hydra-help, which lists the flags"
        raise problem("the command line", "must fit Hydra's flags", str(error), fix) from error
    return [*others, *flags]


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
            name = NAMES.get(key.replace("-", "_"), key.replace("-", "_"))
            word = f"{name}={value}" if equals else (close or ["--help"])[0]
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
