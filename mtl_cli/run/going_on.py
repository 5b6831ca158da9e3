"""A run goes on from its folder, perhaps for longer, or shorter, than it was planned."""

from __future__ import annotations

import logging
from copy import copy

from omegaconf import DictConfig

from mtl_cli.arch.base import Architecture
from mtl_cli.basis.duration import in_words
from mtl_cli.comparison.history import read_history
from mtl_cli.dataset.files.held import is_held
from mtl_cli.disk import checkpoint
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.processes.leading import line_of
from mtl_cli.training.learner import Learner
from mtl_cli.training.trainer import Trainer
from mtl_cli.weighting.base import Weighting

log = logging.getLogger(__name__)


def go_on(trainer: Trainer, folder: RunFolder) -> None:
    """Takes back what the last checkpoint holds, and says what is left to train.

    Raises:
        ValueError: where a file of the folder cannot be read.
    """
    if folder.metrics.exists():
        read_history(folder.metrics, torn=True)  # which is drawn at the end
    with checkpoint.reading(folder.last):
        trainer.resume()
    if trainer.ended_by is not None:
        said = "" if (more := longer(trainer)) is None else f"; {more} would go on"
        log.info("nothing is left to train%s", said)
    elif (changed := extension(trainer)) is not None:
        log.info("%s", changed)


def how_to_go_on(cfg: DictConfig, folder: RunFolder) -> str | None:
    """The command, or the call, with which an interrupted run goes on; None: it has not begun."""
    if not folder.config.exists():
        return None
    if not is_held(cfg.dataset.get("path") or ""):
        return line_of(cfg, folder.path)
    call = f"mtl_cli.train(['resume={folder.path}'], data=...)"
    return f"{call}; of a comparison: mtl_cli.compare(..., folder='{folder.path.parent}')"


def longer(trainer: Trainer) -> str | None:
    """The option with which a training that is over would go on; None: no length ended it."""
    settings, option = trainer.settings, trainer.ended_by
    values = {
        "trainer.max_epochs": str(trainer.epoch),
        "trainer.max_steps": str(2 * trainer.step),
        "trainer.max_examples": str(2 * trainer.ending.examples),
        "trainer.time_limit": in_words(2 * round(settings.time_limit or 0, 3)),
    }
    return f"{option}={values[option]}" if option in values else None


def how_it_ended(trainer: Trainer) -> str | None:
    """Why a training is over before the end that its schedule was made for; None: it is not."""
    settings, steps = trainer.settings, f"{trainer.step:,} of {trainer.total_steps:,} steps"
    if trainer.ended_by == "trainer.time_limit":
        limit, spent = in_words(settings.time_limit), in_words(round(trainer.ending.spent))
        said = f"by trainer.time_limit={limit}, in which it made {steps}"
        return said if spent == limit else f"{said}, and {spent} with the last evaluation"
    if trainer.ended_by == "trainer.max_examples":
        return f"by trainer.max_examples={settings.max_examples}, after {trainer.step:,} steps"
    if trainer.ended_by == "trainer.patience":
        whose = {"select": "val", "first": "a task", "all": "any task"}[settings.stop]
        stop = "" if settings.stop == "select" else f" trainer.stop={settings.stop}"
        return f"by trainer.patience={settings.patience}{stop}: {whose} no longer improves"
    return None


def extension(trainer: Trainer) -> str | None:
    """What another length does to the schedule of a resumed training; None: it has the old one."""
    before, now, step = trainer.planned_steps, trainer.total_steps, trainer.step
    if before == now:
        return None
    said = f"length      {before:,} steps were planned, and are {now:,} now: "
    rates = [(rate_at(own, step, before), rate_at(own, step, now)) for own in trainer.learners]
    stretched = any(bends(own, before, now) for own in trainer.learners)
    others = [type(part).__name__ for part in schedules(trainer)]
    if not stretched and not others:
        return said + "the learning rate does not depend on it"
    if stretched:
        said += "the schedule is stretched to the new length; the learning rate goes on at "
        said += f"{rates[0][1]:.3g}, by the old plan {rates[0][0]:.3g}. "
    if others:
        said += f"{', '.join(others)} reckons with the new length too. "
    return said + f"The steps before were made by the old plan: it is no run of {now:,} steps"


def rate_at(learner: Learner, step: int, total: int) -> float:
    """The learning rate of the first parameters in a training of so many steps."""
    return learner.scheduler.initial_rates[0] * factor_at(learner, step, total)


def factor_at(learner: Learner, step: int, total: int) -> float:
    planned = copy(learner.scheduler)
    planned.total_steps = total
    return planned.factor(step)


def bends(learner: Learner, one: int, other: int) -> bool:
    """Whether the schedule of a training depends on which of two lengths it has."""
    steps = range(min(one, other))
    return any(
        factor_at(learner, step, one) != factor_at(learner, step, other)
        for step in steps[:: max(1, len(steps) // 100)]
    )


def schedules(trainer: Trainer) -> list[Architecture | Weighting]:
    """The parts, beside the schedule, that look at the share of the training that is done."""
    arch = trainer.model.arch
    found: list[Architecture | Weighting] = []
    if type(arch).progress is not Architecture.progress:
        found.append(arch)
    kinds = {type(own.weighting): own.weighting for own in trainer.learners}
    return [*found, *(w for kind, w in kinds.items() if kind.progress is not Weighting.progress)]
