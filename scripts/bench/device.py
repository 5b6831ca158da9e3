"""What ``runtime.*`` brings a step with ResNet-18 on images, on the device that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from bench import measure
from bench.measure import Row, in_turn, made

ARCHS = ("hps", "mmoe")
SETTINGS = {
    "channels last": ["runtime.channels_last=true"],
    "TF32": ["runtime.matmul=high"],
}


def step_of(words: list[str]) -> Callable[[], None]:
    """A whole update of a run with these words, ended when the device has."""
    run = made("dataset=parity_mnist", "dataset.source=digits", "encoder=resnet", *words)
    updates, tasks = run.trainer.updates, list(run.model.tasks)
    precision = torch.get_float32_matmul_precision()
    (batch,) = next(run.trainer.steps_of_epoch())

    def step() -> None:
        torch.set_float32_matmul_precision(precision)
        updates.take([batch], tasks, 1)
        if measure.DEVICE.type != "cpu":
            torch.accelerator.synchronize()

    return step


def runtime_rows() -> Iterator[Row]:
    """Each setting against the run without it, in bf16 on an accelerator."""
    there = measure.DEVICE.type != "cpu"
    size = 256 if there else 8
    for arch in ARCHS:
        for name, own in SETTINGS.items():
            half = ["trainer.precision=bf16"] if there and name == "channels last" else []
            words = [f"arch={arch}", f"dataset.batch_size={size}", *half]
            calls = [step_of([*words, *own]), step_of(words)]
            seconds = in_turn(calls, 20 if there else 1)
            ratio = seconds[1] / seconds[0]
            yield Row(f"runtime: {arch}, {name}", "without it", seconds, ratio, "–")
