"""What a user mistyped: Hydra's errors in our form, with the corrected command line.

Hydra answers a mistyped key with "To append to your config use +key", which is wrong advice.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import Override
from hydra.errors import MissingConfigException, OverrideParseException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from mtl_cli.basis.errors import Problem, nearest, problem
from mtl_cli.command_line.choices import no_such_choice
from mtl_cli.command_line.corrected import command, corrected
from mtl_cli.command_line.grammar import parsed, read_mapping, value
from mtl_cli.command_line.habits import ELSEWHERE, SAY_TARGETS, meant, with_table
from mtl_cli.command_line.lists import TOGETHER
from mtl_cli.command_line.of_which import of_which
from mtl_cli.command_line.old_words import is_old, todays
from mtl_cli.command_line.own_parts import conf_folders
from mtl_cli.command_line.places import CONF, group_of, place_at
from mtl_cli.command_line.unreadable import unreadable


def said_today(key: str, words: list[str]) -> Problem:
    """Of an option as an earlier version called it."""
    fix = shlex.join([command(), *todays(words)])
    return problem(key, "is said otherwise today", "a word of an earlier version", fix)


def explain(error: Exception, words: list[str]) -> Problem:
    """An error of Hydra's in our form, if possible with the corrected command line."""
    cause = error.__cause__
    text = re.sub(r"\b\w+@(?=\w)", "", str(error))  # loss@tasks.sin.loss is typed without loss@
    key = text.partition("'")[2].partition("'")[0]  # Hydra quotes the key that it speaks of
    if is_old(key):
        return said_today(key, words)
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        options = list(error.options or choices_of(error.missing_cfg_file, words))
        if options:
            return no_such_choice(error.missing_cfg_file, options, words)
    if isinstance(error, OverrideParseException):
        return unreadable(error, words)
    if again := said_twice(key, words):
        return again
    there = cause.parent_node if isinstance(cause, OmegaConfBaseException) else None
    wrong = getattr(cause, "key", None)
    if isinstance(there, DictConfig) and wrong is not None:
        said = of_which(key, str(wrong), there, words)
        return said or no_such_option(key, str(wrong), there, words)
    known = text.partition("Did you mean to override ")[2].partition("?")[0].removeprefix("one of ")
    if known:
        return no_such_place(key, known.split(", "), words)
    twice = re.search(r"Multiple values for ([\w/.]+)\.", text)
    word = next((w for w in words if twice and re.match(rf"\+(\w+@)?{twice[1]}=", w)), None)
    if twice and word:
        fix = corrected(words, word, word[1:])
        return problem(word, f"must be without +, since there is a {twice[1]} already", word, fix)
    if "add --multirun" in text or "requires --multirun" in text:
        word = next((w for w, own in parsed(words) if own and own.is_sweep_override()), key)
        option, _, listed = word.partition("=")
        if option in SAY_TARGETS:
            fix = corrected(words, word, f"{option}=[{listed}]")
            return problem(word, "must say the kind of each target, {target: kind}", word, fix)
        fix = shlex.join([command(), "--multirun", *words])
        if option in TOGETHER:
            whole = corrected(words, word, f"{option}=[{listed}]").partition(" ")[2]
            fix += f"; or {command()} {whole}, all of them in one run"
        if listed != "0,1" and re.fullmatch(r"-?\d+,\d+", listed):
            fix += f"; or {option}={listed.replace(',', '.')}, where it is one number"
        return problem(word, "is several values, each for a run of its own", word, fix)
    if "does not exist" in text or "Could not delete" in text:
        word = next((word for word in words if word.startswith("~")), key)
        fix = f"{command()} --cfg job, which shows what is there"
        if word.startswith("~tasks."):  # Hydra knows no tasks that targets of a YAML bring
            task = word.partition(".")[2]
            alone = f"'~dataset.targets.{task}' 'dataset.not_inputs=[{task}]'"
            fix += f"; of a table whose targets a YAML says: {alone}"
        return problem(word, "must be there to be left out", f"no {key} there", fix)
    missing = re.search(r"Missing mandatory value: ([\w.]+)", text)
    if missing:
        fix = f"{missing[1]}=<value>, on the same command line"
        return problem(missing[1], "must be given", "no value", fix)
    lines = [line.strip() for line in [*text.splitlines(), *str(cause or "").splitlines()]]
    fix = f"{command()} --cfg job, which shows it as far as it goes"
    return problem("the command line", "must fit the configuration", "; ".join(lines), fix)


def choices_of(place: str, words: Sequence[str]) -> list[str]:
    """What there is in place of a choice that there is not, among several: ``logger/mflow``."""
    group = place.rpartition("/")[0]
    folders = conf_folders(CONF, words)
    return sorted({file.stem for folder in folders for file in folder.glob(f"{group}/*.yaml")})


