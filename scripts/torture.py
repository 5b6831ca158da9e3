"""Kills real trainings at random moments, goes on with them, and compares the end to the bit.

    python scripts/torture.py [count] [seed] [processes=2] [kind ...]

Until so many lives were ended, each try starts `mtl-train` in a process of its own and ends it at a
random moment, by SIGKILL or by one or two signals that ask it to stop; goes on with it, and may end
that too; then lets it go on, perhaps twice at once. What it leaves must be what a training leaves
that nothing disturbs.

With `processes=2`, each run has two. One of them, or what started them, or all at once, are killed
at random moments and at changes of files, told to stop, or held for ever; the disk fills at a
change of a file, or the folder becomes read-only; two jobs build one cache; what started them is
killed at each moment of a beginning. No process may be left behind, and what is said must be one
message, which says what happened.

Prints what is otherwise, and last how many of the lives went on as they should.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ |= {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "MPLBACKEND": "Agg"}

import torch

from killed.alone import Torture
from killed.several import BEGINNING, CACHE, Several
from killed.trainings import KINDS

SEVERAL = f"processes={Several.forks}"
ADOPTS = 36  # PR_SET_CHILD_SUBREAPER of Linux: what the dead leave behind comes to this process


def main() -> None:
    """The command line."""
    words = [word for word in sys.argv[1:] if word != SEVERAL]
    count, seed = (int(word) for word in [*words, "300", "0"][:2])
    several = SEVERAL in sys.argv
    kinds = words[2:] or [*KINDS, "longer", *([CACHE, BEGINNING] if several else ["sweep"])]
    torch.set_num_threads(1)
    tries, survived = 0, 0
    with TemporaryDirectory() as place:
        torture = (Several if several else Torture)(Path(place), seed)
        if several:
            ctypes.CDLL(None).prctl(ADOPTS, 1, 0, 0, 0)
        while torture.hits < count:
            before = torture.hits
            wrong = torture.attempt(tries, kinds[tries % len(kinds)])
            tries += 1
            if wrong:
                torture.hits = max(torture.hits, before + 1)
                say(f"{wrong}\n")
            else:
                survived += torture.hits - before
    say(f"{tries} tries; " + ", ".join(f"{n} {end}" for end, n in sorted(torture.seen.items())))
    if isinstance(torture, Several):
        slow = [f"{way} {seconds:.1f} s" for way, seconds in sorted(torture.slowest.items())]
        say(f"the slowest end after what happened: {', '.join(slow)}")
    say(f"survived {survived} of {torture.hits}")
    raise SystemExit(survived < torture.hits)


def say(line: str) -> None:
    """Prints it at once: a long run is watched."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
