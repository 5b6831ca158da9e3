"""Sine and cosine of a point on a line, with noise: two regression tasks that take seconds.

Nothing is read or downloaded; the same seed draws the same data on every machine.
"""

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.errors import check_choice, check_integer, check_number
from mtl_cli.basis.inputs import Dense
from mtl_cli.dataset.memory.batching import Batching
from mtl_cli.dataset.memory.in_memory import InMemoryDataset
from mtl_cli.dataset.memory.rows import Rows
from mtl_cli.dataset.readers.numbers import NumberReader

SHARES = {"random": (0.70, 0.15, 0.15), "extrapolation": (0.75, 0.0, 0.25)}


class SinCos(InMemoryDataset):
    """``sin`` = sin x + noise and ``cos`` = cos x + noise, for x in [-2 pi, 2 pi].

    Args:
        num_samples: points in all.
        noise: standard deviation of the Gaussian noise.
        split: ``random`` (70 % train, 15 % val, 15 % test) or ``extrapolation`` (the first 75 % of
            the line train, the rest test, no val).
        inputs: ``shared`` (one input ``x``, evenly spaced) or ``per_task`` (an input ``x_<task>``
            for each, drawn uniformly and independently).
        seed: of the noise, the points and the split.
        batching: see `InMemoryDataset`.
    """

    def __init__(
        self,
        num_samples: int,
        noise: float,
        split: str,
        inputs: str,
        seed: int,
        batching: Batching,
    ) -> None:
        check_integer("dataset.num_samples", num_samples, 10, "dataset.num_samples=20000")
        check_number("dataset.noise", noise, "dataset.noise=0.1", 0)
        check_choice("dataset.split", split, list(SHARES), "dataset.split=random")
        check_choice("dataset.inputs", inputs, ["shared", "per_task"], "dataset.inputs=shared")
        check_integer("dataset.seed", seed, 0, "dataset.seed=0")
        draw = np.random.RandomState(seed)  # the legacy generator: its stream never changes
        noises = [noise * draw.randn(num_samples) for _ in range(2)]
        span = 2 * np.pi
        if inputs == "per_task":
            read = {"sin": "x_sin", "cos": "x_cos"}
            points = {x: draw.uniform(-span, span, num_samples) for x in read.values()}
            if split == "extrapolation":
                first = round(SHARES[split][0] * num_samples)
                for x in points.values():
                    x.partition(first)  # the lowest first
                    for part in (x[:first], x[first:]):
                        draw.shuffle(part)
        else:
            read = {"sin": "x", "cos": "x"}
            points = {"x": np.linspace(-span, span, num_samples)}
        values = {
            "sin": np.sin(points[read["sin"]]) + noises[0],
            "cos": np.cos(points[read["cos"]]) + noises[1],
        }
        order = draw.permutation(num_samples) if split == "random" else np.arange(num_samples)
        counts = np.round(np.array(SHARES[split][:2]) * num_samples).astype(int)
        parts = np.split(order, np.cumsum(counts))

        def table(rows: np.ndarray) -> Rows:
            return Rows(
                {name: as_floats(x[rows]).unsqueeze(1) for name, x in points.items()},
                {task: as_floats(y[rows]) for task, y in values.items()},
            )

        super().__init__(
            splits=dict(zip(("train", "val", "test"), map(table, parts), strict=True)),
            inputs={name: Dense((1,)) for name in points},
            tasks=read,
            source="generated",
            batching=batching,
        )
        self.reader = NumberReader({name: [name] for name in points})


def as_floats(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))
