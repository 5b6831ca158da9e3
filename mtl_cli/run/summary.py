"""What ``summary.json`` says: what a run was, and what came out."""

from __future__ import annotations

import math
import statistics
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import torch
from omegaconf import DictConfig, ListConfig

from mtl_cli import __version__
from mtl_cli.basis import ranks
from mtl_cli.basis.digest import digest_of
from mtl_cli.basis.errors import problem
from mtl_cli.comparison.history import Curves
from mtl_cli.comparison.remarks import listed
from mtl_cli.comparison.table import text_table
from mtl_cli.model.model import Model
from mtl_cli.run.build import Run
from mtl_cli.run.splits import splits_of
from mtl_cli.training.evaluation import Figures
from mtl_cli.training.records import as_figures
from mtl_cli.training.wish import as_word, check_wish, weights_of

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


def final_table(summary: dict[str, Any], curves: Curves) -> str:
    """The figures of each task with its best weights, the floor's and the reference's beside them.

    Args:
        summary: of the run.
        curves: of its epochs; the loss on train is that of the epoch whose weights are kept.
    """
    epochs: dict[str, int] = summary["best_epoch"]
    losses = {task: dict(own.get("loss", {}).get("train", [])) for task, own in curves.items()}
    train = {t: {"loss": losses.get(t, {}).get(epoch)} for t, epoch in epochs.items()}
    summary = {**summary, "train": train}
    parts = {"train": "train", "val": "best", "test": "test", "floor": "floor"}
    if "reference" in summary:
        parts["trees"] = "reference"
    rows = [
        [task, metric, *(summary.get(key, {}).get(task, {}).get(metric) for key in parts.values())]
        for task, metrics in summary["metrics"].items()
        for metric in (*metrics, *["loss"] * ("loss" in curves.get(task, {})))
    ]
    lines = [text_table(["task", "metric", *parts], rows), f"train and val: {in_words(epochs)}"]
    if "floor" in summary:
        on = f"on {summary['floor_split']}"
        lines.append(f"floor {on}: always the train mean, or the train shares of the classes")
    if "reference" in summary:
        lines.append(f"trees {on}: {summary['reference_name']}, each target alone")
    return "\n".join(lines)


def in_words(epochs: Mapping[str, int]) -> str:
    """Of which epochs the best weights are."""
    if len({*epochs.values()}) == 1:
        return f"epoch {next(iter(epochs.values()))}, whose weights are kept"
    own = [f"{task} {epoch}" for task, epoch in epochs.items()]
    return f"each task's epoch whose weights are kept ({listed(own)})"


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


def objective(figure: Any, summary: dict[str, Any]) -> Any:
    """What a sweep minimises: a figure of val where there is one, else of train.

    ``loss`` is the sum of the tasks' unweighted losses; a metric of which higher is better is
    turned negative; a mapping gives the sum of such figures by their weights, a list a tuple.
    """
    if isinstance(figure, Mapping):
        return math.fsum(weight * objective(own, summary) for own, weight in figure.items())
    if not isinstance(figure, str):
        return tuple(objective(one, summary) for one in figure)
    figures = summary["best"] or summary["train"]
    if figure == "loss":
        return math.fsum(values.get("loss", 0.0) for values in figures.values())
    task, _, metric = figure.partition("/")
    direction = summary["metrics"][task].get(metric, {"higher_is_better": False})
    return figures[task][metric] * (-1 if direction["higher_is_better"] else 1)


def check_figures(cfg: DictConfig, run: Run) -> None:
    """Refuses a ``trainer.select`` or ``objective`` that no figure of the run is called.

    Without a val split there are the losses of train alone to minimise.
    """
    directed = {
        f"{name}/{metric}": own.higher_is_better is not None
        for name, task in run.model.tasks.items()
        for metric, own in task.metrics.items()
    }
    losses = [f"{name}/loss" for name, task in run.model.tasks.items() if task.trained]
    figures = [*losses, *directed]
    check_wish("trainer.select", cfg.trainer.select, figures, directed)
    wished = cfg.objective if isinstance(cfg.objective, ListConfig) else [cfg.objective]
    for figure in wished:
        check_wish("objective", figure, figures, directed)
        if directed.keys() & weights_of(figure) and "val" not in run.trainer.loaders:
            fix = "objective=loss, which is train's then, or a dataset with a val split"
            said = as_word("objective", figure)
            raise problem(said, "needs a val split", "a dataset without one", fix)


def git_state() -> dict[str, Any] | None:
    """The commit of the folder that the run was started in; None outside of git."""

    def ask(*words: str) -> str:
        done = subprocess.run(["git", *words], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        return {"commit": ask("rev-parse", "HEAD"), "dirty": bool(ask("status", "--porcelain"))}
    except (OSError, subprocess.CalledProcessError):
        return None
