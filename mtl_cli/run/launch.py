"""Starts the processes of a run on this machine, and sees to it that all of them end."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import torch.distributed as dist

from mtl_cli.basis.errors import problem
from mtl_cli.command_line.cli import FreshFolders
from mtl_cli.dataset.files.held import is_held
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.run.children import SHORT, Children
from mtl_cli.run.leading import JOB, MEETING, OUTCOME
from mtl_cli.run.meeting import OURS, LastWords, gone_key, read, write
from mtl_cli.run.processes import ALONE, seconds_to_wait, threads_for
from mtl_cli.training.signals import SIGNALLED

HERE = "127.0.0.1"
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
    server = dist.TCPStore(HERE, 0, is_master=True, wait_for_workers=False)
    store = dist.PrefixStore(OURS, server)
    write(store, JOB, (job, FreshFolders.words, FreshFolders.sweep, sys.path))
    children = Children(number, seconds_to_wait(job["cfg"]))
    with threads_for(number), children:
        for own in range(number):
            children.start([sys.executable, "-m", PROCESS], environment(own, number, server.port))
        while not children.wait():
            for rank, killer in children.killed():
                write(store, gone_key(rank), LastWords(was_killed(rank, killer)))
            if any(children.codes()) and waits_in_vain(store, number) is not None:
                children.patience = SHORT
    return outcome(children, store, folder)


def environment(own: int, number: int, port: int) -> dict[str, str]:
    """What a process finds, as torchrun would say it."""
    said = {
        "RANK": own,
        "LOCAL_RANK": own,
        "WORLD_SIZE": number,
        "LOCAL_WORLD_SIZE": number,
        "MASTER_ADDR": HERE,
        "MASTER_PORT": port,
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


def waits_in_vain(store: dist.Store, number: int) -> Exception | None:
    """What a process says that has waited long enough for another one; None: none has."""
    meeting = read(store, MEETING)
    words = [read(store, f"{meeting}/words of process {rank}") for rank in range(number)]
    return next((own.error for own in words if own is not None and own.in_vain), None)


def outcome(children: Children, store: dist.Store, folder: RunFolder) -> dict[str, Any]:
    """What a run comes to whose processes have ended."""
    codes = [code or 0 for code in children.codes()]
    if codes[0] == 0:
        return folder.read_summary()
    if (said := read(store, OUTCOME)) is not None:
        raise said
    if codes[0] > SIGNALLED:  # it has said so
        raise SystemExit(codes[0])
    if children.received is not None:
        sys.stderr.write("\ninterrupted\n")
        raise SystemExit(SIGNALLED + children.received)
    if 0 in children.cut_off and (said := waits_in_vain(store, len(codes))) is not None:
        raise said
    if codes[0] < 0:
        raise was_killed(0, -codes[0])
    rule, found = "must train along", f"an end with code {codes[0]}, and not a word why"
    raise problem("process 0", rule, found, "MTL_FULL_ERROR=1 before the command")
