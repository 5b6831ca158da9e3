"""The launcher of a run is killed at a chosen moment of the run's beginning."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from typing import Any

import torch.distributed as dist

from mtl_cli.basis.launched import STARTER
from mtl_cli.processes import launch
from mtl_cli.run import serve, session

MOMENTS: dict[str, tuple[Any, str, bool]] = {  # where, which function, whether after it
    "before the store": (launch, "store_for_us", False),
    "after the store": (launch, "store_for_us", True),
    "before the job is read": (serve, "read", False),
    "after the job is read": (serve, "read", True),
    "before the meeting": (session, "publish", False),
    "during the meeting": (dist, "init_process_group", False),
    "after the meeting": (dist, "init_process_group", True),
    "before the first files": (session, "write_first_files", False),
    "after the first files": (session, "write_first_files", True),
    "before the first step": (session, "announce", True),
}


@dataclass(frozen=True)
class Moment:
    """When the launcher is killed, by process 0 or by itself.

    Args:
        name: of `MOMENTS`.
        pause: seconds that process 0 then waits: it may go on before it hears of that, or after.
    """

    name: str
    pause: float

    def await_it(self) -> None:
        """Lets it come in this process."""
        where, function, after = MOMENTS[self.name]
        real = getattr(where, function)

        def watched(*args: Any, **kwargs: Any) -> Any:
            if not after:
                self.come()
            given = real(*args, **kwargs)
            if after:
                self.come()
            return given

        setattr(where, function, watched)

    def come(self) -> None:
        os.kill(int(os.environ.get(STARTER, os.getpid())), signal.SIGKILL)
        time.sleep(self.pause)
