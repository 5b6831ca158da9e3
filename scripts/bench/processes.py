"""Training in two processes against one, each with one thread, and what they send.

Where others want the cores too, two processes wait for each other's turns; the time of the
processors that each takes does not count that.
"""

from __future__ import annotations

import copy
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
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

from bench.measure import Row, made
from mtl_cli.basis.device import keep_freed_memory

ROUNDS = 25  # in turn
SECONDS = 0.1  # of each, about
USUAL = ["dataset=parity_mnist", "trainer.log_every=null"]
MODELS = {  # with the examples a process
    "cnn": (256, ["encoder=cnn", "encoder.dropout=0"]),
    "mlp": (256, ["encoder=mlp"]),
    "mlp, batch 2 048": (2048, ["encoder=mlp"]),
    "mlp, 1 million weights": (256, ["encoder=mlp", "encoder.hidden=[800,500]"]),
}


def processes_rows() -> Iterator[Row]:
    """Examples per second, the batch of each process being the same; and bytes of gradients."""
    for name, (size, words) in MODELS.items():
        with members([*USUAL, *words], size) as (alone, *both):
            steps = max(1, round(SECONDS / seconds_of([alone], 5)[0] * 5))
            times = [
                [
                    *seconds_of(both, steps),
                    *seconds_of([alone], steps),
                    *seconds_of(both, steps, "bare"),
                ]
                for _ in range(ROUNDS)
            ]
        medians = [1e3 * statistics.median(own) / steps for own in zip(*times, strict=True)]
        two, two_busy, one, one_busy, bare, _ = medians
        for what, pair, single in (("", two, one), (", busy", two_busy, one_busy)):
            each = [pair / (2 * size), single / size]  # of 1 000 examples
            title = f"processes: {name}, two with a thread each, 1 000 examples{what}"
            yield Row(title, "one with a thread", each, each[1] / each[0], "at least 1.7")
        each = [two / (2 * size), bare / (2 * size)]
        title = f"processes: {name}, two with a thread each, 1 000 examples"
        yield Row(title, "DistributedDataParallel", each, each[1] / each[0], "at least 1")
    for weighting, rows in (("uw", 1), ("upgrad", 2)):
        size, words = MODELS["mlp"]
        with members([*USUAL, *words, f"weighting={weighting}"], size) as (alone, *both):
            sent = ask(both, "bytes", 1)[0]
            shared, specific = ask([alone], "size", 0)[0]
        mebibytes = [x / 2**20 for x in (sent, 4 * (rows * shared + specific))]
        what = f"processes: {weighting}, MiB reduced a step"
        asked = "at most 1.01"
        yield Row(what, "the gradients", mebibytes, mebibytes[0] / mebibytes[1], asked)


@contextmanager
def members(words: list[str], batch: int) -> Iterator[list[Connection]]:
    """A process that trains alone on so many examples a step, and two that train together on as
    many each.
    """
    spawn = multiprocessing.get_context("spawn")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    doors, started = [], []
    for rank, size in ((0, 1), (0, 2), (1, 2)):
        here, there = spawn.Pipe()
        own = [*words, f"dataset.batch_size={batch * size}"]
        process = spawn.Process(target=serve, args=(there, rank, size, port, own))
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


def seconds_of(doors: list[Connection], steps: int, whose: str = "steps") -> tuple[float, float]:
    """How long the slowest takes for so many steps, and how long the busiest is busy."""
    seconds, busy = zip(*ask(doors, whose, steps), strict=True)
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
    take = {"steps": lambda own: trainer.updates.take(own, trainer.model.trained, 1)}
    take["bytes"] = take["steps"]
    if size > 1:
        take["bare"] = bare_loop(trainer)
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
                take[what](next(batches))
        seconds, busy = time.perf_counter() - begin, time.process_time() - busy
        trainer.updates.collect_losses()
        door.send(sum(sent) if what == "bytes" else (seconds, busy))


def bare_loop(trainer: Any) -> Any:
    """A step of the same model as most people write it, by torch's own way to many processes."""
    model = DistributedDataParallel(copy.deepcopy(trainer.model))
    optimizer = torch.optim.Adam(model.parameters(), fused=True)

    def take(batches: Any) -> None:
        [batch] = batches
        outputs = model(batch.inputs)
        losses = [cross_entropy(outputs[task], y) for task, y in batch.targets.items()]
        optimizer.zero_grad()
        sum(losses, torch.zeros(())).backward()
        optimizer.step()

    return take


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
