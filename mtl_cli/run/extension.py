"""What it means for a run to be trained longer, or shorter, than it was planned."""

from __future__ import annotations

from copy import copy

from mtl_cli.arch.base import Architecture
from mtl_cli.training.learner import Learner
from mtl_cli.training.trainer import Trainer
from mtl_cli.weighting.base import Weighting


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
