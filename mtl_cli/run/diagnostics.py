"""The diagnostics that a configuration names: one in their place, or several by their names."""

from __future__ import annotations

from omegaconf import DictConfig

from mtl_cli.basis.errors import Problem, problem
from mtl_cli.diagnostic.base import Diagnosis
from mtl_cli.training.observer import Observer
from mtl_cli.training.observers import Observers
from mtl_cli.trust.slots import make

PLACE = "diagnostic"


def slots_of(cfg: DictConfig) -> dict[str, str]:
    """Where each diagnostic stands: ``{"gates": "diagnostic.gates"}``, alone ``diagnostic``."""
    said = cfg.get(PLACE)
    if said is None:
        return {}
    if isinstance(said, DictConfig) and "_target_" not in said:
        return {name: f"{PLACE}.{name}" for name in map(str, said)}
    return {str(cfg.choices.get(PLACE)): PLACE}


def make_diagnostics(cfg: DictConfig) -> dict[str, Diagnosis]:
    """All of them by their names."""
    return {name: make_one(cfg, slot) for name, slot in slots_of(cfg).items()}


def make_one(cfg: DictConfig, slot: str) -> Diagnosis:
    """One; what it says of its options, which cannot know where it stands, is of its place."""
    try:
        found: Diagnosis = make(cfg, slot, Diagnosis)()
    except Problem as error:
        raise (error if error.thing.startswith(slot) else error.at(PLACE, slot)) from error
    return found


def make_observer(cfg: DictConfig) -> Observer | None:
    """What is to watch the training, where something was chosen.

    Raises:
        ValueError: where that looks at one moment only.
    """
    watching: dict[str, Observer] = {}
    for name, found in make_diagnostics(cfg).items():
        if not isinstance(found, Observer):
            rule, fix = "must be one that can watch a training", f"mtl-diagnose diagnostic={name}"
            raise problem(PLACE, rule, name, f"{fix}, with the same words")
        watching[name] = found
    return Observers(watching) if watching else None
