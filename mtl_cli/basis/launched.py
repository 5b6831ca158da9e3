"""Whether this process is one of several that a launcher has started, and which; without torch.

A launcher is `mtl_cli.processes.launch`, torchrun, or anything that sets the same environment
(https://docs.pytorch.org/docs/stable/elastic/run.html#environment-variables).
"""

import os

STARTER = "MTL_STARTER"  # the id of `mtl_cli.processes.launch`, with which its processes end
LAUNCHED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")  # what every launcher says


def launched() -> bool:
    """Whether this is one of several processes that a launcher has started."""
    return all(name in os.environ for name in LAUNCHED) and number_launched() > 1


def number_launched() -> int:
    """How many there are."""
    return int(os.environ["WORLD_SIZE"])


def own_number() -> int:
    """Which of them this is, from 0."""
    return int(os.environ["RANK"])


def follows() -> bool:
    """Whether this process trains along with the one that reads the command line and writes."""
    return launched() and own_number() > 0


def hush() -> None:
    """Lets this process say nothing from now on, unless the user wants tracebacks of all."""
    if os.environ.get("MTL_FULL_ERROR") != "1":
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
