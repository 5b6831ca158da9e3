"""From a composed config to live objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, cast

import torch
from hydra.utils import get_class
from omegaconf import DictConfig, OmegaConf, open_dict
from torch import nn
from torch.optim import Optimizer

from mtl_cli.arch.base import Architecture
from mtl_cli.basis.device import place
from mtl_cli.basis.errors import nearest, problem
from mtl_cli.basis.inputs import InputSpec
from mtl_cli.basis.memory import check_fits
from mtl_cli.basis.seed import seed_everything
from mtl_cli.dataset.base import Dataset
from mtl_cli.diagnostic.base import Diagnosis
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.encoder.base import Encoder
from mtl_cli.logger.base import Logger
from mtl_cli.model.model import Model
from mtl_cli.scheduler.base import Scheduler
from mtl_cli.task.base import Parts, Task
from mtl_cli.training.learner import Makers
from mtl_cli.training.observer import Observer
from mtl_cli.training.runtime import Runtime
from mtl_cli.training.settings import Settings
from mtl_cli.training.trainer import Trainer
from mtl_cli.trust.slots import make
from mtl_cli.weighting.base import Weighting

OF_EVERY_TASK = {field.name for field in fields(Parts)}
SIZES = ("num_classes", "num_labels", "num_outputs")  # of a task, which its data may say


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
    targets = cfg.dataset.get("targets")
    if not cfg.tasks and (targets or "targets" not in cfg.dataset):  # else the dataset says more
        raise problem(
            "tasks",
            "must name at least one task",
            f"dataset.targets={targets}, without kinds" if targets else "none",
            "'dataset.targets={label: binary}', or a dataset that has tasks",
        )
    runtime = Runtime(**cfg.runtime)
    runtime.set_up()
    dataset = make_dataset(cfg)
    fill_in(cfg, dataset)
    tasks = make_tasks(cfg, dataset.inputs, dataset.tasks)
    has_weights = folder.last.exists()
    check_fits(lambda: make_model(cfg, tasks, dataset.inputs, has_weights), device)
    seed_everything(cfg.seed)
    model = place(make_model(cfg, tasks, dataset.inputs, has_weights), device)
    for split in dataset.sizes:
        for name, target in dataset.targets(split).items():
            if name in model.tasks:
                model.tasks[name].check_targets(target)
    for name, task in model.tasks.items():
        task.fit(dataset.targets("train")[name])
    reads = {task.name: task.input for task in tasks}
    trainer = Trainer(
        model=model,
        loaders={split: dataset.loader(split, reads, device, cfg.seed) for split in dataset.sizes},
        makers=Makers(
            weighting=make(cfg, "weighting", Weighting),
            optimizer=make(cfg, "optimizer", Optimizer),
            scheduler=make(cfg, "scheduler", Scheduler),
        ),
        settings=make(cfg, "trainer", Settings)(),
        runtime=runtime,
        folder=folder,
        device=device,
        logger=make(cfg, "logger", Logger)(folder=folder.path) if "logger" in cfg else None,
        observer=make_observer(cfg),
    )
    return Run(dataset, model, trainer)


def make_model(
    cfg: DictConfig, tasks: list[Task], inputs: Mapping[str, InputSpec], has_weights: bool
) -> Model:
    """The model of the config on those of the inputs that a task reads.

    Args:
        cfg: the whole config.
        tasks: of the model.
        inputs: ``{input name: its spec}``.
        has_weights: whether a checkpoint will replace the first weights; none are fetched then.
    """
    make_encoder = make(cfg, "encoder", Encoder)
    if has_weights:
        kind = cast(type[Encoder], get_class(cfg.encoder._target_))
        make_encoder.values |= dict.fromkeys(kind.first_weights)
    make_arch = make(cfg, "arch", Architecture)
    reads = {task.name: task.input for task in tasks}
    read = {name: spec for name, spec in inputs.items() if name in reads.values()}
    return Model(make_arch(make_encoder=make_encoder, inputs=read, tasks=reads), tasks)


def make_tasks(
    cfg: DictConfig, inputs: Mapping[str, InputSpec], usual: Mapping[str, str]
) -> list[Task]:
    """The tasks of the config, each with the input that it reads and its head.

    Args:
        cfg: the whole config.
        inputs: ``{input name: its spec}``.
        usual: ``{task: the input that it reads, unless the config says another one}``.
    """
    tasks = []
    for name in cfg.tasks:
        slot = f"tasks.{name}"
        own = cfg.tasks[name]
        if name not in usual:
            close = nearest(name, list(usual)) or next(iter(usual))
            rule = f"must be a task of the dataset: {', '.join(usual)}"
            raise problem(slot, rule, name, f"tasks.{close}, or '~tasks.{name}'")
        if not isinstance(own, DictConfig):
            raise problem(slot, "must be a kind of task", own, f"{slot}=regression")
        given = own.get("input")
        if given is not None and given not in inputs:
            rule = f"must be an input of the dataset: {', '.join(inputs)}"
            raise problem(f"{slot}.input", rule, given, f"{slot}.input={next(iter(inputs))}")
        head = f"{slot}.head" if own.get("head") is not None else "head"
        parts = Parts(
            name=name,
            input=given or usual[name],
            head=make(cfg, head, nn.Module, group="head"),
            loss=make_loss(cfg, f"{slot}.loss"),
            metrics=make_metrics(cfg, f"{slot}.metrics"),
            plots=make_metrics(cfg, f"{slot}.plots"),
            weight=own.get("weight"),
        )
        task = make(cfg, slot, Task, group="task", leave_out=OF_EVERY_TASK)(parts=parts)
        task.try_loss()
        task.try_metrics()
        tasks.append(task)
    return tasks


def make_dataset(cfg: DictConfig) -> Dataset:
    """The dataset; where its seed, or that of its split, is null it is the run's: so each seed
    deals it anew."""
    make_it = make(cfg, "dataset", Dataset, by="of")
    values, split = make_it.values, make_it.values.get("split")
    if values.get("seed", 0) is None:
        values["seed"] = cfg.seed
    if isinstance(split, dict) and split.get("seed", 0) is None:
        split["seed"] = cfg.seed
    return make_it()


def fill_in(cfg: DictConfig, dataset: Dataset) -> None:
    """Writes into the config what only the data knows: tasks that it names, sizes of tasks."""
    with open_dict(cfg):
        for task, pattern in dataset.patterns.items():
            if pattern in cfg.tasks:
                cfg.tasks[task] = cfg.tasks[pattern].copy()
        for pattern in set(dataset.patterns.values()) & set(cfg.tasks):
            del cfg.tasks[pattern]
    for task, own in cfg.tasks.items():
        for option in SIZES:
            if option in own and own[option] is None:
                size = dataset.sizes_of_tasks.get(task)
                if size is None:
                    fix = f"tasks.{task}.{option}=3"
                    rule = "must be given, since the dataset does not say it"
                    raise problem(f"tasks.{task}.{option}", rule, "no value", fix)
                own[option] = size


def make_observer(cfg: DictConfig) -> Observer | None:
    """What is to watch the training, where something was chosen.

    Raises:
        ValueError: where that looks at one moment only.
    """
    if "diagnostic" not in cfg:
        return None
    found = make(cfg, "diagnostic", Diagnosis)()
    if not isinstance(found, Observer):
        choice = cfg.choices.get("diagnostic")
        fix = f"mtl-diagnose diagnostic={choice}, with the same words"
        raise problem("diagnostic", "must be one that can watch a training", choice, fix)
    return found


def make_loss(cfg: DictConfig, slot: str) -> nn.Module:
    """A loss; its lists of numbers (weights of classes) become tensors, as torch wants them."""
    factory = make(cfg, slot, nn.Module, group="loss")
    lists = {k: v for k, v in factory.values.items() if isinstance(v, list)}
    return factory(
        **{key: torch.tensor(value, dtype=torch.float32) for key, value in lists.items()}
    )


def make_metrics(cfg: DictConfig, slot: str) -> dict[str, Any]:
    from torchmetrics import Metric

    named = {} if (there := OmegaConf.select(cfg, slot)) is None else there
    if not isinstance(named, Mapping | DictConfig):
        fix = f"'{slot}={{mae: {{_target_: torchmetrics.MeanAbsoluteError}}}}'"
        raise problem(slot, "must be a mapping from names to metrics", named, fix)
    return {name: make(cfg, f"{slot}.{name}", Metric, group="metrics")() for name in named}
