"""A training step with ResNet-18 as the encoder, and its memory, against plain loops."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from bench.loop_adatt import LoopAdaTT
from bench.loop_columns import LoopColumns, LoopCrossStitch, LoopLTB
from bench.loop_mtan import LoopMTAN
from bench.loop_ple import LoopLevel, LoopPLE
from bench.loops import LoopDSelectK, LoopMMoE, gate
from bench.measure import Row, in_turn
from bench.memory import peak_of_process, print_growth
from bench.mixtures import linear_heads, training_step
from mtl_cli.arch.adatt import AdaTT
from mtl_cli.arch.base import Architecture
from mtl_cli.arch.cgc import CGC
from mtl_cli.arch.cross_stitch import CrossStitch
from mtl_cli.arch.dselect_k import DSelectK
from mtl_cli.arch.hps import HPS
from mtl_cli.arch.ltb import LTB
from mtl_cli.arch.mmoe import MMoE
from mtl_cli.arch.mtan import MTAN
from mtl_cli.arch.ple import PLE
from mtl_cli.arch.single_task import SingleTask
from mtl_cli.basis.inputs import Dense, InputSpec
from mtl_cli.encoder.resnet import ResNet

BATCH, SHAPE, TASKS = 16, (3, 64, 64), 3
PIXELS = 3 * 64 * 64

Encoders = list[Any]
MIXED: dict[str, Any] = {"num_shared_experts": 2, "num_task_experts": 1, "gate_bias": True}
OURS: dict[str, Callable[..., Architecture]] = {
    "hps": HPS,
    "single_task": SingleTask,
    "cross_stitch": partial(CrossStitch, self_weight=0.9),
    "mmoe": partial(MMoE, num_experts=4, gate_bias=True, one_gate=False),
    "cgc": partial(CGC, **MIXED),
    "ple": partial(PLE, num_levels=2, **MIXED),
    "dselect_k": partial(
        DSelectK, num_experts=4, num_nonzeros=2, gamma=1.0, gate="static", entropy_weight=0.01
    ),
    "adatt": partial(AdaTT, num_levels=2, **MIXED),
    "mtan": partial(MTAN, reduction=1),
    "ltb": partial(
        LTB, num_columns=None, warmup=0.1, initial_temperature=10, final_temperature=0.1
    ),
}


class Ours(nn.Module):
    """One of our architectures, and the encoders that it was made of, as they were."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.encoders: Encoders = []

        def make(spec: InputSpec) -> ResNet:
            made = ResNet(spec, 18, None, "imagenet", pool=True, output_stride=None, offline=True)
            self.encoders.append([copy.deepcopy(made)])  # in a list: no part of this module
            return made

        names = {f"t{k}": "x" for k in range(TASKS)}
        self.arch = OURS[name](make, {"x": Dense(SHAPE)}, names)
        self.arch.progress(0.5)
        self.heads = nn.ModuleList(linear_heads(512, TASKS))

    def forward(self, x: Tensor) -> list[Tensor]:
        features = self.arch({"x": x}).values()
        return [head(f) for head, f in zip(self.heads, features, strict=True)]

    def extra_loss(self) -> Tensor | None:
        return self.arch.extra_loss()


def pooled_gate(channels: int, experts: int) -> nn.Module:
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, experts))


def make_loop(name: str, ours: Ours) -> Any:
    """The loop with our weights."""
    encoders = [encoder for (encoder,) in ours.encoders]
    heads = copy.deepcopy(list(ours.heads))
    arch: Any = ours.arch
    if name in ("hps", "single_task"):
        return LoopColumns(encoders, heads)
    if name == "cross_stitch":
        return LoopCrossStitch(encoders, list(arch.alphas), heads)
    if name == "ltb":
        return LoopLTB(encoders, list(arch.thetas), arch.temperature.item(), heads)
    if name == "mtan":
        return LoopMTAN(encoders[0], arch, heads)
    if name == "adatt":
        make_gates = [partial(gate, PIXELS), partial(pooled_gate, 64)]
        return LoopAdaTT(encoders, arch, make_gates, heads)
    if name == "mmoe":
        mmoe = LoopMMoE(encoders, PIXELS, heads)
        mmoe.take_gates(arch)
        return mmoe
    if name == "dselect_k":
        select = LoopDSelectK(encoders, PIXELS, heads, 2, static=True)
        select.take_gates(arch)
        return select
    if name == "cgc":
        levels = [LoopLevel(encoders[:2], encoders[2:], PIXELS, TASKS, True)]
    else:  # the first level has two of the five stages
        parts = [[nn.Sequential(*e.stages[s]) for e in encoders] for s in (slice(2), slice(2, 5))]
        levels = [
            LoopLevel(experts[:2], experts[2:], width, TASKS, last, make_gate)
            for experts, width, last, make_gate in (
                (parts[0], PIXELS, False, gate),
                (parts[1], 64, True, pooled_gate),
            )
        ]
    for level, own in zip(levels, [arch.level] if name == "cgc" else arch.levels, strict=True):
        level.take_gates(own)
    return LoopPLE(levels, heads)


def outputs(model: nn.Module, x: Tensor) -> list[Tensor]:
    torch.manual_seed(1)  # of what is drawn
    return model(x)


def data() -> tuple[Tensor, Tensor]:
    return torch.randn(BATCH, *SHAPE), torch.randn(TASKS, BATCH, 1)


def resnet_rows() -> Iterator[Row]:
    """Time, and in MiB the peak of a process beyond what it takes before its first step.

    Architectures that compute what the loop does, kernel by kernel, differ by noise alone.
    """
    for name in OURS:
        torch.manual_seed(0)
        ours = Ours(name)
        loop = make_loop(name, ours)
        x, y = data()
        torch.testing.assert_close(outputs(ours, x), outputs(loop, x), rtol=1e-3, atol=1e-4)
        seconds = in_turn([training_step(model, x, y, True) for model in (ours, loop)], 5)
        what = f"resnet: {name}, {TASKS} tasks"
        ratio = seconds[1] / seconds[0]
        yield Row(what, "loop over modules", seconds, ratio, "at least 1")
        memory = [peak_of_process("resnet", name, side) for side in ("ours", "loop")]
        yield Row(f"{what}, MiB", "loop over modules", memory, memory[0] / memory[1], "at most 1")


def print_peak(name: str, side: str) -> None:
    """Of three steps, in MiB."""
    ours = Ours(name)
    model = make_loop(name, ours) if side == "loop" else ours
    ours.encoders.clear()
    del ours
    print_growth(lambda: training_step(model, *data(), True))
