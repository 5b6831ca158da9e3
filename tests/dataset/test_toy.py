"""The toy problem as a run: the point is the only parameter, and every step sees it whole."""

from pathlib import Path

import pytest
import torch

import mtl_cli.train
from mtl_cli.loss.toy import Toy

START = [-8.5, 7.5]


@pytest.mark.parametrize("weighting", ["fixed", "mgda"])
def test_steps_are_those_of_a_bare_loop(tmp_path: Path, weighting: str):
    folder = tmp_path / "run"
    words = ["experiment=toy", f"weighting={weighting}", "trainer.max_epochs=5"]
    summary = mtl_cli.train([f"hydra.run.dir={folder}", *words])
    assert summary["parameters"] == {"total": 2, "shared": 2, "per_task": {"first": 0, "second": 0}}
    model = torch.load(folder / "checkpoints" / "last.pt", weights_only=True)["model"]
    [point] = [value for name, value in model.items() if name.startswith("arch.")]
    if weighting == "fixed":
        expected = torch.tensor([START], requires_grad=True)
        optimizer = torch.optim.Adam([expected], lr=0.001)
        for _ in range(5):
            optimizer.zero_grad()
            (Toy(1)(expected, expected) + Toy(2)(expected, expected)).backward()
            optimizer.step()
        torch.testing.assert_close(point, expected.detach())
    assert not torch.equal(point, torch.tensor([START]))
