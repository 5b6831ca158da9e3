"""Processes that a command leaves behind."""

from __future__ import annotations

import os
import time

import psutil


def everybody_has_ended(seconds: float) -> list[str]:
    """Waits until no process is left of those that this one, or any of them, has started; gives
    those that are, and kills them."""
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.005)
        left = psutil.Process().children(recursive=True)
        names = [f"{own.pid} {own.status()}" for own in left]
        for own in left:
            own.kill()
        while os.waitpid(-1, 0):
            continue
    except ChildProcessError:
        return names if time.monotonic() > end else []
    return names
