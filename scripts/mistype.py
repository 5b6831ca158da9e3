"""Types wrong command lines of all commands, and sees that each is answered in plain words.

    python scripts/mistype.py [count] [seed]

Each try puts a strange value at some option of a command line that works, in this process and in a
folder of its own. The command must work, or say what is wrong and exit with 1. Prints the lines
that did otherwise, last.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import random
import shlex
import signal
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

import mtl_cli
from mtl_cli.command_line.overrides import composed
from mtl_cli.command_line.places import CONF

SMALL = ["trainer.max_steps=1", "trainer.max_epochs=1", "dataset.num_samples=60"]
SMALL += ["encoder.hidden=[3]", "arch=mmoe", "arch.num_experts=2", "weighting=uw"]
LINES = {  # of commands that work
    "train": SMALL,
    "diagnose": [*SMALL, "looks=1"],
    "diagnose of a run": ["run=runs/run", "looks=1"],
    "evaluate": ["run=runs/run"],
    "predict": ["run=runs/run", "input=new.csv"],
    "export": ["run=runs/run", "tasks=sin"],
    "export to ONNX": ["run=runs/run", "format=onnx"],
    "report": ["runs/run", "pictures=false"],
}
VALUES = ["null", "true", "no", "-1", "0", "1", "3.5", "1e300", "nan", "inf", "-.inf", "9" * 25]
VALUES += ["", "''", "x", "x y", "ü", "'ü'", "\\", "'", '"', "#", "a=b", "a:b", "~", "-", "*", "@"]
VALUES += ["[]", "[1]", "[x,null]", "[[1]]", "[", "{}", "{a: 1}", "{a: {b: [1]}}", "{", "{1: 2}"]
VALUES += ["{_target_: os.system}", "${seed}", "${x}", "${", "${oc.env:HOME}", "???", "../..", "/"]
VALUES += ["1,2", "choice(1,2)", "range(3)", "glob(*)", "int(3)", "2024-01-01", "0x10", "1_000"]
VALUES += ["latest", "None", "yes", "()", "!!python/object:os.system", "&a", "*a", "\n"]
LIMIT = 60  # seconds for one line


def keys_of(command: str) -> list[str]:
    """What stands before the equals sign: options, parts with all of theirs, and groups."""
    name = command.partition(" ")[0]
    if name in ("train", "diagnose"):
        config, choices = composed(SMALL)
        parts = [".".join(key.split(".")[:n]) for key in config for n in range(1, 6)]
        own = yaml.safe_load((CONF / f"{name}.yaml").read_text(encoding="utf-8"))
        own = [key for key in own if key not in ("defaults", "hydra")]
        few = [*own, "trust", "looks", "checkpoint", "device", "runs", "diagnostic"]
        return few if "run" in command else [*dict.fromkeys([*parts, *choices, *own * 5])]
    return [*yaml.safe_load((CONF / f"{name}.yaml").read_text(encoding="utf-8")), "dataset", "x"]


def mistyped(draw: random.Random, keys: dict[str, list[str]]) -> tuple[str, list[str]]:
    """A command, and words of which one or two are wrong."""
    command = draw.choice(list(LINES))
    words = list(LINES[command])
    for _ in range(draw.choice([1, 1, 1, 2])):
        key, value = draw.choice(keys[command]), draw.choice(VALUES)
        key = draw.choice([*[key] * 12, f"+{key}", f"++{key}", f"~{key}", f"{key}.a", f"--{key}"])
        word = draw.choice([*[f"{key}={value}"] * 12, key, f"{key}{value}", value])
        words.insert(draw.randrange(len(words) + 1), word)
    return command.partition(" ")[0], words


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """Stops what takes too long."""

    def stop(number: int, frame: object) -> None:
        raise TimeoutError(f"more than {LIMIT} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LIMIT)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def attempt(command: str, words: list[str]) -> str | None:
    """What is wrong with how a command answers; None where nothing is."""
    said = io.StringIO()
    sys.argv = [f"mtl-{command}", *words]
    try:
        with limited(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
            importlib.import_module(f"mtl_cli.{command}").main()
    except SystemExit as end:
        if end.code not in (None, 0, 1):
            return f"exit {end.code}: {said.getvalue()[-150:]}"
        if end.code == 1 and "try:" not in said.getvalue():
            return f"nothing to try: {said.getvalue()[-150:]}"
    except BaseException as error:
        place = traceback.extract_tb(error.__traceback__)
        own = [f"{Path(f.filename).name}:{f.lineno}" for f in place if "mtl_cli" in f.filename]
        return f"{type(error).__name__}: {str(error)[:150]} at {' < '.join(own[:-5:-1])}"
    return None


def tries(count: int, seed: int) -> list[str]:
    """The wrong answers to so many command lines, typed where a run lies."""
    mtl_cli.train(["hydra.run.dir=runs/run", *SMALL])
    Path("new.csv").write_text("x\n0.5\n1.5\n", encoding="utf-8")
    keys = {command: keys_of(command) for command in LINES}
    found = []
    for number in range(count):
        command, words = mistyped(random.Random(f"{seed} {number}"), keys)
        if wrong := attempt(command, words):
            found.append(f"{number} mtl-{command} {shlex.join(words)}: {wrong}")
    return found


def main() -> None:
    """The command line."""
    count, seed = (int(word) for word in [*sys.argv[1:], "4000", "0"][:2])
    with TemporaryDirectory() as scratch:
        os.chdir(scratch)
        found = tries(count, seed)
        os.chdir("/")
    sys.stdout.write("\n".join(["", *found, f"{len(found)} of {count} wrong\n"]))
    raise SystemExit(bool(found))


if __name__ == "__main__":
    main()
