"""From a composed config to its tasks: each with its input, head, loss, metrics and weight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict
from torch import nn

from mtl_cli.basis.errors import nearest, problem
from mtl_cli.basis.inputs import InputSpec
from mtl_cli.dataset.base import Dataset
from mtl_cli.run.losses import make_loss
from mtl_cli.task.base import Parts, Task
from mtl_cli.task.maps import kind_for
from mtl_cli.trust.slots import make

OF_EVERY_TASK = {field.name for field in fields(Parts)}
# Of a task, which its data may say: {option: whether it has to be what the data says}.
SIZES = {"num_classes": False, "num_labels": True, "num_outputs": True}
UNSAID = (None, 1)  # values that leave it to the data
SHIFT = "shift"  # of binary tasks: of the logit, where train has a sample of the rows
GROUPS = "group_columns"  # of a dataset: what batches carry for metrics within groups
MAP_SIZE = "size"  # of tasks whose labels are maps: their height and width


def fill_in(cfg: DictConfig, dataset: Dataset) -> None:
    """Writes into the config what only the data knows: tasks that it names, sizes of tasks."""
    with open_dict(cfg):
        for task, pattern in dataset.patterns.items():
            if pattern in cfg.tasks:
                cfg.tasks[task] = cfg.tasks[pattern].copy()
        for pattern in set(dataset.patterns.values()) & set(cfg.tasks):
            del cfg.tasks[pattern]
    for task, shift in dataset.shifts.items():
        if task in cfg.tasks and SHIFT not in cfg.tasks[task]:
            fix = f"tasks.{task}=binary, or dataset.downsample=null"
            rule = "must be binary, since its rows are sampled by its labels"
            raise problem(f"tasks.{task}", rule, cfg.tasks[task].get("_target_"), fix)
        if task in cfg.tasks:
            cfg.tasks[task][SHIFT] = shift
    for task, own in cfg.tasks.items():
        if MAP_SIZE in own and own[MAP_SIZE] is None:
            own[MAP_SIZE] = map_size(task, dataset)
        elif task in dataset.map_sizes and MAP_SIZE not in own:
            kind = kind_for(dataset.targets("train")[task])
            rule = "must be of every pixel, since its labels are maps"
            found = f"one label an example ({own.get('_target_')})"
            raise problem(f"tasks.{task}", rule, found, f"tasks.{task}={kind}")
        size = dataset.sizes_of_tasks.get(task)
        for option in (option for option in SIZES if option in own):
            if size is not None and own[option] in UNSAID:
                own[option] = size
            elif own[option] is None:
                fix = f"tasks.{task}.{option}=3"
                rule = "must be given, since the dataset does not say it"
                raise problem(f"tasks.{task}.{option}", rule, "no value", fix)
            elif size not in (None, own[option]) and SIZES[option]:
                fix = f"tasks.{task}.{option}={size}, or leave it out"
                rule = f"must be what the data has: {size}"
                raise problem(f"tasks.{task}.{option}", rule, own[option], fix)


def map_size(task: str, dataset: Dataset) -> list[int]:
    """The height and width of a task's maps."""
    if task not in dataset.map_sizes:
        maps = ", ".join(dataset.map_sizes) or "none"
        rule = "needs a label for every pixel"
        fix = f"a task that has them, or tasks.{task} of another kind (multiclass, regression)"
        raise problem(f"tasks.{task}", rule, f"the dataset has maps for: {maps}", fix)
    return list(dataset.map_sizes[task])


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
        if name not in usual and needs_labels(cfg, slot):
            close = nearest(name, list(usual)) or next(iter(usual))
            rule = f"must be a task of the dataset: {', '.join(usual)}"
            fix = f"tasks.{close}, or '~tasks.{name}'"
            if own.get("of") is not None:  # a derived task has labels as any other
                fix = f"'dataset.targets.{name}={{kind: binary, column: <column of its labels>}}'"
            raise problem(slot, rule, name, fix)
        if not isinstance(own, DictConfig):
            raise problem(slot, "must be a kind of task", own, f"{slot}=regression")
        given = own.get("input")
        if given is not None and given not in inputs:
            rule = f"must be an input of the dataset: {', '.join(inputs)}"
            raise problem(f"{slot}.input", rule, given, f"{slot}.input={next(iter(inputs))}")
        head = f"{slot}.head" if own.get("head") is not None else "head"
        loss, balanced = make_loss(cfg, f"{slot}.loss")
        parts = Parts(
            name=name,
            input=given or usual.get(name, next(iter(usual.values()))),
            head=make(cfg, head, nn.Module, group="head"),
            loss=loss,
            metrics=make_metrics(cfg, f"{slot}.metrics"),
            plots=make_metrics(cfg, f"{slot}.plots"),
            weight=own.get("weight"),
            balanced=balanced,
            weight_decay=own.get("weight_decay", 1.0),
            shift=own.get(SHIFT, 0.0),
        )
        task = make(cfg, slot, Task, group="task", leave_out=OF_EVERY_TASK)(parts=parts)
        task.try_loss()
        task.try_metrics()
        tasks.append(task)
    return tasks


def needs_labels(cfg: DictConfig, slot: str) -> bool:
    """Whether a task is one that the dataset must have; a tower, say, is not."""
    if not isinstance(OmegaConf.select(cfg, slot), DictConfig):
        return True
    kind = make(cfg, slot, Task, group="task", leave_out=OF_EVERY_TASK).kind
    return bool(kind.has_labels)


def groups_asked(cfg: DictConfig) -> list[str]:
    """The columns that say the groups of metrics within groups."""
    from torchmetrics import Metric

    from mtl_cli.metric.measuring import Grouped

    found: list[str] = []
    for task in cfg.tasks:
        named = OmegaConf.select(cfg, f"tasks.{task}.metrics")
        for name, own in named.items() if isinstance(named, DictConfig) else ():
            slot = f"tasks.{task}.metrics.{name!s}"
            if isinstance(own, DictConfig) and isinstance(own.get("by"), str):
                kind = make(cfg, slot, Metric, group="metrics").kind
                found += [own.by] if issubclass(kind, Grouped) else []
    return list(dict.fromkeys(found))


def make_metrics(cfg: DictConfig, slot: str) -> dict[str, Any]:
    from torchmetrics import Metric

    named = {} if (there := OmegaConf.select(cfg, slot)) is None else there
    if not isinstance(named, Mapping | DictConfig):
        fix = f"'{slot}={{mae: {{_target_: torchmetrics.MeanAbsoluteError}}}}'"
        raise problem(slot, "must be a mapping from names to metrics", named, fix)
    return {name: make(cfg, f"{slot}.{name}", Metric, group="metrics")() for name in named}
