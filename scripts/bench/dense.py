"""A training step on maps, of our model and of a plain loop with the same weights."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.loop_columns import by_stage
from bench.loop_mtan import LoopMTAN
from bench.loops import gate, mix, take
from bench.measure import Row, in_turn
from bench.memory import peak_of_process, print_growth
from bench.resnet import BATCH, OURS, PIXELS, SHAPE
from mtl_cli.basis.batch import Batch
from mtl_cli.basis.inputs import Dense, InputSpec
from mtl_cli.encoder.resnet import ResNet
from mtl_cli.head.fpn import FPN
from mtl_cli.loss.cosine import CosineLoss
from mtl_cli.model.model import Model
from mtl_cli.task.base import Parts, Task
from mtl_cli.task.depth import Depth
from mtl_cli.task.normals import Normals
from mtl_cli.task.segmentation import Segmentation

ARCHS = ("hps", "cross_stitch", "mtan", "mmoe")
SIZE, CLASSES = (64, 64), 13
Maps = list[Tensor]


def make_tasks() -> list[Task]:
    head = partial(FPN, stages="all", align_corners=False, channels=64)
    segmentation, depth, normals = (
        Parts(name, "x", head, loss, {}, {}, 1.0)
        for name, loss in (
            ("segmentation", nn.CrossEntropyLoss()),
            ("depth", nn.L1Loss()),
            ("normals", CosineLoss()),
        )
    )
    return [
        Segmentation(segmentation, CLASSES, SIZE, "pixels"),
        Depth(depth, SIZE, "pixels", standardize=False),
        Normals(normals, SIZE, "pixels"),
    ]


class Ours:
    """Our model, and copies of the encoders that it was made of."""

    def __init__(self, name: str) -> None:
        torch.manual_seed(0)
        self.encoders: list[ResNet] = []

        def make(spec: InputSpec) -> ResNet:
            made = ResNet(spec, 18, None, "imagenet", pool=False, output_stride=None, offline=True)
            self.encoders.append(copy.deepcopy(made))
            return made

        tasks = make_tasks()
        arch = OURS[name](make, {"x": Dense(SHAPE)}, {task.name: "x" for task in tasks})
        self.model = Model(arch, tasks)


class LoopDense(nn.Module):
    """Each task's maps after every stage, by a loop; its heads read them all."""

    def __init__(self, maps: nn.Module, heads: list[nn.Module]) -> None:
        super().__init__()
        self.maps, self.heads = maps, nn.ModuleList(heads)

    def forward(self, x: Tensor) -> list[Tensor]:
        return [head(maps) for head, maps in zip(self.heads, self.maps(x), strict=True)]


class SharedMaps(nn.Module):
    def __init__(self, encoder: ResNet) -> None:
        super().__init__()
        self.stages = encoder.stages

    def forward(self, x: Tensor) -> list[Maps]:
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return [maps] * 3


class StitchedMaps(nn.Module):
    def __init__(self, encoders: list[ResNet], alphas: list[Tensor]) -> None:
        super().__init__()
        self.stages = by_stage(encoders)
        self.alphas = nn.ParameterList(alpha.detach().clone() for alpha in alphas)

    def forward(self, x: Tensor) -> list[Maps]:
        paths, maps = [x] * len(self.alphas[0]), []
        for stage, alpha in zip(self.stages, self.alphas, strict=True):
            columns: Any = stage
            done = [column(path) for column, path in zip(columns, paths, strict=True)]
            paths = [
                sum(a.view(-1, 1, 1) * d for a, d in zip(row, done, strict=True)) for row in alpha
            ]
            maps.append(paths)
        return [list(own) for own in zip(*maps, strict=True)]


class AttendedMaps(LoopMTAN):
    """`LoopMTAN`, whose heads are given the attended maps of all stages."""

    def __init__(self, encoder: ResNet, arch: Any) -> None:
        super().__init__(encoder, arch, [nn.Identity()] * 3)

    def forward(self, x: Tensor) -> list[Any]:
        return [list(own) for own in zip(*self.attended(x), strict=True)]


class MixedMaps(nn.Module):
    def __init__(self, encoders: list[ResNet], arch: Any) -> None:
        super().__init__()
        self.experts = nn.ModuleList(encoder.stages for encoder in encoders)
        self.gates = nn.ModuleList(gate(PIXELS, len(encoders)) for _ in range(3))
        take(self.gates, arch.gates)

    def forward(self, x: Tensor) -> list[Maps]:
        by_expert = []
        for stages in self.experts:
            own, maps = x, []
            for stage in stages:  # type: ignore[attr-defined]
                own = stage(own)
                maps.append(own)
            by_expert.append(maps)
        by_stage = list(zip(*by_expert, strict=True))
        weights = [gate(x).softmax(-1) for gate in self.gates]
        return [[mix(own, maps) for maps in by_stage] for own in weights]


