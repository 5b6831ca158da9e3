"""How many processes a run is to start, and what each of them has of the machine."""

from __future__ import annotations

import os

import torch
from omegaconf import DictConfig

from mtl_cli.basis.errors import check_integer, problem
from mtl_cli.basis.launched import launched

ALONE = "runtime.processes=1"


def to_launch(cfg: DictConfig) -> int:
    """How many processes the run is to start; 0: it is to be in this one."""
    wanted = cfg.runtime.get("processes", 1)
    check_integer("runtime.processes", wanted, 1, ALONE)
    return 0 if wanted == 1 or launched() else int(wanted)


def seconds_to_wait(cfg: DictConfig) -> int:
    """How long a process waits for another one."""
    wait = cfg.runtime.get("wait", 600)
    check_integer("runtime.wait", wait, 1, "runtime.wait=600")
    return int(wait)


def device_name(name: str) -> str:
    """The device of this process, where the user names a kind: one for each on its machine."""
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if not launched() or accelerator is None or name not in ("auto", accelerator.type):
        return name
    own, count = int(os.environ.get("LOCAL_RANK", 0)), torch.accelerator.device_count()
    if own >= count:
        rule = "needs a device for each process of a machine"
        raise problem(f"device={name}", rule, f"{count}", f"{count} processes, or device=cpu")
    return f"{accelerator.type}:{own}"
