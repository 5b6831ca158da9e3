"""A run in several processes: how they are started, find each other, and end together.

Started by ``runtime.processes``, by torchrun, or by anything that sets the same environment
(https://docs.pytorch.org/docs/stable/elastic/run.html#environment-variables). Process 0 is the run
as it is in one process; the others train along and write nothing.
"""

from __future__ import annotations

import logging
import os
import pickle
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from omegaconf import DictConfig

from mtl_cli.basis import ranks
from mtl_cli.basis.errors import Problem, check_integer, problem
from mtl_cli.command_line.cli import FreshFolders
from mtl_cli.dataset.files.held import is_held
from mtl_cli.disk.run_folder import RunFolder

LAUNCHED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")  # what every launcher says
PROCESS = "mtl_cli.run.process"  # what each of them runs
ALONE = "runtime.processes=1"
GRACE = 600  # seconds for what is to be written after a signal
WORDS = 5  # seconds in which a process that fails says why
SIGNALLED = 128  # exit codes above it say which signal ended the command


def launched() -> bool:
    """Whether this is one of several processes that a launcher has started."""
    return all(name in os.environ for name in LAUNCHED) and int(os.environ["WORLD_SIZE"]) > 1


def to_launch(cfg: DictConfig) -> int:
    """How many processes the run is to start; 0: it is to be in this one."""
    wanted = cfg.runtime.get("processes", 1)
    check_integer("runtime.processes", wanted, 1, ALONE)
    return 0 if wanted == 1 or launched() else int(wanted)


def launch(number: int, folder: RunFolder, job: dict[str, Any]) -> dict[str, Any]:
    """Runs a job in several processes, and gives its summary.

    Args:
        number: of processes.
        folder: of the run.
        job: the arguments of `mtl_cli.run.session.run`.
    """
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    if is_held(job["cfg"].dataset.get("path") or ""):
        rule, found = "needs data that each of them can read", "rows handed over by Python"
        raise problem(f"runtime.processes={number}", rule, found, f"a file, or {ALONE}")
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as place, threads_for(number):
        path = Path(place) / "job"
        path.write_bytes(pickle.dumps((job, FreshFolders.words, FreshFolders.sweep, sys.path)))
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=number,
            run_id=uuid.uuid4().hex,
            rdzv_backend="c10d",
            rdzv_endpoint="localhost:0",
            max_restarts=0,
            shutdown_timeout=GRACE,
        )
        try:
            elastic_launch(config, sys.executable)("-m", PROCESS, str(path))
        except SignalException as error:
            raise SystemExit(SIGNALLED + int(error.sigval)) from None
        except ChildFailedError as error:
            if failure_of(path).exists():
                raise pickle.loads(failure_of(path).read_bytes()) from None
            codes = [failure.exitcode for failure in error.failures.values()]
            raise SystemExit(
                max(SIGNALLED - code if code < 0 else code for code in codes)
            ) from None
    return folder.read_summary()


def failure_of(path: Path) -> Path:
    """Where process 0 leaves the error that ended a job."""
    return path.with_name("failure")


@contextmanager
def threads_for(number: int) -> Iterator[None]:
    """Shares the cores out among processes that start in the block, unless the user has said."""
    said = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = said or str(max(1, torch.get_num_threads() // number))
    try:
        yield
    finally:
        if said is None:
            del os.environ["OMP_NUM_THREADS"]


def follows() -> bool:
    """Whether this process trains along with the one that writes."""
    return launched() and os.environ["RANK"] != "0"


def hush() -> None:
    """Lets a process that trains along say nothing: process 0 says it."""
    if follows():
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)


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


@contextmanager
def together(cfg: DictConfig) -> Iterator[None]:
    """While the block lasts, this process and the others of its launcher are a group.

    Where one of them fails, the others fail with its words.
    """
    if not launched():
        yield
        return
    wait = cfg.runtime.get("wait", 600)
    check_integer("runtime.wait", wait, 1, "runtime.wait=600")
    engine = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    dist.init_process_group(engine, timeout=timedelta(seconds=wait))
    store = dist.distributed_c10d._get_default_store()
    key = f"words of process {ranks.rank()}"
    try:
        yield
    except (RuntimeError, dist.DistError) as error:
        if ranks.size() == 1 or not is_broken(error):
            store.set(key, str(error))
            raise
        raise gone(store) from error
    except Exception as error:
        store.set(key, str(error))
        raise
    finally:
        end()


def end() -> None:
    """Leaves the group: from now on this process is alone."""
    if dist.is_initialized():
        with suppress(RuntimeError):
            dist.destroy_process_group()


def is_broken(error: BaseException) -> bool:
    """Whether an error is of the connection between processes."""
    text = str(error)
    return any(word in text for word in ("Connection", "connection", "gloo", "NCCL", "Timed out"))


def gone(store: dist.Store) -> Problem:
    """The error of a process that waits in vain for another one: with that one's own words."""
    for number in range(ranks.size()):
        key = f"words of process {number}"
        if number != ranks.rank():
            with suppress(RuntimeError, ValueError):
                store.wait([key], timedelta(seconds=WORDS / ranks.size()))
                said = store.get(key).decode()
                return problem(f"process {number}", "must train along", said, "what it says")
    rule = f"must answer within runtime.wait seconds; {ranks.size()} train together"
    fix = "resume=<this run's folder>, which goes on from the last checkpoint"
    return problem("each process", rule, "one that was killed, or hangs", fix)
