"""What ``summary.json`` says: what a run was, and what came out."""

from __future__ import annotations

import math
import statistics
import subprocess
from importlib.metadata import version
from typing import Any

import torch
from omegaconf import DictConfig

from mtl_cli import __version__
from mtl_cli.basis import ranks
from mtl_cli.basis.digest import digest_of
from mtl_cli.model.model import Model
from mtl_cli.run.build import Run
from mtl_cli.run.splits import splits_of
from mtl_cli.training.evaluation import Figures
from mtl_cli.training.records import as_figures

PACKAGES = ("torch", "torchvision", "hydra-core", "torchjd", "torchmetrics", "numpy")


def describe(cfg: DictConfig, run: Run, device: torch.device) -> dict[str, Any]:
    """What the run is, known before it begins."""
    tasks = run.model.tasks.items()
    return {
        "name": cfg.name,
        "choices": dict(cfg.choices),
        "dataset": {
            "name": cfg.choices.dataset,
            "source": run.dataset.source,
            "sizes": run.dataset.sizes,
            "drawn": sorted(run.dataset.drawn),
            **({"split": splits_of(run.dataset)} if run.dataset.dealt else {}),
            "digest": digest_of(run.dataset.content()),
        },
        "metrics": {
            name: {
                metric: {"higher_is_better": m.higher_is_better}
                for metric, m in task.metrics.items()
            }
            for name, task in tasks
        },
        "parameters": count_parameters(run.model),
        **({"towers": towers} if (towers := towers_of(run)) else {}),
        "device": str(device),
        "processes": ranks.size(),
        "precision": run.trainer.settings.precision,
        "deterministic": cfg.deterministic,
        "seed": cfg.seed,
        "git": git_state(),
        "versions": {"mtl-cli": __version__} | {package: version(package) for package in PACKAGES},
    }


def towers_of(run: Run) -> list[list[str]]:
    """Tasks that share nothing, and are trained together for what is made of several of them."""
    return [own.group.tasks for own in run.trainer.learners if own.group.is_apart]


def results(run: Run) -> dict[str, Any]:
    """What came out so far."""
    trainer = run.trainer
    best: Figures = {}
    for learner in trainer.learners:
        best |= learner.best.figures
    seconds = math.fsum(trainer.epoch_seconds) + trainer.seconds
    return {
        "ended_by": trainer.ended_by,
        "epochs": trainer.epoch - 1,
        "steps": trainer.step,
        "examples": trainer.ending.examples,
        "best_epoch": {
            task: learner.best.epoch for learner in trainer.learners for task in learner.tasks
        },
        "weighting": {"failures": sum(int(own.weighting.failures) for own in trainer.learners)},
        "train": as_figures(trainer.train_loss),
        "best": best,
        "timing": {
            "train_seconds": seconds,
            "limited_seconds": trainer.ending.spent,
            "examples_per_second": trainer.ending.examples / seconds if seconds else None,
            "epoch_seconds_median": statistics.median(trainer.epoch_seconds or [seconds]),
        },
    }


def count_parameters(model: Model) -> dict[str, Any]:
    """How many numbers are learned: in all, shared, and each task's own.

    A tensor with a slice for each task counts evenly for the tasks that reach it.
    """
    shared = {id(p) for p in model.shared_parameters()}
    per_task = dict.fromkeys(model.tasks, 0)
    for name, parameter in model.named_parameters():
        if id(parameter) not in shared:
            owners = model.reached()[name]
            for task in owners:
                per_task[task] += parameter.numel() // len(owners)
    return {
        "total": sum(p.numel() for p in model.parameters()),
        "shared": sum(p.numel() for p in model.shared_parameters()),
        "per_task": per_task,
    }


def git_state() -> dict[str, Any] | None:
    """The commit of the folder that the run was started in; None outside of git."""

    def ask(*words: str) -> str:
        done = subprocess.run(["git", *words], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        return {"commit": ask("rev-parse", "HEAD"), "dirty": bool(ask("status", "--porcelain"))}
    except (OSError, subprocess.CalledProcessError):
        return None
