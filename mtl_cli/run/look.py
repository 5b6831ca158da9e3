"""One diagnosis: from the configuration of what is diagnosed to text, figures and pictures."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, open_dict

from mtl_cli.basis.device import find_device, keep_freed_memory
from mtl_cli.basis.errors import check_boolean, check_integer, problem
from mtl_cli.basis.seed import set_deterministic
from mtl_cli.diagnostic.base import Subject
from mtl_cli.disk import checkpoint
from mtl_cli.disk.logs import logging_to
from mtl_cli.disk.run_folder import RunFolder, from_here
from mtl_cli.drawing.page import drawing_on
from mtl_cli.run.build import build
from mtl_cli.run.diagnostics import make_diagnostics, slots_of
from mtl_cli.run.pictures import Pictures
from mtl_cli.training.trainer import Trainer

log = logging.getLogger(__name__)


def look(
    cfg: DictConfig, subject: DictConfig, folder: RunFolder, weights: Path | None, is_run: bool
) -> str:
    """Diagnoses, prints what comes out, and leaves it in the folder.

    Args:
        cfg: says which diagnostics, of which one looks after the other.
        subject: the configuration of what is diagnosed.
        folder: where the results go.
        weights: a checkpoint; None: those that a training begins with.
        is_run: whether the folder is that of the run with these weights.
    """
    check_integer("looks", cfg.looks, 1, "looks=10")
    check_integer("seed", subject.seed, 0, "seed=0")
    check_boolean("deterministic", subject.deterministic)
    device = find_device(str(subject.device))
    set_deterministic(subject.deterministic)
    keep_freed_memory()
    diagnostics = make_diagnostics(cfg)
    if not diagnostics:
        raise problem("diagnostic", "must be given", "none", "diagnostic=conflict")
    saved = None if weights is None else checkpoint.load(weights)
    bare = without_lookers(subject)
    notices: list[str] = []

    def make_trainer() -> Trainer:
        live = build(bare, folder, device)
        live.model.arch.progress(0.0)
        if saved is not None and weights is not None:
            checkpoint.load_weights(live.model, saved["model"], weights)
        notices[:] = [live.dataset.notice] if live.dataset.notice else []
        return live.trainer

    for diagnostic in diagnostics.values():
        if is_run and diagnostic.name in slots_of(subject):
            diagnostic.name += f"_{cfg.checkpoint}"  # the plain name has what was seen in training
    title = f"{subject.name} (seed {subject.seed}{f', {cfg.checkpoint} weights' if is_run else ''})"
    epoch = epoch_of(saved) if is_run and saved is not None else 0
    page = Pictures(**cfg.pictures).page
    with logging_to(folder.path / "diagnose.log"), drawing_on(page):
        texts: list[str] = []
        for diagnostic in diagnostics.values():
            text = diagnostic.run(Subject(make_trainer, epoch, cfg.looks, folder, title))
            log.info("%s%s\n%s", "\n" if texts else "", title, text)
            texts.append(text)
        log.info("\nresults     %s", from_here(folder.path))
        for notice in notices:
            log.warning("WARNING     the data is %s", notice)
    return "\n\n".join(texts)


def without_lookers(cfg: DictConfig) -> DictConfig:
    """The configuration without what looks at a training, or changes how a model is computed."""
    bare = cfg.copy()
    with open_dict(bare):
        for part in ("diagnostic", "logger"):
            bare.pop(part, None)
        bare.runtime.compile = False
    return bare


def epoch_of(saved: dict[str, Any]) -> int:
    """After which epoch a checkpoint was written."""
    if "epoch" in saved:  # the one in progress
        return int(saved["epoch"]) - 1
    return max((int(own.get("epoch", 0)) for own in saved.get("learners", [])), default=0)
