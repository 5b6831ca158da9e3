"""``arch=lora`` against separate adapters on the same frozen encoder, one after the other."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bench.hf_text import LONGEST, NUM_WORDS, SPECIAL, write_model
from bench.measure import Row, in_turn
from bench.memory import peak_of_process, print_growth
from mtl_cli.arch.lora import LoRA
from mtl_cli.basis.bag import Bag
from mtl_cli.basis.inputs import Subwords
from mtl_cli.encoder.hf_text import HFText

TASKS = [f"t{k}" for k in range(8)]
BATCH, LENGTH = 32, 48  # texts of a step, and their tokens
RANK, OWN = 8, 4
STAGES = {"all stages": None, "the last stage": 1}  # in which tasks have additions of their own
SPEC = Subwords(NUM_WORDS + len(SPECIAL), LONGEST)


class Adapter(nn.Module):
    """A frozen linear map with a low-rank addition, as libraries of adapters have it."""

    def __init__(self, linear: nn.Linear, rank: int) -> None:
        super().__init__()
        self.linear = linear
        self.down = nn.Parameter(0.01 * torch.randn(rank, linear.in_features))
        self.up = nn.Parameter(torch.zeros(linear.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + x @ self.down.T @ self.up.T


def encoder_of(folder: Path) -> Callable[..., HFText]:
    """4 layers of 128, frozen, each a stage."""
    options: dict[str, Any] = {"model": str(folder), "config": None, "num_groups": 4}
    options |= {"pool": "mean", "freeze": "all", "cache": False, "checkpointing": False}
    return partial(HFText, **options, offline=True)


def separate(encoder: nn.Module, rank: int) -> nn.ModuleList:
    """An adapted encoder for each task; all have the same frozen weights."""
    found = nn.ModuleList()
    for _ in TASKS:
        own = copy.deepcopy(encoder, {id(p): p for p in encoder.parameters()})
        for parent in list(own.modules()):
            for name, child in list(parent.named_children()):
                if type(child) is nn.Linear:
                    setattr(parent, name, Adapter(child, rank))
        found.append(own)
    return found


def steps(own_stages: int | None) -> dict[str, Callable[[], Callable[[], None]]]:
    """What makes a training step of each side."""
    folder = Path(tempfile.mkdtemp())
    write_model(folder)
    draw = torch.Generator().manual_seed(0)
    codes = torch.randint(4, NUM_WORDS, (BATCH * LENGTH,), generator=draw)
    x = Bag(codes, torch.arange(0, BATCH * LENGTH + 1, LENGTH), torch.ones(len(codes)))
    y = torch.randn(len(TASKS), BATCH, 1, generator=draw)

    def step_of(model: nn.Module, features: Callable[[], list[Tensor]]) -> Callable[[], None]:
        heads = nn.ModuleList(nn.Linear(128, 1) for _ in TASKS)
        trained = [p for p in [*model.parameters(), *heads.parameters()] if p.requires_grad]
        optimizer = torch.optim.Adam(trained, fused=True)

        def step() -> None:
            optimizer.zero_grad()
            pairs = zip(heads, features(), y, strict=True)
            losses = [nn.functional.mse_loss(head(own), wanted) for head, own, wanted in pairs]
            torch.stack(losses).sum().backward()
            optimizer.step()

        return step

    def ours() -> Callable[[], None]:
        options: dict[str, Any] = {"rank": RANK, "per_task": OWN, "own_stages": own_stages}
        options |= {"scale": 1.0, "attention": True, "freeze": True}
        arch = LoRA(encoder_of(folder), {"x": SPEC}, dict.fromkeys(TASKS, "x"), **options)
        return step_of(arch.train(), lambda: list(arch({"x": x}).values()))

    def loop() -> Callable[[], None]:
        models = separate(encoder_of(folder)(SPEC), RANK + OWN)
        return step_of(models.train(), lambda: [own(x) for own in models])

    return {"ours": ours, "loop": loop}


def print_peak(side: str, stages: str) -> None:
    """The memory that a side's steps take."""
    print_growth(steps(STAGES[stages])[side])


def lora_rows() -> Iterator[Row]:
    """A step of 8 tasks on 4 frozen layers of 128: batch 32, texts of 48 tokens."""
    if find_spec("transformers") is None:  # an extra
        return
    for stages, own_stages in STAGES.items():
        makers = steps(own_stages)
        times = in_turn([make() for make in makers.values()], 7)
        name = f"lora: 8 tasks, ranks {RANK} and {OWN}, own in {stages}"
        yield Row(name, "8 separate adapters, time", times, times[0] / times[1], "at most 1")
        peaks = [peak_of_process("lora", side, stages) for side in makers]
        yield Row(
            name, "8 separate adapters, memory [MiB]", peaks, peaks[0] / peaks[1], "at most 0.6"
        )
