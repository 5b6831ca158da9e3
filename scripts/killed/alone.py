"""Trainings of one process that are ended at random moments, and what they leave in the end."""

from __future__ import annotations

import importlib
import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from killed.faults import Fault
from killed.process import Process
from killed.trainings import LONGER, begun, ended, runs, unlike, words_of, write_data
from mtl_cli.command_line.sweep import FILE
from mtl_cli.disk.run_folder import from_here
from mtl_cli.training.signals import SIGNALS


class Torture:
    """Tries of every kind, and what undisturbed runs leave, to compare with.

    Attributes:
        more: words that each run has.
        forks: how many processes each of them starts.

    Args:
        place: an empty folder.
        seed: of all that is random, but how quick the machine is.
    """

    more: tuple[str, ...] = ()
    forks = 0

    def __init__(self, place: Path, seed: int) -> None:
        self.place = place
        self.seed = seed
        self.lives: dict[str, list[float]] = {}  # seconds until it can be resumed, and from there
        self.seen: Counter[str] = Counter()
        self.hits = 0  # lives that were ended
        write_data(place)

    def whole(self, kind: str) -> Path:
        """What nothing disturbs."""
        folder, said = self.place / kind, self.place / f"{kind}.txt"
        if kind not in self.lives:
            more = [LONGER] if kind == "longer" else []
            while True:
                begin = time.time()
                code = self.start([*self.begin(kind, folder), *more], said).end()
                assert code == 0, said.read_text(encoding="utf-8")
                end = time.time()
                if not import_all(said.with_suffix(".modules").read_text().split()):
                    break
                shutil.rmtree(folder)  # the next one has no part in its life that imports
            there = (folder / (FILE if kind == "sweep" else "config.yaml")).stat().st_mtime
            self.lives[kind] = [there - begin, end - there]
        return folder

    def start(
        self, words: list[str], said: Path, pictures: bool = False, fault: Fault | None = None
    ) -> Process:
        """A process of the command."""
        return Process(words, said, pictures, self.forks, fault)

    def begin(self, kind: str, folder: Path) -> list[str]:
        where = "hydra.sweep.dir" if kind == "sweep" else "hydra.run.dir"
        return [f"{where}={folder}", *words_of(kind, self.place), *self.more]

    def go_on(self, kind: str, folder: Path) -> list[str]:
        """The command line that goes on, or begins where there is nothing yet."""
        if begun(folder):
            return [f"resume={folder}", *([LONGER] if kind == "longer" else [])]
        if kind != "sweep":
            shutil.rmtree(folder, ignore_errors=True)
        return self.begin(kind, folder)

    def attempt(self, number: int, kind: str) -> str | None:
        """What is wrong with what one try leaves; None where nothing is."""
        draw = random.Random(f"{self.seed} {number}")
        whole = self.whole(kind)
        with TemporaryDirectory(dir=self.place) as scratch:
            folder, said = Path(scratch) / "run", Path(scratch) / "said.txt"
            said.touch()  # a process may not live long enough
            if kind == "longer":
                self.start(self.begin(kind, folder), said).end()
            for _ in range(draw.choice([1, 2, 3, 5])):
                wrong = self.disturb(kind, folder, said, draw)
                if wrong:
                    return f"{number} {kind}: {wrong}"
            wrong = self.finish(kind, folder, said, draw) or unlike(folder, whole)
            return f"{number} {kind}: {wrong}" if wrong else None

    def disturb(self, kind: str, folder: Path, said: Path, draw: random.Random) -> str | None:
        """Starts the run or goes on with it, and ends it; gives what is wrong with that end."""
        pictures, number = draw.random() < 0.1, signal.SIGKILL
        if draw.random() < 0.25:
            number = draw.choice(SIGNALS)
        before = said.stat().st_size
        process = self.start(self.go_on(kind, folder), said, pictures)
        if not self.wait(process, kind, folder, draw):
            os.kill(process.number, number)
            if number == signal.SIGTERM and not process.wait(draw.uniform(0, 0.04)):
                os.kill(process.number, number)
        code = process.end()
        self.seen[f"{number.name} {code}" if code else "too late"] += 1
        self.hits += code != 0
        text = said.read_bytes()[before:].decode()
        if code not in (0, -number, 128 + number) or "Traceback" in text:
            return f"{number.name} ended it with {code}: {text[-1500:]}"
        left = [path for path in runs(folder) if not ended(path)]
        if code > 0 and left and f"to go on: mtl-train resume={from_here(folder)}" not in text:
            return f"{number.name} said not how to go on: {text[-500:]}"
        return None

    def wait(self, process: Process, kind: str, folder: Path, draw: random.Random) -> bool:
        """Lets it live for a while; says whether it has ended."""
        until, after = self.lives[kind]
        if draw.random() < 0.1:
            return process.wait(draw.uniform(0, until))
        while not begun(folder):  # how long that takes says nothing of the moments that follow
            if process.wait(0.001):
                return True
        return process.wait(draw.uniform(0, after + 0.1))

    def finish(self, kind: str, folder: Path, said: Path, draw: random.Random) -> str | None:
        """Lets it go on to its end, perhaps twice at once; gives what is wrong with that."""
        kept = {path: (path / "summary.json").read_bytes() for path in runs(folder) if ended(path)}
        words = self.go_on(kind, folder)
        twice = kind != "sweep" and words[0].startswith("resume=") and draw.random() < 0.2
        places = [said.with_name(f"{which}.txt") for which in range(1 + twice)]
        codes = [p.end() for p in [self.start(words, place) for place in places]]
        self.seen["twice at once"] += twice
        texts = [place.read_text(encoding="utf-8") for place in places]
        if 0 not in codes or any(
            c and "held by " not in t for c, t in zip(codes, texts, strict=True)
        ):
            return f"it does not go on, {codes}: {' | '.join(text[-1500:] for text in texts)}"
        if kind == "sweep":
            again = [
                p.name for p, text in kept.items() if (p / "summary.json").read_bytes() != text
            ]
            return f"trained again: {again}" if again else None
        return None


def import_all(names: list[str]) -> bool:
    """Imports what it can; says whether anything was new."""
    known = len(sys.modules)
    for name in names:
        if name not in sys.modules:
            with suppress(Exception):  # some are no files
                importlib.import_module(name)
    return len(sys.modules) > known
