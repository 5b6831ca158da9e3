"""The memory that a step takes, of a process of its own."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path


def peak_of_process(module: str, *words: str) -> float:
    """What ``print_peak(*words)`` of a module of this folder prints, in MiB.

    Freed blocks go back to the system, or what is kept of them would count too.
    """
    thresholds = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    code = f"import bench.{module} as m; m.print_peak(*{words!r})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent.parent,
        env=os.environ | thresholds,
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout)


def print_growth(make_step: Callable[[], Callable[[], object]]) -> None:
    """The peak of three steps beyond what there is before they are made, in MiB."""

    def steps() -> None:
        step = make_step()
        for _ in range(3):
            step()

    print_growth_of(steps)


def print_growth_of(call: Callable[[], object]) -> None:
    """The peak of a call beyond what there is before, in MiB."""
    ctypes.CDLL(None).malloc_trim(0)  # what was freed so far goes back to the system
    Path("/proc/self/clear_refs").write_text("5")  # nor is its peak ours
    before = status("VmRSS")
    call()
    sys.stdout.write(str((status("VmHWM") - before) / 1024))


def status(key: str) -> int:
    """A number of this process, in KiB: getrusage would count the parent's too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key))
