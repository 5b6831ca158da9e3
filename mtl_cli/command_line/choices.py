"""Choices that a group has not: of another group, a file, a method of papers, or mistyped."""

from __future__ import annotations

import shlex
from glob import escape

from mtl_cli.basis.errors import Problem, nearest, problem
from mtl_cli.command_line.corrected import command, corrected
from mtl_cli.command_line.grammar import parsed
from mtl_cli.command_line.habits import CHOICES, ELSEWHERE, METHODS, of_file
from mtl_cli.command_line.own_parts import conf_folders
from mtl_cli.command_line.places import CONF, group_of


def no_such_choice(place: str, options: list[str], words: list[str]) -> Problem:
    """Of a choice that its group has not: a choice of another group, a file, or mistyped.

    Args:
        place: ``loss/focall``.
        options: the choices that there are.
        words: of the command line.
    """
    group, _, choice = place.partition("/")
    elsewhere = [f.parent.name for f in CONF.glob(f"*/{escape(choice)}.yaml")] if choice else []
    elsewhere = [other for other in elsewhere if not says(words, other)]
    habit = CHOICES.get(choice)
    close = habit if habit in options else nearest(choice, options)
    read = of_file(choice, words) if group == "dataset" else None
    whole = not choice or f"{group}={choice}" in words
    places = [word.partition("=")[0].lstrip("+") for word in words if word.endswith(f"={choice}")]
    typed = group if whole or not places else places[0]
    fix = f"{group}={options[0]}" if whole else corrected(words, choice, options[0])
    if choice in METHODS:
        fix = METHODS[choice]
    elif read:
        fix = shlex.join([command(), *read, *(w for w in words if not w.startswith("dataset="))])
    elif elsewhere and f"{group}={choice}" in words:
        fix = corrected(words, f"{group}={choice}", f"{elsewhere[0]}={choice}")
    elif close:
        fix = corrected(words, choice, close)
    rule = f"must be one of {', '.join(options)}"
    return problem(typed, rule, choice or "nothing", fix)


def says(words: list[str], group: str) -> bool:
    """Whether a command line has a choice of this group, or one that would go against it."""
    told = (group, "dataset") if group == "experiment" else (group,)
    return any(word.startswith(f"{one}=") for word in words for one in told)


def no_choice(words: list[str]) -> Problem:
    """Of a group whose choice is no word, which Hydra does not name."""
    fix = f"{command()} --help, which marks the defaults"
    folders = conf_folders(CONF, words)
    for word, override in parsed(words):
        key = word.partition("=")[0]
        group = group_of(key, folders)
        choices = sorted(file.stem for folder in folders for file in folder.glob(f"{group}/*.yaml"))
        if override is not None and choices and not isinstance(override.value(), str | list):
            found = word.partition("=")[2] or "nothing"
            if found == "null" and "none" in choices:
                fix = corrected(words, word, f"{key}=none")
            elif key in ELSEWHERE:
                fix = corrected(words, word, ELSEWHERE[key].replace("...", found))
            return problem(key, f"must be one of {', '.join(choices)}", found, fix)
    return problem("a group", "must be one of its choices", shlex.join(words), fix)
