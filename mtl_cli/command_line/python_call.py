"""What Python called, in the errors that it gets: a call where the command has a command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from mtl_cli.basis.errors import Problem, problem
from mtl_cli.command_line.cli import checked
from mtl_cli.command_line.corrected import command
from mtl_cli.command_line.explained import full_errors
from mtl_cli.command_line.grammar import parsed, read_mapping
from mtl_cli.command_line.mended import mended, mended_line

OF_COMPARE = ("dataset", "dataset.path", "dataset.targets", "arch", "seed")  # said by arguments
OF = "dataset.targets."  # begins the words for one target


@contextmanager
def offered_in_python(words: Sequence[str], call: Callable[[list[str]], str]) -> Iterator[None]:
    """Errors in the block offer a call in place of a command line, without other mistakes.

    Args:
        words: of the command line that stands for the call.
        call: the text of the call for other words.
    """
    try:
        yield
    except Problem as error:
        if full_errors():
            raise
        found = mended(error, words, partial(checked, "train"))
        assert isinstance(found, Problem)
        is_line = found.fix.startswith((command(), OF))
        line = mended_line(found, words) if is_line else None
        if line is None:
            raise
        raise problem(found.thing, found.rule, found.found, call(line)) from error


def train_call(line: Sequence[str], added: Sequence[str], has_data: bool) -> str:
    """The call of ``mtl_cli.train`` for some words, without those that its data brings."""
    own = [word for word in line if word not in added]
    return f"mtl_cli.train({own!r}{', data=...' if has_data else ''})"


def compare_call(line: Sequence[str], arch: Any, seeds: int) -> str:
    """The call of ``mtl_cli.compare`` for the words of its runs."""
    said = {word.partition("=")[0]: word.partition("=")[2] for word in line}
    [(_, override)] = parsed([f"x={said['dataset.targets']}"])
    targets: Any = read_mapping(said["dataset.targets"]) if override is None else override.value()
    if isinstance(targets, str):  # as text it went through Hydra
        targets = read_mapping(targets)
    single = {key.removeprefix(OF): own for key, own in said.items() if key.startswith(OF)}
    own = [w for w in line if not w.startswith(OF) and w.partition("=")[0] not in OF_COMPARE]
    words = f", words={own!r}" if own else ""
    said = {**(targets or {}), **single}
    return f"mtl_cli.compare(data, {said!r}, arch={arch!r}, seeds={seeds}{words})"
