"""How a training step grows with the number of tasks and of experts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import torch

from bench.measure import Row, in_turn
from bench.mixtures import Ours, training_step
from mtl_cli.arch.cgc import CGC
from mtl_cli.arch.dselect_k import DSelectK
from mtl_cli.arch.mmoe import MMoE

BATCH, INPUTS, WIDTH = 256, 64, 32
TASKS = (2, 8, 32, 128)
EXPERTS = (4, 16, 64, 256)


def made(name: str, experts: int, tasks: int) -> Ours:
    if name == "mmoe":
        options: dict[str, Any] = {"num_experts": experts, "gate_bias": True, "one_gate": False}
        return Ours(MMoE, INPUTS, [WIDTH], tasks, **options)
    if name == "cgc":  # an expert of its own for each task, the others shared
        options = {"num_shared_experts": experts, "num_task_experts": 1, "gate_bias": True}
        return Ours(CGC, INPUTS, [WIDTH], tasks, **options)
    options = {"num_experts": experts, "num_nonzeros": 2, "gamma": 1.0, "gate": "static"}
    return Ours(DSelectK, INPUTS, [WIDTH], tasks, **options, entropy_weight=0.01)


def growth_rows() -> Iterator[Row]:
    """Four times the tasks, or experts, against the row before: 4 is linear."""
    for name in ("mmoe", "cgc", "dselect_k"):
        for what, sizes in (
            ("tasks", [(16, tasks) for tasks in TASKS]),
            ("experts", [(experts, 2) for experts in EXPERTS]),
        ):
            steps = []
            for experts, tasks in sizes:
                x, y = torch.randn(BATCH, INPUTS), torch.randn(tasks, BATCH, 1)
                steps.append(training_step(made(name, experts, tasks), x, y, fused=True))
            counts = TASKS if what == "tasks" else EXPERTS
            timed = zip(counts, in_turn(steps, 20), strict=True)
            for (before, less), (now, more) in pairwise(timed):
                title = f"growth: {name}, {now} {what}"
                yield Row(title, f"{before} {what}", [more, less], more / less, "below 4")
