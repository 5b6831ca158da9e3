"""From a composed config to live objects: the one place that calls ``hydra.utils.instantiate``.

A config is not a program: each slot takes only classes of its kind, which is checked on the
resolved object before it is called; functions are refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from hydra.utils import get_object, instantiate
from omegaconf import DictConfig, OmegaConf
from torch import nn
from torch.optim import Optimizer
from torchjd.linalg import DualConeProjector

from mtl_cli.arch.base import Architecture
from mtl_cli.dataset.base import Dataset
from mtl_cli.encoder.base import Encoder
from mtl_cli.errors import Problem, nearest, problem
from mtl_cli.learner import Makers
from mtl_cli.model import Model
from mtl_cli.run_folder import RunFolder
from mtl_cli.scheduler.base import Scheduler
from mtl_cli.seed import seed_everything
from mtl_cli.settings import Settings
from mtl_cli.task import Task
from mtl_cli.trainer import Trainer
from mtl_cli.weighting.base import Weighting


@dataclass(frozen=True)
class Run:
    """The live objects of one run."""

    dataset: Dataset
    model: Model
    trainer: Trainer


def build(cfg: DictConfig, folder: RunFolder, device: torch.device) -> Run:
    """Makes everything that a config describes.

    The global generators are seeded immediately before the model is made: its weights depend on
    the seed and the model alone, not on what the dataset drew.
    """
    if not cfg.tasks:
        raise problem("tasks", "must name at least one task", "none", "a dataset with its tasks")
    dataset = make(cfg, "dataset", Dataset)()
    tasks = make_tasks(cfg, dataset)
    make_encoder = make(cfg, "encoder", Encoder)
    make_arch = make(cfg, "arch", Architecture)
    seed_everything(cfg.seed)
    reads = {task.name: task.input for task in tasks}
    inputs = {name: spec for name, spec in dataset.inputs.items() if name in reads.values()}
    arch = make_arch(make_encoder=make_encoder, inputs=inputs, tasks=reads)
    model = Model(arch, tasks).to(device)
    for split in dataset.sizes:
        for name, target in dataset.targets(split).items():
            if name in model.tasks:
                model.tasks[name].check_targets(target)
    for name, task in model.tasks.items():
        task.fit(dataset.targets("train")[name])
    trainer = Trainer(
        model=model,
        loaders={split: dataset.loader(split, reads, device, cfg.seed) for split in dataset.sizes},
        makers=Makers(
            weighting=make(cfg, "weighting", Weighting),
            optimizer=make(cfg, "optimizer", Optimizer),
            scheduler=make(cfg, "scheduler", Scheduler),
        ),
        settings=make(cfg, "trainer", Settings)(),
        folder=folder,
        device=device,
    )
    return Run(dataset, model, trainer)


def make_tasks(cfg: DictConfig, dataset: Dataset) -> list[Task]:
    """The tasks of the config, each with the input that it reads and its head."""
    tasks = []
    for name in cfg.tasks:
        slot = f"tasks.{name}"
        own = cfg.tasks[name]
        if name not in dataset.tasks:
            close = nearest(name, list(dataset.tasks)) or next(iter(dataset.tasks))
            rule = f"must be a task of the dataset: {', '.join(dataset.tasks)}"
            raise problem(slot, rule, name, f"tasks.{close}, or '~tasks.{name}'")
        given = own.get("input")
        if given is not None and given not in dataset.inputs:
            rule = f"must be an input of the dataset: {', '.join(dataset.inputs)}"
            raise problem(
                f"{slot}.input", rule, given, f"{slot}.input={next(iter(dataset.inputs))}"
            )
        head = f"{slot}.head" if own.get("head") is not None else "head"
        parts = {
            "loss": make_loss(cfg, f"{slot}.loss"),
            "head": make(cfg, head, nn.Module, group="head"),
            "metrics": make_metrics(cfg, f"{slot}.metrics"),
            "input": given or dataset.tasks[name],
        }
        task = make(cfg, slot, Task, group="task", leave_out=parts)(name=name, **parts)
        task.try_loss()
        tasks.append(task)
    return tasks


def make_loss(cfg: DictConfig, slot: str) -> nn.Module:
    """A loss; its lists of numbers (weights of classes) become tensors, as torch wants them."""
    factory = make(cfg, slot, nn.Module, group="loss")
    lists = {k: v for k, v in factory.values.items() if isinstance(v, list)}
    return factory(
        **{key: torch.tensor(value, dtype=torch.float32) for key, value in lists.items()}
    )


def make_metrics(cfg: DictConfig, slot: str) -> dict[str, Any]:
    from torchmetrics import Metric

    named = OmegaConf.select(cfg, slot) or {}
    return {name: make(cfg, f"{slot}.{name}", Metric, group="metrics")() for name in named}


class Factory:
    """A class and the config's values for it, checked; calling it adds the live objects.

    Args:
        slot: where in the config it stands.
        node: the config.
        advice: what to do where the class refuses the values.
    """

    def __init__(self, slot: str, node: dict[str, Any], advice: str) -> None:
        self.slot = slot
        self.advice = advice
        self.target = node["_target_"]
        self.values = {key: value for key, value in node.items() if not key.startswith("_")}

    def __call__(self, *args: Any, **live: Any) -> Any:
        node = {"_target_": self.target, "_partial_": True, "_convert_": "all"} | self.values
        try:
            return instantiate(node, _recursive_=True)(*args, **live)
        except Problem:
            raise
        except Exception as error:
            cause = error.__cause__ or error
            if isinstance(cause, Problem):
                raise cause from error
            given = ", ".join(f"{key}={value!r}" for key, value in self.values.items())
            found = f"{type(cause).__name__}: {cause}\n          from {given or 'no values'}"
            rule = f"must be values that {self.target} takes"
            raise problem(self.slot, rule, found, self.advice) from error


def make(
    cfg: DictConfig,
    slot: str,
    kind: type,
    group: str | None = None,
    leave_out: Mapping[str, Any] | None = None,
) -> Factory:
    """The factory of what stands at ``slot``, once all its classes are found to be of their kind.

    Raises:
        ValueError: where it is no part, or a target in it is no class of its slot's kind.
    """
    node = OmegaConf.select(cfg, slot)
    key = slot if group in (None, slot) else f"{group}@{slot}"
    if not isinstance(node, DictConfig) or "_target_" not in node:
        word = node if isinstance(node, str) else "<choice>"
        fix = f"{slot}._target_=<class>" if group == "metrics" else f"{key}={word}"
        raise problem(slot, "must be a whole part, not a word or a number", node, fix)
    values: Any = OmegaConf.to_container(node, resolve=True)
    plain = {str(key): value for key, value in values.items() if key not in (leave_out or {})}
    check_target(slot, plain["_target_"], kind)
    for path, target in nested_targets(plain, slot):
        check_target(path, target, (nn.Module, DualConeProjector))
    choice = cfg.choices.get(key)
    advice = f"{key}={choice} --help, which lists the options" if choice else "other values"
    return Factory(slot, plain, advice)


def check_target(slot: str, target: Any, kind: type | tuple[type, ...]) -> None:
    """Refuses a target that is not a class of the slot's kind, before anything calls it."""
    kinds = kind if isinstance(kind, tuple) else (kind,)
    rule = f"must be a class of the kind {' or '.join(one.__name__ for one in kinds)}"
    fix = "a _target_ of that kind; the choices are in --help"
    if not isinstance(target, str):
        raise problem(f"{slot}._target_", rule, target, fix)
    try:
        found = get_object(target)
    except Exception as error:
        raise problem(f"{slot}._target_", rule, f"{target}, which cannot be found", fix) from error
    if not isinstance(found, type) or not issubclass(found, kind):
        what = "a class of another kind" if isinstance(found, type) else "no class"
        raise problem(f"{slot}._target_", rule, f"{target}, which is {what}", fix)


def nested_targets(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    """All targets inside a node, at any depth, with their paths."""
    items: Any = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items:
        if isinstance(value, dict | list):
            if isinstance(value, dict) and "_target_" in value:
                yield f"{path}.{key}", value["_target_"]
            yield from nested_targets(value, f"{path}.{key}")
