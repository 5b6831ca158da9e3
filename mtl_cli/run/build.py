"""From a composed config to live objects."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import torch
from hydra.utils import get_class
from omegaconf import DictConfig, ListConfig, OmegaConf
from torch.optim import Optimizer

from mtl_cli.arch.base import Architecture
from mtl_cli.arch.trunk import MakeEncoder
from mtl_cli.basis import ranks
from mtl_cli.basis.device import in_precision, place
from mtl_cli.basis.errors import problem
from mtl_cli.basis.inputs import InputSpec
from mtl_cli.basis.memory import check_fits
from mtl_cli.basis.seed import seed_everything
from mtl_cli.dataset.base import Dataset
from mtl_cli.dataset.memory.in_double import InDouble
from mtl_cli.dataset.memory.own_part import own_part_of
from mtl_cli.dataset.splits.options import of_run
from mtl_cli.diagnostic.base import Diagnosis
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.embedding.base import Embedding
from mtl_cli.encoder.base import Encoder
from mtl_cli.logger.base import Logger
from mtl_cli.model.embedded import EmbeddedInputs, has_rows, with_embedding
from mtl_cli.model.model import Model
from mtl_cli.run.first_weights import start_from
from mtl_cli.run.tasks import GROUPS, fill_in, groups_asked, make_tasks
from mtl_cli.scheduler.base import Scheduler
from mtl_cli.task.base import Task
from mtl_cli.task.derived import Derived, order_of
from mtl_cli.training.batch_norm import for_processes
from mtl_cli.training.makers import Makers, copies_of_tables
from mtl_cli.training.observer import Observer
from mtl_cli.training.runtime import Runtime
from mtl_cli.training.settings import Settings
from mtl_cli.training.trainer import Trainer
from mtl_cli.trust.slots import make
from mtl_cli.weighting.base import Weighting

OPTIMIZER = "optimizer"  # an option of an embedding that is the training's


@dataclass(frozen=True)
class Run:
    """The live objects of one run."""

    dataset: Dataset
    model: Model
    trainer: Trainer


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
    check_fits(lambda: make_model(cfg, tasks, dataset.inputs, has_weights), device, held)
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
        logger=make(cfg, "logger", Logger)(folder=folder.path) if "logger" in cfg else None,
        observer=make_observer(cfg),
        seed=cfg.seed,
    )
    return Run(dataset, model, trainer)


def precision_of(cfg: DictConfig) -> torch.dtype:
    """Of the weights."""
    return torch.float64 if str(cfg.trainer.precision) == "64" else torch.float32


def tables_optimizer(cfg: DictConfig) -> Callable[..., Optimizer] | None:
    """Makes the optimizer of an embedding's tables, where they have one of their own."""
    options = cfg.get("embedding") or {}
    if options.get(OPTIMIZER) is None or options.get("width", 0) is None:
        return None
    return make(cfg, f"embedding.{OPTIMIZER}", Optimizer, "row_optimizer")


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
    kind = cast(type[Encoder], get_class(cfg.encoder._target_))
    if has_weights:
        make_encoder.values |= dict.fromkeys(kind.first_weights)
    make_arch = make(cfg, "arch", Architecture)
    reads = {task.name: task.input for task in tasks if not isinstance(task, Derived)}
    read = {name: spec for name, spec in inputs.items() if name in reads.values()}
    embedded, encoders = None, cast(MakeEncoder, make_encoder)
    if cfg.get("embedding") is not None:
        if cfg.embedding.get("width") is not None and not has_rows(read):
            kinds = ", ".join(spec.kind for spec in read.values())
            rule = "needs an input of rows with categories, as dataset=table has"
            raise problem("embedding.width", rule, kinds, "embedding.width=null")
        make_embedding = make(cfg, "embedding", Embedding, leave_out=(OPTIMIZER,))
        if cast(type[Architecture], get_class(cfg.arch._target_)).apart:
            encoders = with_embedding(encoders, make_embedding)
        else:
            embedded = EmbeddedInputs(make_embedding, read)
            read = embedded.gives
    arch = make_arch(make_encoder=encoders, inputs=read, tasks=reads)
    return Model(arch, tasks, kind.maps_by, embedded)


def keep_encoder(cfg: DictConfig) -> None:
    """Writes into the config what its encoder only points to, so that the run's folder has it."""
    made = make(cfg, "encoder", Encoder)
    cfg.encoder.update(made.kind.kept(made.values))


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
