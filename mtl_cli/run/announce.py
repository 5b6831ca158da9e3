"""What a run says before it trains: on which device, on what data, with how large a model."""

from __future__ import annotations

import logging
from typing import Any

from omegaconf import DictConfig

from mtl_cli.basis.inputs import InputSpec, Row
from mtl_cli.dataset.columns.spelling import remark_on
from mtl_cli.disk.run_folder import RunFolder, from_here
from mtl_cli.run.build import Run
from mtl_cli.weighting.fixed import Fixed

MANY = 10_000  # values, beyond which every first layer is large

log = logging.getLogger(__name__)


def announce(live: Run, said: dict[str, Any], cfg: DictConfig, folder: RunFolder) -> None:
    """Says what will be trained.

    Args:
        live: about to be trained.
        said: its summary.
        cfg: its whole config.
        folder: where it is written.
    """
    count = said["parameters"]
    sizes = ", ".join(f"{split} {size:,}" for split, size in live.dataset.sizes.items())
    own = ", ".join(f"{task} {number:,}" for task, number in count["per_task"].items())
    log.info("device      %s", said["device"])
    if said["processes"] > 1:
        log.info("processes   %s", shares(said["processes"], cfg.dataset.get("batch_size")))
    log.info("data        %s (%s): %s", said["dataset"]["name"], live.dataset.source, sizes)
    log.info(
        "model       %s on %s: %s parameters; shared %s, %s",
        *(said["choices"]["arch"], said["choices"]["encoder"]),
        *(f"{count['total']:,}", f"{count['shared']:,}", own),
    )
    for tasks in said.get("towers", ()):
        log.info("towers      %s are trained together, and share nothing", ", ".join(tasks))
    alone = all(len(learner.group.trained) == 1 for learner in live.trainer.learners)
    if alone and cfg.weighting._target_ != f"{Fixed.__module__}.{Fixed.__qualname__}":
        weighting = said["choices"]["weighting"]
        log.info("weighting   %s has nothing to balance: each task is trained alone", weighting)
    if idle := without_width(cfg):
        log.info("embedding   %s without effect: there is no embedding.width", ", ".join(idle))
    if not embedded(cfg) and (most := max(map(one_hot, live.dataset.inputs.values()))) > MANY:
        log.info("embedding   none: %s values are read one-hot; embedding.width=16?", f"{most:,}")
    for note in live.dataset.notes:
        log.info("%s", note)
    for name in live.model.tasks:
        if said_of := remark_on(name, live.dataset.class_names.get(name, [])):
            log.warning("WARNING     %s", said_of)
    for task in live.model.tasks.values():
        for option in task.balanced:
            shown = ", ".join(f"{w:.4g}" for w in getattr(task.criterion, option).tolist()[:10])
            log.info("balanced    tasks.%s.loss.%s: %s", task.name, option, shown)
    if live.dataset.details:
        log.info("each column is in %s", from_here(folder.columns))
    log.info("run folder  %s", from_here(folder.path))
    if live.dataset.notice:
        log.warning("WARNING     the data is %s", live.dataset.notice)


def shares(processes: int, batch: int | None) -> str:
    """How many processes there are, and how many examples of a batch each of them has."""
    if not isinstance(batch, int):
        return f"{processes}, each with its part of every batch"
    least, more = divmod(batch, processes)
    own = f"{least} or {least + 1}" if more else f"{least}"
    return f"{processes}, each with {own} of the {batch} examples of a batch"


def embedded(cfg: DictConfig) -> bool:
    """Whether rows are embedded."""
    return (cfg.get("embedding") or {}).get("width") is not None


def one_hot(spec: InputSpec) -> int:
    """How many codes the first layer has weights for, of an input of rows."""
    return sum(spec.sizes) if isinstance(spec, Row) else 0


def without_width(cfg: DictConfig) -> list[str]:
    """The options that say something of vectors, where rows have none."""
    if embedded(cfg):
        return []
    embedding: Any = cfg.get("embedding") or {}
    columns: Any = cfg.dataset.get("columns") or {}
    said = [f"dataset.columns.{name}.width" for name, own in columns.items() if "width" in own]
    return [*said, *(["embedding.optimizer"] if embedding.get("optimizer") else [])]
