"""From a composed config to live objects."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from omegaconf import DictConfig, ListConfig, OmegaConf
from torch.optim import Optimizer

from mtl_cli.basis import ranks
from mtl_cli.basis.device import in_precision, place
from mtl_cli.basis.errors import problem
from mtl_cli.basis.inputs import InputSpec
from mtl_cli.basis.memory import check_fits
from mtl_cli.basis.seed import seed_everything
from mtl_cli.dataset.base import Dataset, Loader
from mtl_cli.dataset.memory.in_double import InDouble
from mtl_cli.dataset.memory.own_part import own_part_of
from mtl_cli.dataset.splits.options import of_run
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.logger.base import Logger
from mtl_cli.model.model import Model
from mtl_cli.run.copies import Copies
from mtl_cli.run.diagnostics import make_observer
from mtl_cli.run.features import with_features
from mtl_cli.run.first_weights import start_from
from mtl_cli.run.make_model import CACHE, keep_encoder, make_model, tables_optimizer
from mtl_cli.run.tasks import GROUPS, fill_in, groups_asked, make_tasks
from mtl_cli.scheduler.base import Scheduler
from mtl_cli.task.base import Task
from mtl_cli.task.derived import order_of
from mtl_cli.training.batch_norm import for_processes
from mtl_cli.training.makers import Makers, copies_of_tables
from mtl_cli.training.runtime import Runtime
from mtl_cli.training.settings import Settings
from mtl_cli.training.trainer import Trainer
from mtl_cli.trust.slots import make
from mtl_cli.weighting.base import Weighting


@dataclass(frozen=True)
class Run:
    """The live objects of one run."""

    dataset: Dataset
    model: Model
    trainer: Trainer
    loaders: Mapping[str, Loader]  # of the examples as they are


def build(
    cfg: DictConfig, folder: RunFolder, device: torch.device, first: Path | None = None
) -> Run:
    """Makes everything that a config describes; the model with the weights of another run, where
    ``first`` is its checkpoint.

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
    parts = {task: OmegaConf.select(cfg, f"tasks.{task}.of") for task in cfg.tasks}
    made_of = {task: of for task, of in parts.items() if isinstance(of, ListConfig)}
    order_of(made_of, list(cfg.tasks))  # before any work
    runtime = Runtime(**cfg.runtime)
    runtime.set_up()
    with in_precision(torch.float32):
        dataset = make_dataset(cfg, folder)
    fill_in(cfg, dataset)
    keep_encoder(cfg)
    tasks = make_tasks(cfg, dataset.inputs, dataset.tasks)
    has_weights = folder.last.exists()
    tables = tables_optimizer(cfg)
    held = partial(copies_of_tables, make_tables=tables)
    check_fits(lambda: tried(cfg, tasks, dataset.inputs), device, held)
    seed_everything(cfg.seed)
    model = place(make_model(cfg, tasks, dataset.inputs, has_weights), device)
    for split in dataset.sizes:
        targets = dataset.targets(split)  # which may be made anew each time it is asked for
        for name, task in ((n, own) for n, own in model.tasks.items() if own.has_labels):
            task.check_targets(targets[name])
            if split == "train":
                task.fit(targets[name])
    if first is not None:  # before the trainer, whose average of the weights begins at them
        start_from(first, model)
    ranks.take_from_first(model.state_dict().values())
    model = for_processes(model, cfg.trainer.batch_norm, device)
    reads = {task.name: task.input for task in tasks if task.has_labels}
    loaders = {split: dataset.loader(split, reads, device, cfg.seed) for split in dataset.sizes}
    loaders = {split: own_part_of(loader, reads) for split, loader in loaders.items()}
    if precision_of(cfg) is torch.float64:
        if device.type == "mps":
            rule, found = "needs a device with double precision", "mps, which has none"
            raise problem("trainer.precision=64", rule, found, "device=cpu")
        loaders = {split: InDouble(loader) for split, loader in loaders.items()}
    read = loaders
    if cfg.encoder.get(CACHE):
        loaders = with_features(model, loaders, device)
    if device.type == "cpu":
        examples = math.ceil(dataset.sizes["train"] / max(1, len(loaders["train"])))
        runtime.set_threads(model, model.inputs.values(), examples)
    trainer = Trainer(
        model=model,
        loaders=loaders,
        makers=Makers(
            weighting=make(cfg, "weighting", Weighting),
            optimizer=make(cfg, "optimizer", Optimizer),
            scheduler=make(cfg, "scheduler", Scheduler),
            tables=tables,
        ),
        settings=make(cfg, "trainer", Settings)(),
        runtime=runtime,
        folder=folder,
        device=device,
        loggers=make_loggers(cfg, folder),
        observer=make_observer(cfg),
        seed=cfg.seed,
    )
    return Run(dataset, model, trainer, read)


def tried(cfg: DictConfig, tasks: list[Task], inputs: Mapping[str, InputSpec]) -> Model:
    """The model, made to see whether it fits, which asks for no first weights; says of how many
    copies of an encoder it is."""
    copies = Copies(cfg)
    model = make_model(cfg, tasks, inputs, has_weights=True, noted=copies.noted)
    copies.say()
    return model


def make_loggers(cfg: DictConfig, folder: RunFolder) -> list[Logger]:
    """What shows the run beside ``metrics.csv``; of several processes the one that writes has it.

    Each stands under its name; one of the user's own, whose YAML names no place, alone in theirs.
    """
    said = cfg.get("logger")
    if said is None or not folder.writes:
        return []
    slots = ["logger"] if "_target_" in said else [f"logger.{name}" for name in said]
    return [make(cfg, slot, Logger)(folder=folder.path) for slot in slots]


def precision_of(cfg: DictConfig) -> torch.dtype:
    """Of the weights."""
    return torch.float64 if str(cfg.trainer.precision) == "64" else torch.float32


def make_dataset(cfg: DictConfig, folder: RunFolder | None = None) -> Dataset:
    """The dataset; where its seed, or that of its split, is null it is the run's: so each seed
    deals it anew.

    Args:
        cfg: the whole config.
        folder: of a run that has begun, which may hold what the dataset's options name.
    """
    make_it = make(cfg, "dataset", Dataset, by="of")
    values = make_it.values
    if folder is not None and folder.reader.is_file():
        kept = [name for name in make_it.kind.kept if values.get(name) is not None]
        values |= dict.fromkeys(kept, str(folder.reader))
    if values.get("seed", 0) is None:
        values["seed"] = cfg.seed
    if "split" in values:
        values["split"] = of_run(values["split"], cfg.seed)
    asked = groups_asked(cfg)
    if asked and GROUPS not in values:
        rule = "need a dataset whose rows are of groups: dataset=table, dataset=clicks"
        raise problem("metrics within groups", rule, f"by {', '.join(asked)}", "metrics without by")
    if asked:
        values[GROUPS] = list(dict.fromkeys([*(values[GROUPS] or ()), *asked]))
    return make_it()