def make_loop(name: str, ours: Ours) -> LoopDense:
    """The loop with our weights."""
    arch: Any = ours.model.arch
    maps: dict[str, Callable[[], nn.Module]] = {
        "hps": lambda: SharedMaps(ours.encoders[0]),
        "cross_stitch": lambda: StitchedMaps(ours.encoders, list(arch.alphas)),
        "mtan": lambda: AttendedMaps(ours.encoders[0], arch),
        "mmoe": lambda: MixedMaps(ours.encoders, arch),
    }
    return LoopDense(maps[name](), copy.deepcopy(list(ours.model.heads.values())))


def examples() -> Batch:
    """Pictures with maps of which a tenth of the pixels is missing, as the loader gives them."""
    torch.manual_seed(1)
    gone = torch.rand(BATCH, *SIZE) < 0.1
    targets = {
        "segmentation": torch.randint(CLASSES, (BATCH, *SIZE)).masked_fill(gone, -1),
        "depth": (4 * torch.rand(BATCH, 1, *SIZE)).masked_fill(gone[:, None], torch.nan),
        "normals": F.normalize(torch.randn(BATCH, 3, *SIZE)).masked_fill(gone[:, None], torch.nan),
    }
    labels = {
        task: int((y != -1 if task == "segmentation" else ~y.isnan()).sum())
        for task, y in targets.items()
    }
    return Batch({"x": torch.randn(BATCH, *SHAPE)}, targets, labels=labels)


def our_loss(ours: Ours, batch: Batch) -> Tensor:
    outputs, tasks = ours.model(batch.inputs), ours.model.tasks
    losses = [
        tasks[name].mean_loss(output, batch.targets[name], False, None, batch.labels[name])
        for name, output in outputs.items()
    ]
    return torch.stack(losses).sum()


def loop_loss(loop: LoopDense, batch: Batch) -> Tensor:
    """As published code has it: masks, and sums divided by what is there."""
    segmentation, depth, normals = loop(batch.inputs["x"])
    classes, metres, directions = batch.targets.values()
    there = ~metres.isnan()
    far = ((depth - metres.nan_to_num()).abs() * there).sum() / there.sum()
    unit = normals / normals.norm(dim=1, keepdim=True).clamp(min=1e-12)
    there = ~directions.isnan().any(1)
    cosine = (unit * directions.nan_to_num()).sum(1)
    return (
        F.cross_entropy(segmentation, classes, ignore_index=-1)
        + far
        + ((1 - cosine) * there).sum() / there.sum()
    )


def step_of(parameters: Any, loss: Callable[[], Tensor]) -> Callable[[], None]:
    optimizer = torch.optim.Adam(parameters, fused=True)

    def step() -> None:
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()

    return step


def steps(name: str) -> list[Callable[[], None]]:
    """A step of ours and one of the loop's, which begin at the same loss."""
    ours, batch = Ours(name), examples()
    loop = make_loop(name, ours)
    torch.testing.assert_close(our_loss(ours, batch), loop_loss(loop, batch), rtol=1e-4, atol=1e-5)
    return [
        step_of(ours.model.parameters(), partial(our_loss, ours, batch)),
        step_of(loop.parameters(), partial(loop_loss, loop, batch)),
    ]


def dense_rows() -> Iterator[Row]:
    """A step with ResNet-18 and FPN heads for three tasks of maps, and its memory."""
    for name in ARCHS:
        seconds = in_turn(steps(name), 30)
        ratio = seconds[0] / seconds[1]
        yield Row(f"maps: {name}, 3 tasks", "loop over modules", seconds, ratio, "at most 1.05")
        memory = [peak_of_process("dense", name, side) for side in ("ours", "loop")]
        what = f"maps: {name}, 3 tasks, MiB"
        yield Row(what, "loop over modules", memory, memory[0] / memory[1], "at most 1")


def print_peak(name: str, side: str) -> None:
    """Of three steps of one side, in MiB."""
    ours = Ours(name)
    batch = examples()
    if side == "loop":
        loop = make_loop(name, ours)
        del ours
        print_growth(lambda: step_of(loop.parameters(), partial(loop_loss, loop, batch)))
        return
    ours.encoders.clear()
    print_growth(lambda: step_of(ours.model.parameters(), partial(our_loss, ours, batch)))
