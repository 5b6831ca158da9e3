"""A single-task run of K tasks is K separate runs."""

import csv
from pathlib import Path

import pytest
import torch

from mtl_cli.command_line.cli import compose_run
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.run.build import Run, build

WORDS = [
    "arch=single_task",
    "encoder.hidden=[16,16]",
    "dataset.num_samples=1500",
    "optimizer=adamw",
    "optimizer.lr=0.1",
    "scheduler=plateau",
    "scheduler.patience=1",
    "trainer.grad_clip=0.05",
    "trainer.patience=1",
    "trainer.max_epochs=12",
    "tasks.cos.weight=0.5",
]


def made(folder: Path, *words: str) -> Run:
    cfg, path = compose_run("train", [f"hydra.run.dir={folder}", *WORDS, *words])
    (path / "checkpoints").mkdir()
    return build(cfg, RunFolder(path), torch.device("cpu"))


def rows(folder: Path, task: str) -> list[list[str]]:
    with open(folder / "metrics.csv") as file:
        return [row for row in csv.reader(file) if row[3] == task]


@pytest.mark.parametrize("weighting", ["fixed", "uw", "upgrad"])
def test_it_equals_training_each_task_alone_to_the_last_bit(tmp_path: Path, weighting: str) -> None:
    joint = made(tmp_path / "joint", f"weighting={weighting}")
    start = {name: value.clone() for name, value in joint.model.state_dict().items()}
    joint.trainer.fit()
    stops = []
    for task, other in (("sin", "cos"), ("cos", "sin")):
        alone = made(tmp_path / task, f"~tasks.{other}", "weighting=fixed")
        own = alone.model.state_dict()
        alone.model.load_state_dict({name: start[name] for name in own})
        alone.trainer.fit()
        together = joint.model.state_dict()
        for name, value in alone.model.state_dict().items():
            assert torch.equal(together[name], value), name
        assert rows(tmp_path / "joint", task) == rows(tmp_path / task, task)
        [learner] = alone.trainer.learners
        [same] = [learner for learner in joint.trainer.learners if task in learner.tasks]
        assert same.best.epoch == learner.best.epoch
        assert same.best.figures == learner.best.figures
        stops.append(len(rows(tmp_path / task, task)))
    assert stops[0] != stops[1], "the tasks should stop at different epochs, or the test is weak"
