"""Training in two processes against one, each with one thread, and what they send.

Where others want the cores too, two processes wait for each other's turns; the time of the
processors that each takes does not count that.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any
from unittest import mock

import torch

from bench.measure import Row, made
from mtl_cli.basis.device import keep_freed_memory

BATCH = 256  # examples a process
ROUNDS = 25  # in turn
SECONDS = 0.1  # of each, about
USUAL = ["dataset=parity_mnist", "trainer.log_every=null"]
MODELS = {
    "cnn": ["encoder=cnn", "encoder.dropout=0"],
    "mlp": ["encoder=mlp"],
    "mlp, 1 million weights": ["encoder=mlp", "encoder.hidden=[800,500]"],
}


def processes_rows() -> Iterator[Row]:
    """Examples per second, the batch of each process being the same; and bytes of gradients."""
    for name, words in MODELS.items():
        with members([*USUAL, *words]) as (alone, *both):
            steps = max(1, round(SECONDS / seconds_of([alone], 5)[0] * 5))
            times = [[*seconds_of(both, steps), *seconds_of([alone], steps)] for _ in range(ROUNDS)]
        medians = [1e3 * statistics.median(own) / steps for own in zip(*times, strict=True)]
        two, two_busy, one, one_busy = medians
        for what, pair, single in (("", two, one), (", busy", two_busy, one_busy)):
            each = [pair / (2 * BATCH), single / BATCH]  # of 1 000 examples
            title = f"processes: {name}, two with a thread each, 1 000 examples{what}"
            yield Row(title, "one with a thread", each, each[1] / each[0], "at least 1.7")
    for weighting, rows in (("uw", 1), ("upgrad", 2)):
        with members([*USUAL, *MODELS["mlp"], f"weighting={weighting}"]) as (alone, *both):
            sent = ask(both, "bytes", 1)[0]
            shared, specific = ask([alone], "size", 0)[0]
        mebibytes = [x / 2**20 for x in (sent, 4 * (rows * shared + specific))]
        what = f"processes: {weighting}, MiB reduced a step"
        asked = "at most 1.01"
        yield Row(what, "the gradients", mebibytes, mebibytes[0] / mebibytes[1], asked)


@contextmanager
def members(words: list[str]) -> Iterator[list[Connection]]:
    """A process that trains alone, and two that train together with twice its batch."""
    spawn = multiprocessing.get_context("spawn")
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        port = own.getsockname()[1]
    doors, started = [], []
    for rank, size in ((0, 1), (0, 2), (1, 2)):
        here, there = spawn.Pipe()
        batch = f"dataset.batch_size={BATCH * size}"
        process = spawn.Process(target=serve, args=(there, rank, size, port, [*words, batch]))
        process.start()
        doors.append(here)
        started.append(process)
    try:
        ask(doors, "steps", 3)
        yield doors
    finally:
        for door, process in zip(doors, started, strict=True):
            door.send(("end", 0))
            process.join()


def ask(doors: list[Connection], what: str, number: int) -> list[Any]:
    """What each process answers."""
    for door in doors:
        door.send((what, number))
    return [door.recv() for door in doors]


def seconds_of(doors: list[Connection], steps: int) -> tuple[float, float]:
    """How long the slowest takes for so many steps, and how long the busiest is busy."""
    seconds, busy = zip(*ask(doors, "steps", steps), strict=True)
    return max(seconds), max(busy)


def serve(door: Connection, rank: int, size: int, port: int, words: list[str]) -> None:
    """A process: trains as it is asked to, until it is told to end."""
    torch.set_num_threads(1)
    keep_freed_memory()
    if size > 1:
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        torch.distributed.init_process_group("gloo", rank=rank, world_size=size)
    trainer = made(*words, "runtime.threads=1").trainer
    trainer.model.train()
    batches = endless(trainer)
    while (order := door.recv())[0] != "end":
        what, number = order
        if what == "size":
            group = trainer.learners[0].group
            door.send([sum(p.numel() for p in own) for own in (group.shared, group.specific)])
            continue
        if size > 1:
            torch.distributed.barrier()
        begin, busy = time.perf_counter(), time.process_time()
        with counted() as sent:
            for _ in range(number):
                trainer.updates.take(next(batches), trainer.model.trained, 1)
        seconds, busy = time.perf_counter() - begin, time.process_time() - busy
        trainer.updates.collect_losses()
        door.send(sum(sent) if what == "bytes" else (seconds, busy))


@contextmanager
def counted() -> Iterator[list[int]]:
    """The bytes of each reduction in the block."""
    sent: list[int] = []
    reduce = torch.distributed.all_reduce

    def noted(tensor: torch.Tensor, *options: Any) -> Any:
        sent.append(tensor.nbytes)
        return reduce(tensor, *options)

    with mock.patch.object(torch.distributed, "all_reduce", noted):
        yield sent


def endless(trainer: Any) -> Iterator[Any]:
    """The batches of its steps, epoch after epoch."""
    while True:
        yield from trainer.steps_of_epoch()
        trainer.epoch += 1
