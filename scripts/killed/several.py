"""Trainings of two processes, of which any one is ended, or fails, at random moments."""

from __future__ import annotations

import random
import re
import signal
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil
from PIL import Image

from killed.alone import Torture
from killed.faults import HERE, LAUNCHER, Fault, give_back, members
from killed.left import everybody_has_ended
from killed.moments import MOMENTS, Moment
from killed.process import Process
from killed.trainings import begun, differing, ended, runs, unlike
from mtl_cli.dataset.prepared.cache import BEGUN
from mtl_cli.disk.run_folder import from_here
from mtl_cli.training.signals import SIGNALS

WAIT = 6  # seconds that a process waits for another one
RANKS = (HERE, "process 1")
WHO = [*((own,) for own in RANKS), (LAUNCHER,), RANKS, (*RANKS, LAUNCHER)]  # killed at once
WAYS = {"kill": 8, "write": 8, "signal": 5, "full": 3, "read-only": 3, "stop": 2, "cold": 1}
CACHE = "one cache"  # the kind of two jobs that build it at once
BEGINNING = "beginning"  # the kind whose launcher is killed at each of `MOMENTS`
PAUSES = (0.0, 0.05, 1.5)  # seconds: before, with and after what process 0 hears of such a kill
PICTURES = ["dataset=images", "dataset.targets={kind: multiclass}", "encoder=mlp"]
PICTURES += ["encoder.hidden=[4]", "trainer=default", "trainer.max_epochs=1"]
REFUSED = {"full": "No space left on device", "read-only": "Permission denied"}


