"""The trainings of the sin/cos notebooks, against the loops that a notebook would hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from bench.loop_ple import layered_ple
from bench.loops import LoopMMoE, layer
from bench.measure import Row, in_turn, made

EPOCHS, REPEATS = 100, 5
EXPERIMENTS = ("sincos_notebook", "sincos_notebook_mmoe", "sincos_notebook_ple")


class LoopHPS(nn.Module):
    """One trunk for all tasks."""

    def __init__(self, trunk: nn.Module, heads: list[nn.Module]) -> None:
        super().__init__()
        self.trunk, self.heads = trunk, nn.ModuleList(heads)

    def forward(self, x: Tensor) -> list[Tensor]:
        features = self.trunk(x)
        return [head(features) for head in self.heads]


def loop_model(experiment: str) -> nn.Module:
    """The notebook's model; its towers have one hidden layer."""

    def towers(width: int) -> list[nn.Module]:
        return [nn.Sequential(layer(width, 16), nn.Linear(16, 1)) for _ in range(2)]

    if experiment == "sincos_notebook":
        return LoopHPS(layer(1, 32), towers(32))
    if experiment == "sincos_notebook_mmoe":
        return LoopMMoE([layer(1, 16) for _ in range(10)], 1, towers(16))
    return layered_ple(1, [16], 4, 2, towers(16))


def loop_training(experiment: str, x: Tensor, targets: list[Tensor]) -> None:
    """A loss for each task; every epoch's become numbers."""
    model = loop_model(experiment)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    history = []
    for _ in range(EPOCHS):
        model.train()
        optimizer.zero_grad()
        outputs = model(x)
        losses = [
            nn.functional.mse_loss(output.squeeze(1), target)
            for output, target in zip(outputs, targets, strict=True)
        ]
        total = torch.stack(losses).sum()
        total.backward()
        optimizer.step()
        history.append([total.item(), *(loss.item() for loss in losses)])


def notebooks_rows() -> Iterator[Row]:
    """Each training, and all three together."""
    together = [0.0, 0.0]
    for experiment in EXPERIMENTS:
        runs = [made(f"experiment={experiment}") for _ in range(REPEATS + 1)]
        count = sum(p.numel() for p in runs[0].model.parameters())
        assert count == sum(p.numel() for p in loop_model(experiment).parameters())
        table = runs[0].dataset.splits["train"]  # type: ignore[attr-defined]
        x, targets = table.inputs["x"], [table.targets["sin"], table.targets["cos"]]

        def ours(runs: list = runs) -> None:
            runs.pop().trainer.fit()

        def loop(name: str = experiment, x: Tensor = x, targets: list[Tensor] = targets) -> None:
            loop_training(name, x, targets)

        calls: list[Callable[[], None]] = [ours, loop]
        seconds = in_turn(calls, REPEATS)
        together = [a + b for a, b in zip(together, seconds, strict=True)]
        name = f"notebooks: {experiment}, {EPOCHS} epochs"
        yield Row(name, "a notebook's loop", seconds, seconds[1] / seconds[0], "")
    ratio = together[1] / together[0]
    yield Row("notebooks: all three", "a notebook's loop", together, ratio, "at least 3")
