"""All mistakes of a command line in one answer: what is offered for the first has none of them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from contextlib import suppress

from mtl_cli.basis.errors import Problem, problem
from mtl_cli.command_line.corrected import command
from mtl_cli.command_line.grammar import parsed
from mtl_cli.command_line.names import names_in
from mtl_cli.command_line.own_parts import conf_folders, split_config_dirs
from mtl_cli.command_line.places import CONF

MOST = 8  # mistakes on one line
FLAGS = {"-m", "--multirun"}  # of a sweep
OR = "; or "  # between a line that is offered and another way
SEVERAL_RUNS = "is several values, each for a run of its own"


def mended(
    error: Exception, words: Sequence[str], compose: Callable[[list[str]], object]
) -> Exception:
    """The error, offering a line without the mistakes that its own offer leaves.

    Args:
        error: of the first mistake.
        words: of the command line.
        compose: raises the first mistake of a command line.
    """
    if not isinstance(error, Problem):
        return error
    if error.rule == SEVERAL_RUNS and sweeps_itself(words):  # which Hydra says of the first mistake
        error = hidden(words, compose) or error
    line = mended_line(error, words)
    others: list[str] = []
    while line is not None and len(others) < MOST:
        single, typed = without_sweeps(line)
        other = wrong_in(single, compose)
        if other is None:
            break
        if (other.thing, other.rule) == (error.thing, error.rule):  # so it is no word to add
            return error
        following = mended_line(other, single)
        if following is None or following == single:  # nobody knows a word for it
            others.append(f"{other.thing} {other.rule} ({other.fix})")
            break
        others.append(f"{other.thing} {other.rule}")
        flags = [word for word in line if word in FLAGS and word not in following]
        line = [*flags, *(typed.get(word, word) for word in following)]
    if line is None or not others:
        return error
    found = "; and ".join([error.found, *others])
    fix = shlex.join([command(), *line])
    way = error.fix.partition(OR)[2] if error.rule == SEVERAL_RUNS else ""
    if way and command() not in way:  # a word in place of one, not a line with the same mistakes
        fix += OR + way
    return problem(error.thing, error.rule, found, fix)


def hidden(words: Sequence[str], compose: Callable[[list[str]], object]) -> Problem | None:
    """The first mistake of a line whose study says itself that it is of several runs.

    Hydra reads that in what it composes; where it cannot, it takes the line for one of a single
    run, and its sweeps for what is wrong.
    """
    single, typed = without_sweeps(words)
    found = wrong_in(single, compose)
    line = None if found is None else mended_line(found, single)
    if found is None or line is None:
        return found
    whole = shlex.join([command(), *(typed.get(word, word) for word in line)])
    return Problem(found.thing, found.rule, found.found, whole)


def sweeps_itself(words: Sequence[str]) -> bool:
    """Whether a study or an experiment on the line makes several runs of it."""
    chosen = [(key, names_in(own)) for key, _, own in (word.partition("=") for word in words)]
    names = [(key, name) for key, own in chosen if key in ("study", "experiment") for name in own]
    folders = conf_folders(CONF, words)
    files = [folder / key / f"{name}.yaml" for key, name in names for folder in folders]
    return any("mode: MULTIRUN" in f.read_text(encoding="utf-8") for f in files if f.is_file())


def mended_line(error: Problem, words: Sequence[str]) -> list[str] | None:
    """The words with what an error offers; None where that is no word."""
    offer = error.fix.partition(OR)[0]
    offer = offer.partition(", ")[0] if offer.startswith("'") else offer
    try:
        typed = shlex.split(offer)
    except ValueError:
        return None
    if typed[:1] == [command()]:
        prose = [w for w in typed[1:] if w not in words and not re.match(r"[~+-]|[^ ]+=", w)]
        return None if prose else typed[1:]
    key, equals, _ = typed[0].partition("=") if len(typed) == 1 else ("", "", "")
    if not equals:
        return None
    kept = [typed[0] if word.lstrip("+").partition("=")[0] == key else word for word in words]
    return kept if typed[0] in kept else [*kept, typed[0]]


def without_sweeps(line: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The words of a sweep's first job, and what was typed for those that are others."""
    sweeps = not FLAGS.isdisjoint(line) or sweeps_itself(line)
    single = []
    for word, override in parsed(line):
        swept = sweeps and override is not None and override.is_sweep_override()
        first = next(override.sweep_string_iterator(), "") if swept and override else ""
        first = f"{word.partition('=')[0]}={first}" if swept else word
        single.append(
            re.sub(r"<(\w+)>", r"\1", first)
        )  # what is offered may have a place for a name
    return single, dict(zip(single, line, strict=True))


def wrong_in(line: Sequence[str], compose: Callable[[list[str]], object]) -> Problem | None:
    """The first mistake of a command line without sweeps."""
    folders, others = split_config_dirs(line)
    words = [word for word in others if not word.startswith("-")]
    if any(word.startswith("resume=") for word in words):
        return None  # the run's own configuration counts
    with suppress(Exception):  # of what nobody has words for, the first mistake is answered alone
        try:
            compose([*(f"--config-dir={folder}" for folder in folders), *words])
        except Problem as error:
            return error
    return None