class Several(Torture):
    """Tries with trainings of two processes.

    Args:
        place: an empty folder.
        seed: of all that is random, but how quick the machine is.
    """

    forks = 2
    more = (f"runtime.processes={forks}", f"runtime.wait={WAIT}")

    def __init__(self, place: Path, seed: int) -> None:
        super().__init__(place, seed)
        self.slowest: dict[str, float] = {}  # seconds from what happens to the end, by way
        self.changes: dict[str, int] = {}  # of files in a training, by kind
        self.next: dict[str, int] = {}  # at which of them, or of `MOMENTS`, the next one is ended

    def attempt(self, number: int, kind: str) -> str | None:
        own = {CACHE: self.one_cache, BEGINNING: self.beginning}.get(kind)
        if own is None:
            return super().attempt(number, kind)
        draw = random.Random(f"{self.seed} {number}")
        with TemporaryDirectory(dir=self.place) as scratch:
            wrong = own(Path(scratch), draw)
        return f"{number} {kind}: {wrong}" if wrong else None

    def whole(self, kind: str) -> Path:
        folder = super().whole(kind)
        self.changes[kind] = int((self.place / f"{kind}.changes").read_text(encoding="utf-8"))
        return folder

    def disturb(self, kind: str, folder: Path, said: Path, draw: random.Random) -> str | None:
        way = draw.choices([*WAYS], [*WAYS.values()])[0]
        before, words = said.stat().st_size, self.go_on(kind, folder)
        who, fault = draw.choice(WHO), None
        if way in ("write", *REFUSED):
            fault = self.fault(way, who, kind, folder, words[0].startswith("resume="), draw)
        forks = 0 if way == "cold" else self.forks
        process = Process(words, said, draw.random() < 0.1, forks, fault)
        moment, asked = time.monotonic(), draw.choice(SIGNALS)
        number = {"signal": asked, "stop": signal.SIGSTOP}.get(way, signal.SIGKILL)
        if fault is None:
            if way == "cold":  # the time in which they import
                process.wait(draw.uniform(0, 6))
            else:
                self.wait(process, kind, folder, draw)
            moment = time.monotonic()
            who = who if number == signal.SIGKILL else who[:1]
            who = RANKS[:1] if way == "stop" and who == (LAUNCHER,) else who
            send(number, process, who)
        code = process.end()
        left = everybody_has_ended(20 if LAUNCHER in who else 2)
        lasted = time.monotonic() - moment
        give_back(folder)
        name = f"{way} {number.name}" if way == "signal" else way
        self.hits += code != 0
        self.seen[f"{name} {code}" if code else "too late"] += 1
        if code and fault is None:
            self.slowest[name] = max(lasted, self.slowest.get(name, 0))
        text = said.read_bytes()[before:].decode()
        what = f"{name} {' and '.join(who)}"
        if left:
            return f"{what}: left behind after {code}: {left}: {text[-1500:]}"
        wrong = self.unclear(way, number, who, code, text, folder)
        return f"{what}: {wrong}, code {code}: {text[-2500:]}" if wrong else None

    def fault(
        self,
        way: str,
        who: tuple[str, ...],
        kind: str,
        folder: Path,
        resumed: bool,
        draw: random.Random,
    ) -> Fault:
        """What happens at a change of a file; of a whole run at each in turn."""
        change = draw.randint(1, self.changes[kind])
        if not resumed:
            self.next[kind] = self.next.get(kind, 0) % self.changes[kind] + 1
            change = self.next[kind]
        return Fault(change, "kill" if way == "write" else way, who, folder)

    def unclear(
        self,
        way: str,
        number: signal.Signals,
        who: tuple[str, ...],
        code: int,
        text: str,
        folder: Path,
    ) -> str | None:
        """What is wrong with how a run said that it ended."""
        errors = text.count("\n  found:")
        if "Traceback" in text:
            return "a traceback"
        if code == 0:
            return "an error and an end" if errors else None
        if LAUNCHER in who and way in ("kill", "write", "cold"):
            return None if code == -signal.SIGKILL else "another end"
        killed = f"killed by signal {number.value} ({number.name})"
        if way == "signal" and not (errors == 1 and killed in text):  # that is, before it imported
            if code not in (-number, 128 + number):
                return "another code"
            left = [path for path in runs(folder) if not ended(path)]
            how = f"to go on: mtl-train resume={from_here(folder)}"
            if code > 0 and left and text.count(how) != 1:
                return "not once how to go on"
            return "an error" if errors else None
        if code != 1 or errors != 1:
            return f"{errors} errors"
        if way in REFUSED:
            return None if text.count(REFUSED[way]) == 1 else "another error"
        words = "no answer" if way == "stop" else killed
        known = any(re.search(f"{own} (of 2 )?must ", text) for own in who)
        return None if known and words in text else "another error"

    def beginning(self, scratch: Path, draw: random.Random) -> str | None:
        """The launcher is killed at a moment; the same command begins again, or it is resumed."""
        whole, folder, said = self.whole(BEGINNING), scratch / "run", scratch / "said.txt"
        said.touch()
        turn = self.next[BEGINNING] = self.next.get(BEGINNING, -1) + 1
        moment = Moment([*MOMENTS][turn % len(MOMENTS)], draw.choice(PAUSES))
        words = self.begin(BEGINNING, folder)
        code = Process(words, said, False, self.forks, moment).end()
        left, text = everybody_has_ended(20), said.read_text(encoding="utf-8")
        self.hits += 1
        self.seen[f"{BEGINNING} {code}"] += 1
        found = f"{moment}: {{}}: {text[-2500:]}"
        if left or code != -signal.SIGKILL:
            return found.format(f"ended with {code}, left behind {left}")
        if "Traceback" in text or "found:" in text:
            return found.format("an error")
        if (folder / "summary.json").exists() and not begun(folder):
            return found.format("a summary of nothing")
        if code := self.start(self.go_on(BEGINNING, folder), said).end():
            return found.format(f"it does not go on, {code}: {said.read_text(encoding='utf-8')}")
        wrong = unlike(folder, whole)
        return found.format(wrong) if wrong else None

    def one_cache(self, scratch: Path, draw: random.Random) -> str | None:
        """Two jobs that decode the same pictures at once, one of which may be killed meanwhile."""
        for i in range(60):
            path = scratch / "pictures" / "ab"[i % 2] / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((12, 12), 4 * i, np.uint8)).save(path)
        words = [*PICTURES, f"dataset.path={scratch / 'pictures'}", *self.more]
        cache = scratch / "cache"
        words.append(f"dataset.cache={cache}")
        folders, said = [scratch / "one", scratch / "other"], scratch / "said.txt"
        jobs = [self.start([f"hydra.run.dir={own}", *words], said) for own in folders]
        kills = draw.random() < 0.5
        if kills:
            while not cache.is_dir() and not jobs[0].wait(0.0005):
                pass
            jobs[0].wait(draw.uniform(0, 0.05))
            send(signal.SIGKILL, jobs[0], (*RANKS, LAUNCHER))
        codes = [job.end() for job in jobs]
        text = said.read_text(encoding="utf-8")
        if left := everybody_has_ended(2):
            return f"left behind: {left}: {text}"
        self.hits += 1
        self.seen[f"{CACHE} {codes[0]}"] += 1
        if kills and codes[0]:
            folders[0] = scratch / "again"
            codes[0] = self.start([f"hydra.run.dir={folders[0]}", *words], said).end()
        if any(codes):
            return f"ended with {codes}: {text[-2500:]}"
        whole = [own for own in cache.iterdir() if not own.name.startswith(BEGUN)]
        if len(whole) != 1 or (not kills and len([*cache.iterdir()]) != 1):
            return f"left in the cache: {[own.name for own in cache.iterdir()]}"
        found = differing(*folders)
        return f"differ: {found}" if found else None


def send(number: signal.Signals, process: Process, who: tuple[str, ...]) -> None:
    """Sends a signal to those of a command's processes that are there."""
    if process.wait(0):
        return
    there = members(psutil.Process(process.number))
    for own in who:
        if own in there:
            with suppress(psutil.NoSuchProcess):
                there[own].send_signal(number)
