"""Processes that are started together and end together."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from types import FrameType
from typing import Any

from mtl_cli.processes.together import LINGER
from mtl_cli.training.signals import HANGUP, SIGNALLED, SIGNALS

TICK = 0.05  # seconds between two looks
GRACE = 600  # seconds for what is written after a signal
SHORT = 3  # seconds for those of whom nothing is expected any more


class Children:
    """Processes, of which the first one says how all of them end.

    While the block lasts, signals are handed on to them. One that fails ends the others.

    Args:
        number: of processes.
        wait: seconds that the others have to end after one has failed.
    """

    def __init__(self, number: int, wait: int) -> None:
        self.number = number
        self.patience = wait
        self.running: list[subprocess.Popen[bytes]] = []
        self.received: int | None = None  # a signal
        self.ask_at: float | None = None  # when SIGTERM is sent to those that are left
        self.asked = False
        self.kill_at: float | None = None  # when SIGKILL is
        self.cut_off: list[int] = []  # those that had to be killed
        self.deaths: list[tuple[int, int]] = []  # that are known: who, and by which signal
        self.before: dict[int, Any] = {}

    def __enter__(self) -> Children:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if number not in HANGUP or signal.getsignal(number) != signal.SIG_IGN:
                    self.before[number] = signal.signal(number, self.hand_on)
        return self

    def __exit__(self, *exc: object) -> None:
        self.send(signal.SIGKILL)  # of those that an error left
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def start(self, words: Sequence[str], environment: dict[str, str]) -> None:
        """Starts one, which a terminal's signals do not reach but through this process."""
        self.running.append(subprocess.Popen(words, env=environment, start_new_session=True))
        if self.received is not None:
            self.running[-1].send_signal(self.received)

    def hand_on(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        self.kill_by(now + (GRACE if self.received is None else SHORT))
        self.received = self.received or number
        self.send(signal.Signals(number))

    def send(self, number: signal.Signals) -> None:
        """Sends a signal to those that have not ended."""
        for process in self.running:
            process.send_signal(number)

    def codes(self) -> list[int | None]:
        """Their exit codes; of one that was killed the signal, negative; None: it has not ended."""
        return [process.poll() for process in self.running]

    def killed(self) -> list[tuple[int, int]]:
        """Those that were killed since the last call, and by which signal."""
        found = [(n, -code) for n, code in enumerate(self.codes()) if code is not None and code < 0]
        news = [death for death in found if death not in self.deaths]
        self.deaths += news
        return news

    def wait(self) -> bool:
        """Waits for a moment; says whether all have ended.

        Where the first one has, nothing is expected of the others. Where another one has failed,
        the first one finds out by itself, or is told by SIGTERM after a while.
        """
        time.sleep(TICK)
        codes, now = self.codes(), time.monotonic()
        if None not in codes:
            return True
        failed = [code for code in codes if code]
        if self.ask_at is None and (failed or codes[0] is not None):
            known = codes[0] is None and (min(failed) < 0 or max(failed) > SIGNALLED)
            self.ask_at = now + (SHORT if codes[0] == 0 else LINGER if known else 0)
        if codes[0] is not None and self.ask_at is not None:
            self.kill_by(max(now, self.ask_at) + SHORT)
        if self.ask_at is not None and now >= self.ask_at and not self.asked:
            self.asked = True
            self.send(signal.SIGTERM)
            self.kill_by(now + self.patience)
        if self.kill_at is not None and now >= self.kill_at:
            self.cut_off = [n for n, code in enumerate(codes) if code is None]
            self.send(signal.SIGKILL)
        return False

    def kill_by(self, moment: float) -> None:
        """Lets none of them live longer."""
        self.kill_at = moment if self.kill_at is None else min(self.kill_at, moment)
