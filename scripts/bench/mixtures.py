"""A training step of the mixtures of experts, against a loop over modules with the same weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from bench.loop_ple import layered_ple
from bench.loops import LoopDSelectK, LoopMMoE, layer
from bench.measure import Row, in_turn
from mtl_cli.arch.base import Architecture
from mtl_cli.arch.cgc import CGC
from mtl_cli.arch.dselect_k import DSelectK
from mtl_cli.arch.mmoe import MMoE
from mtl_cli.arch.ple import PLE
from mtl_cli.basis.inputs import Dense
from mtl_cli.encoder.mlp import MLP

Size = tuple[int, int, int, int, int]  # B, inputs, experts, their width, tasks
SMALL: Size = (15000, 1, 8, 16, 2)
LARGE: Size = (4096, 64, 64, 64, 16)


def linear_heads(width: int, tasks: int) -> list[nn.Module]:
    return [nn.Linear(width, 1) for _ in range(tasks)]


def layers(size: Size) -> list[nn.Module]:
    """The experts of one layer."""
    _, inputs, experts, width, _ = size
    return [layer(inputs, width) for _ in range(experts)]


class Ours(nn.Module):
    """One of our architectures on an MLP, with the heads of the loop."""

    def __init__(
        self,
        make_arch: Callable[..., Architecture],
        inputs: int,
        widths: list[int],
        tasks: int,
        **options: Any,
    ) -> None:
        super().__init__()
        encoder = partial(MLP, hidden=widths, activation="relu", dropout=0.0)
        names = {f"t{k}": "x" for k in range(tasks)}
        self.arch = make_arch(encoder, {"x": Dense((inputs,))}, names, **options)
        self.heads = nn.ModuleList(linear_heads(widths[-1], tasks))

    def forward(self, x: Tensor) -> list[Tensor]:
        features = self.arch({"x": x}).values()
        return [head(f) for head, f in zip(self.heads, features, strict=True)]

    def extra_loss(self) -> Tensor | None:
        return self.arch.extra_loss()


def total_loss(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    losses = [nn.functional.mse_loss(o, t) for o, t in zip(model(x), y, strict=True)]
    extra_loss: Any = getattr(model, "extra_loss", None)
    extra = None if extra_loss is None else extra_loss()
    return torch.stack(losses if extra is None else [*losses, extra]).sum()


def training_step(model: nn.Module, x: Tensor, y: Tensor, fused: bool) -> Callable[[], None]:
    """A step with Adam: as torch makes it by default, or in one kernel."""
    optimizer = torch.optim.Adam(model.parameters(), fused=fused or None)

    def step() -> None:
        optimizer.zero_grad()
        total_loss(model, x, y).backward()
        optimizer.step()

    return step


def give_weights(ours: Ours, loop: Any, x: Tensor) -> None:
    """Gives the loop our weights, and sees that it computes what we do, forward and backward."""
    loop.take_weights(ours.arch)
    loop.heads.load_state_dict(ours.heads.state_dict())
    x = x.clone().requires_grad_()
    results = []
    for model in (ours, loop):
        outputs = torch.stack(model(x))
        outputs.square().mean().backward()
        results.append((outputs, x.grad))
        x.grad = None
        model.zero_grad()
    torch.testing.assert_close(*results, rtol=1e-4, atol=1e-5)


def against_loop(
    name: str, size: Size, ours: Ours, loop: nn.Module, asked: str, repeats: int
) -> Iterator[Row]:
    """Both with the same optimizer."""
    batch, inputs, experts, width, tasks = size
    x, y = torch.randn(batch, inputs), torch.randn(tasks, batch, 1)
    give_weights(ours, loop, x)
    what = f"{name}: B {batch}, input {inputs}, {experts} experts of {width}, {tasks} tasks"
    for fused in (False, True):
        calls = [training_step(model, x, y, fused) for model in (ours, loop)]
        seconds = in_turn(calls, repeats)
        reference = f"loop over modules, Adam{' fused' if fused else ''}"
        yield Row(what, reference, seconds, seconds[1] / seconds[0], asked)


def mmoe_rows() -> Iterator[Row]:
    """MMoE."""
    sizes: list[tuple[Size, str]] = [
        ((15000, 1, 10, 16, 2), "at least 2.5"),
        (LARGE, "at least 4"),
        ((256, 64, 256, 32, 8), "at least 8"),
    ]
    for size, asked in sizes:
        _, inputs, experts, width, tasks = size
        options = {"num_experts": experts, "gate_bias": True, "one_gate": False}
        ours = Ours(MMoE, inputs, [width], tasks, **options)
        loop = LoopMMoE(layers(size), inputs, linear_heads(width, tasks))
        yield from against_loop("mmoe", size, ours, loop, asked, 10 if size == LARGE else 40)


def halves(size: Size) -> tuple[int, int]:
    """Shared experts and those of each task: half of all are shared, the rest split evenly."""
    *_, experts, _, tasks = size
    return experts // 2, experts // 2 // tasks


def cgc_rows() -> Iterator[Row]:
    """CGC, half of its experts shared."""
    for size, asked in ((SMALL, "at least 2.5"), (LARGE, "at least 4")):
        _, inputs, _, width, tasks = size
        shared, own = halves(size)
        options = {"num_shared_experts": shared, "num_task_experts": own, "gate_bias": True}
        ours = Ours(CGC, inputs, [width], tasks, **options)
        loop = layered_ple(inputs, [width], shared, own, linear_heads(width, tasks))
        yield from against_loop("cgc", size, ours, loop, asked, 10 if size == LARGE else 40)


def ple_of(size: Size, levels: int) -> Ours:
    _, inputs, _, width, tasks = size
    shared, own = halves(size)
    options = {"num_shared_experts": shared, "num_task_experts": own, "gate_bias": True}
    return Ours(PLE, inputs, [width] * levels, tasks, num_levels=levels, **options)


def ple_rows() -> Iterator[Row]:
    """PLE of two levels, each of them with half of its experts shared, and what one level takes."""
    for size, asked in ((SMALL, "at least 2.5"), (LARGE, "at least 4")):
        batch, inputs, _, width, tasks = size
        loop = layered_ple(inputs, [width] * 2, *halves(size), linear_heads(width, tasks))
        repeats = 10 if size == LARGE else 40
        rows = list(against_loop("ple", size, ple_of(size, 2), loop, asked, repeats))
        yield from rows
        x, y = torch.randn(batch, inputs), torch.randn(tasks, batch, 1)
        calls = [training_step(ple_of(size, levels), x, y, True) for levels in (2, 1)]
        seconds = in_turn(calls, repeats)
        ratio = seconds[0] / seconds[1]
        yield Row(f"{rows[0].name}, 2 levels", "1 level", seconds, ratio, "at most 2.7")


def dselect_k_rows() -> Iterator[Row]:
    """DSelect-k with two nonzeros, its static gates and those that depend on the example."""
    for size, asked in ((SMALL, "at least 2.5"), (LARGE, "at least 4")):
        _, inputs, experts, width, tasks = size
        for gate in ("static", "per_example"):
            options = {"num_experts": experts, "num_nonzeros": 2, "gamma": 1.0}
            ours = Ours(DSelectK, inputs, [width], tasks, **options, gate=gate, entropy_weight=0.01)
            heads = linear_heads(width, tasks)
            loop = LoopDSelectK(layers(size), inputs, heads, 2, gate == "static")
            name = f"dselect_k {gate}"
            yield from against_loop(name, size, ours, loop, asked, 10 if size == LARGE else 40)
