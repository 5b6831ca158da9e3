"""A training step with each weighting, and the memory of an aggregation."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import Tensor, nn

from bench.measure import Row, in_turn
from mtl_cli.arch.hps import HPS
from mtl_cli.basis.inputs import Dense
from mtl_cli.encoder.mlp import MLP
from mtl_cli.weighting.aggregation import Aggregation
from mtl_cli.weighting.base import Weighting

CONF = Path(__file__).parent.parent.parent / "conf" / "weighting"
BATCH, INPUTS, HIDDEN = 256, 256, [512, 512]


def make(name: str, tasks: list[str], **options: Any) -> Weighting:
    """A weighting with its YAML's values and some others."""
    values: Any = OmegaConf.to_container(OmegaConf.load(CONF / f"{name}.yaml"), resolve=True)
    values.pop("defaults", None)
    weighting = instantiate(values | options, _convert_="all")(tasks=tasks)
    assert isinstance(weighting, Weighting)
    return weighting


class Net:
    """Hard sharing, with K regression heads, and an optimizer."""

    def __init__(self, num_tasks: int) -> None:
        torch.manual_seed(0)
        encoder = partial(MLP, hidden=HIDDEN, activation="relu", dropout=0.0)
        self.tasks = [f"t{k}" for k in range(num_tasks)]
        self.arch = HPS(encoder, {"x": Dense((INPUTS,))}, dict.fromkeys(self.tasks, "x"))
        self.heads = nn.ModuleList(nn.Linear(HIDDEN[-1], 1) for _ in self.tasks)
        self.shared = list(self.arch.parameters())
        self.specific = list(self.heads.parameters())
        self.x, self.y = torch.randn(BATCH, INPUTS), torch.randn(num_tasks, BATCH, 1)

    def losses(self) -> dict[str, Tensor]:
        for parameter in [*self.shared, *self.specific]:
            parameter.grad = None
        features = self.arch({"x": self.x}).values()
        outputs = [head(f) for head, f in zip(self.heads, features, strict=True)]
        each = [nn.functional.mse_loss(o, y) for o, y in zip(outputs, self.y, strict=True)]
        return dict(zip(self.tasks, each, strict=True))

    def optimizer(self, weighting: nn.Module | None = None) -> torch.optim.Optimizer:
        learned = [] if weighting is None else list(weighting.parameters())
        return torch.optim.Adam([*self.shared, *self.specific, *learned], fused=True)


def our_step(num_tasks: int, name: str, **options: Any) -> Callable[[], None]:
    """What the trainer does in a step."""
    net = Net(num_tasks)
    weighting = make(name, net.tasks, **options)
    weighting.watch([p for p in net.shared if p.shape[-1] == HIDDEN[0]])
    optimizer = net.optimizer(weighting)

    def step() -> None:
        losses = net.losses()
        for parameter in weighting.parameters():
            parameter.grad = None
        features = net.arch.representations
        weighting.backward(losses, net.shared, net.specific, None, features)
        optimizer.step()
        weighting.after_step(net.losses)

    return step


def plain_sum(num_tasks: int, more_forwards: int = 0) -> Callable[[], None]:
    net = Net(num_tasks)
    optimizer = net.optimizer()

    def step() -> None:
        sum(net.losses().values()).backward()  # type: ignore[union-attr]
        optimizer.step()
        with torch.no_grad():
            for _ in range(more_forwards):
                net.losses()

    return step


def by_hand(num_tasks: int) -> Callable[[], None]:
    """One forward, the heads' gradients, a row for each task, their Gramian and w J."""
    net = Net(num_tasks)
    optimizer = net.optimizer()
    sizes = [p.numel() for p in net.shared]
    jacobian = torch.empty(num_tasks, sum(sizes))
    weights = torch.full((num_tasks,), 1 / num_tasks)

    def step() -> None:
        losses = list(net.losses().values())
        torch.autograd.backward(losses, inputs=net.specific, retain_graph=True)
        for row, loss in zip(jacobian, losses, strict=True):
            grads = torch.autograd.grad(loss, net.shared, retain_graph=True)
            torch.cat([grad.flatten() for grad in grads], out=row)
        jacobian @ jacobian.T
        grads = (weights @ jacobian).split(sizes)
        for parameter, grad in zip(net.shared, grads, strict=True):
            parameter.grad = grad.view_as(parameter)
        optimizer.step()

    return step


def weighting_rows() -> Iterator[Row]:
    """Aggregations against a step written by hand, all else against the plain sum of the losses."""
    names = sorted(path.stem for path in CONF.glob("*.yaml"))
    for num_tasks, repeats in ((2, 40), (8, 20), (32, 6)):
        tasks = [str(k) for k in range(num_tasks)]
        aggregations = [n for n in names if isinstance(make(n, tasks), Aggregation)]
        others = [name for name in names if name not in aggregations]
        pairs = [
            *((n, {}, by_hand(num_tasks), "by hand", "at most 1.15") for n in aggregations),
            *(
                (n, {"on": "features"}, plain_sum(num_tasks), "plain sum", "at most 1.5")
                for n in aggregations
                if type(make(n, tasks)).on_features  # type: ignore[attr-defined]
            ),
            *(
                (n, {}, plain_sum(num_tasks, n == "famo"), "plain sum", "at most 1.05")
                for n in others
                if n != "gradnorm"
            ),
            ("gradnorm", {}, by_hand(num_tasks), "by hand", "reported"),  # K gradients, too
        ]
        for name, options, reference, against, asked in pairs:
            seconds = in_turn([our_step(num_tasks, name, **options), reference], repeats)
            where = " on features" if options else ""
            title = f"weighting: {name}{where}, {num_tasks} tasks"
            yield Row(title, against, seconds, seconds[0] / seconds[1], asked)


MEMORY = """
import sys
from bench.weighting import our_step
from mtl_cli.basis.device import keep_freed_memory
def peak():  # of this program alone: getrusage would count the parent's too
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
keep_freed_memory()
our_step(2, "fixed")()
before = peak()
step = our_step(int(sys.argv[1]), "upgrad", chunk_size=eval(sys.argv[2]))
step(), step()
print((peak() - before) / 1024)
"""


def weighting_memory_rows() -> Iterator[Row]:
    """Peak memory of UPGrad beyond that of a plain step of 2 tasks, in MiB (not seconds)."""

    def mebibytes(num_tasks: int, chunk_size: int | None) -> float:
        words = [sys.executable, "-c", MEMORY, str(num_tasks), str(chunk_size)]
        folder = Path(__file__).parent.parent
        done = subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True)
        return float(done.stdout)

    for chunk_size in (None, 1, 32):
        few, many = mebibytes(2, chunk_size), mebibytes(32, chunk_size)
        title = f"weighting: MiB of 32 tasks, chunk_size {chunk_size or 'null'}"
        yield Row(title, "MiB of 2 tasks", [many, few], many / few, "reported")