def said_twice(key: str, words: list[str]) -> Problem | None:
    """Of a mapping that several words say, each of other names; None where they do not."""
    typed = {word: mapping_of(word, own) for word, own in parsed(words) if begins(word, key)}
    said = [own for own in typed.values() if own]
    if len(said) < 2:
        return None
    whole = {name: own for mapping in said for name, own in mapping.items()}
    first, *_ = typed
    mended = f"{key}={value(whole)}"
    line = [
        mended if word == first else word for word in words if word == first or word not in typed
    ]
    found = " and ".join(f"{{{', '.join(mapping)}}}" for mapping in said)
    return problem(key, "must be said once", found, shlex.join([command(), *line]))


def mapping_of(word: str, own: Override | None) -> dict[str, Any] | None:
    """The mapping that a word gives, as Hydra reads it or as it is written."""
    text = read_mapping(word.partition("=")[2]) if own is None else own.value()
    read = read_mapping(text) or text
    return read if isinstance(read, dict) else None


def begins(word: str, key: str) -> bool:
    """Whether a word gives a mapping to a place."""
    return word.lstrip("+").startswith(f"{key}={{")


def no_such_option(key: str, wrong: str, there: DictConfig, words: list[str]) -> Problem:
    """Of a path that leads to nothing.

    Args:
        key: the path.
        wrong: its first part that is not there.
        there: what there is in its place.
        words: of the command line.
    """
    known = [str(option) for option in there if not str(option).startswith("_")]
    parts = key.split(".")
    above = parts[: parts.index(wrong)] if wrong in parts else parts
    where = ".".join(above) or "the configuration"
    word = next((w for w in words if w.lstrip("+~").partition("=")[0] == key), None)
    folders = conf_folders(CONF, words)
    empty = next((p for p in (f"{where}.{wrong}", where) if place_at(p, folders)), None)
    habit = meant(word, there) if word and not above and wrong == key else None
    close = nearest(wrong, known)
    fix = f"one of its options: {', '.join(known)}"
    if word and key in ELSEWHERE:
        fix = corrected(words, word, ELSEWHERE[key].replace("...", word.partition("=")[2]))
    elif habit and word:
        fix = corrected(with_table(words, habit), word, habit)
    elif (typed := with_table(words, key)) != words:
        fix = shlex.join([command(), *typed])
    elif empty is not None and (empty != where or not known):
        option = key.removeprefix(f"{empty}.").partition(".")[0]
        fix = shlex.join([command(), f"{empty}={with_option(empty, option, folders)}", *words])
    elif word and not above and choices_of(f"{wrong}/", words):  # logger.mlflow.store
        option = key.removeprefix(f"{wrong}.").partition(".")[0]
        fix = shlex.join([command(), f"{wrong}={with_option(wrong, option, folders)}", *words])
    elif word and there.get("_target_") and not known:  # a class that no YAML of ours describes
        fix = f"{corrected(words, word, f'+{word}')}, where its class has it"
    elif close:
        fix = corrected(words, wrong, close)
    elif not there and word:
        inner = word.partition("=")[2]
        for name in reversed(parts[len(above) :]):
            inner = f"{{{name}: {inner}}}"
        fix = corrected(words, word, f"{'.'.join(above)}={inner}")
    elif not known:
        fix = "leave it out: there are none"
    return problem(key, f"must be an option of {where}", f"no {wrong} there", fix)


def with_option(path: str, option: str, folders: Sequence[Path]) -> str:
    """A choice for a place, if possible one with an option of this name."""
    group = group_of(path, folders)
    files = sorted(file for folder in folders for file in folder.glob(f"{group}/*.yaml"))
    having = [file for file in files if file.stem == option]  # logger.mlflow.store
    having += [file for file in files if f"\n{option}:" in file.read_text(encoding="utf-8")]
    return (having[:1] or files[-1:])[0].stem


def no_such_place(key: str, known: list[str], words: list[str]) -> Problem:
    """Of a place without a choice; ``known`` are those that take one of the same group."""
    around, _, name = key.rpartition(".")
    having = place_at(key, conf_folders(CONF, words))
    if having is not None and around in known:  # weighting.losses, where the weighting has none
        rule = f"needs one of {', '.join(having.parts)} in {around}"
        fix = shlex.join([command(), f"{around}={having.parts[-1]}", *words])
        return problem(key, rule, f"no {name} there", fix)
    fix = corrected(words, key, nearest(key, known) or known[0])
    return problem(key, f"must be one of {', '.join(known)}", "no such place", fix)
