"""The cores of this machine, where several jobs run on it at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

THREADS = "OMP_NUM_THREADS"  # of one process: what torch heeds
SHARED = "MTL_CORES_SHARED"  # THREADS is a job's part of the cores, and no word of the user's


@contextmanager
def shared_out(jobs: int | None) -> Iterator[None]:
    """Lets processes that start in the block take a part of the cores each.

    Args:
        jobs: that run at once; None: whoever starts them knows, and says `THREADS` to them.
    """
    if THREADS in os.environ:  # the user has said
        yield
        return
    own = {SHARED: "1"}
    if jobs is not None:
        import joblib  # heeds what a container or a queue leaves of the cores

        own[THREADS] = str(max(1, joblib.cpu_count() // jobs))
    os.environ.update(own)
    try:
        yield
    finally:
        for name in own:
            del os.environ[name]


def threads_said() -> bool:
    """Whether the user has said how many threads a process takes."""
    return THREADS in os.environ and SHARED not in os.environ
