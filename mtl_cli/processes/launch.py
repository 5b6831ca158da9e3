"""Starts the processes of a run on this machine, and sees to it that all of them end."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from typing import Any

import torch.distributed as dist
from omegaconf import DictConfig

from mtl_cli.basis.cores import shared_out
from mtl_cli.basis.errors import problem
from mtl_cli.basis.launched import STARTER
from mtl_cli.command_line.cli import FreshFolders
from mtl_cli.dataset.files.held import is_held
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.processes.children import SHORT, Children
from mtl_cli.processes.leading import JOB, MEETING, OUTCOME, THERE, line_of
from mtl_cli.processes.meeting import CONNECTED, OURS, LastWords, gone_key, read, write
from mtl_cli.processes.options import ALONE, seconds_to_wait
from mtl_cli.training.signals import SIGNALLED

HERE = "127.0.0.1"
IMPORTS = 30  # seconds that a process has on top, to import what it needs on a busy machine
PROCESS = "mtl_cli.run.process"  # what each of them runs


def launch(number: int, folder: RunFolder, job: dict[str, Any]) -> dict[str, Any]:
    """Runs a job in several processes, and gives its summary.

    torch's own launcher restarts them, too; it leaves its handlers of signals behind, kills after
    30 seconds what still writes, and cannot say which process was killed by what.

    Args:
        number: of processes.
        folder: of the run.
        job: the arguments of `mtl_cli.run.session.run`.
    """
    if is_held(job["cfg"].dataset.get("path") or ""):
        rule, found = "needs data that each of them can read", "rows handed over by Python"
        raise problem(f"runtime.processes={number}", rule, found, f"a file, or {ALONE}")
    server = store_for_us()
    store = dist.PrefixStore(OURS, server)
    write(store, JOB, (job, FreshFolders.words, FreshFolders.sweep, sys.path))
    seconds = seconds_to_wait(job["cfg"])
    children, late = Children(number, seconds), time.monotonic() + seconds + IMPORTS
    with shared_out(number), children:
        for own in range(number):
            children.start([sys.executable, "-m", PROCESS], environment(own, number, server.port))
        while not children.wait():
            for rank, killer in children.killed():
                write(store, gone_key(rank), LastWords(was_killed(rank, killer)))
            if any(children.codes()):
                unheard = not store.check([CONNECTED])
                if unheard or waits_in_vain(store, number) is not None:
                    children.patience = SHORT
            if time.monotonic() > late and not store.check([THERE]):
                children.kill_by(late)
    return outcome(children, store, folder, job["cfg"])


def store_for_us() -> dist.TCPStore:
    """A store that only this machine can reach: what stands in it is unpickled."""
    with socket.socket() as door:
        door.bind((HERE, 0))
        door.listen()
        return dist.TCPStore(
            HERE,
            door.getsockname()[1],
            is_master=True,
            wait_for_workers=False,
            master_listen_fd=door.detach(),
        )


def environment(own: int, number: int, port: int) -> dict[str, str]:
    """What a process finds, as torchrun would say it."""
    said = {
        "RANK": own,
        "LOCAL_RANK": own,
        "WORLD_SIZE": number,
        "LOCAL_WORLD_SIZE": number,
        "MASTER_ADDR": HERE,
        "MASTER_PORT": port,
        STARTER: os.getpid(),
        "TORCHELASTIC_USE_AGENT_STORE": True,  # which is the launcher's
        "TORCH_CPP_LOG_LEVEL": "ERROR",  # what it would warn of is told in other words
    }
    return os.environ | {name: str(value) for name, value in said.items()}


def was_killed(rank: int, killer: int) -> Exception:
    """The last words of a process that could say none."""
    found = f"killed by signal {killer} ({signal.Signals(killer).name})"
    fix = "resume=<this run's folder>, which goes on from the last checkpoint"
    if killer == signal.SIGKILL:
        fix += "; where the system did it for want of memory, fewer processes"
    return problem(f"process {rank}", "must train along", found, fix)


def never_came(seconds: int) -> Exception:
    """Of a process 0 that hangs before it has anything to say to the others."""
    rule, found = f"must come within runtime.wait={seconds} seconds", "no answer: it hangs"
    return problem("process 0", rule, found, "a look at the disks that it reads from")


def waits_in_vain(store: dist.Store, number: int) -> Exception | None:
    """What a process says that has waited long enough for another one; None: none has."""
    meeting = read(store, MEETING)
    words = [read(store, f"{meeting}/words of process {rank}") for rank in range(number)]
    return next((own.error for own in words if own is not None and own.in_vain), None)


def outcome(
    children: Children, store: dist.Store, folder: RunFolder, cfg: DictConfig
) -> dict[str, Any]:
    """What a run comes to whose processes have ended."""
    codes = [code or 0 for code in children.codes()]
    if codes[0] == 0:
        return folder.read_summary()
    if (said := read(store, OUTCOME)) is not None:
        raise said
    if codes[0] > SIGNALLED:  # it has said so
        raise SystemExit(codes[0])
    if children.received is not None:
        how = f"; to go on: {line_of(cfg, folder.path)}" if folder.config.exists() else ""
        sys.stderr.write(f"\ninterrupted{how}\n")
        raise SystemExit(SIGNALLED + children.received)
    if 0 in children.cut_off:
        if (said := waits_in_vain(store, len(codes))) is not None:
            raise said
        if not store.check([THERE]):
            raise never_came(seconds_to_wait(cfg))
        if first := [death for death in children.deaths if death[0] not in children.cut_off]:
            raise was_killed(*first[0])
    if codes[0] < 0:
        raise was_killed(0, -codes[0])
    rule, found = "must train along", f"an end with code {codes[0]}, and not a word why"
    raise problem("process 0", rule, found, "MTL_FULL_ERROR=1 before the command")
