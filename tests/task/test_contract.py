"""What holds for every kind of task, found by the files in ``conf/task``."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from mtl_cli.basis.inputs import Dense
from mtl_cli.command_line.cli import CONF, compose_run
from mtl_cli.run.tasks import make_tasks
from mtl_cli.task.base import Task

NAMES = sorted(path.stem for path in (CONF / "task").glob("*.yaml"))
SIZES = {"num_classes": 4, "num_labels": 3, "size": [5, 4], "of": ["a", "b"]}
B = 12
CLOSE: dict[str, Any] = {"rel": 1e-4, "abs": 1e-6, "nan_ok": True}


def make(name: str, folder: Path) -> Task:
    """The task of a YAML, with the loss and the metrics that it names."""
    cfg, _ = compose_run("train", [f"tasks.sin={name}", "~tasks.cos", f"hydra.run.dir={folder}"])
    for option in SIZES.keys() & set(cfg.tasks.sin):
        cfg.tasks.sin[option] = SIZES[option]
    if name == "truth":  # of one task
        cfg.tasks.sin.of = ["a"]
    return make_tasks(cfg, {"x": Dense((2,))}, {"sin": "x"})[0]


def target_of(task: Task) -> Tensor:
    """Labels, some of them missing."""
    target = task.example_target(B).clone()
    target[::4] = torch.nan if target.is_floating_point() else -1
    task.fit(target)
    return target


def figures(task: Task, output: Tensor, target: Tensor) -> dict[str, float]:
    loss, count = task.loss(output, target)
    found = {"loss": loss.item(), "count": float(count)}
    for name, metric in task.metrics.items():
        metric.reset()
        metric.update(*task.score(output, target))
        found[name] = metric.compute().item()
    return found


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore:No (posi|nega)tive samples")  # made-up labels are alike
def test_a_kind_of_task(name, tmp_path):
    task = make(name, tmp_path / "run")
    target = target_of(task)
    shape = task.example_output(B).shape
    output = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    for metric in list(task.metrics.values())[:1]:  # which reports compare
        assert metric.higher_is_better is not None  # a verdict needs a direction
    found = figures(task, output, target)
    order = torch.randperm(B, generator=torch.Generator().manual_seed(1))
    assert figures(task, output[order], target[order]) == pytest.approx(found, **CLOSE)
    there = torch.arange(B) % 4 > 0
    alone = figures(task, output[there], target[there])
    assert alone == pytest.approx(found, **CLOSE)
    predicted = task.predict(output)
    torch.testing.assert_close(task.predict(task.output_of(predicted)), predicted)
    if (prior := task.prior(target)) is not None:
        constant = task.output_of(prior)
        assert constant.shape == (1, *shape[1:])
        predicted = task.predict(constant).double()
        torch.testing.assert_close(predicted, prior, atol=1e-6, rtol=1e-5)
