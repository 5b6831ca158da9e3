"""Weights & Biases: a run in its folder, ready to be sent."""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mtl_cli.basis.errors import problem
from mtl_cli.basis.hub import library
from mtl_cli.disk.run_folder import from_here
from mtl_cli.logger.base import Logger, curve_of

DONE = ("completed", "stopped_early", "pruned")
REFUSED = re.compile(r"[/\\#?%:]")  # in the name of a project

log = logging.getLogger(__name__)


class WandB(Logger):
    """Writes ``wandb/offline-run-...`` in the run folder, which ``wandb sync`` sends: the
    configuration, figures ``<task>/<metric>/<split>`` by ``step`` (and ``epoch``), pictures.

    Nothing is sent while a run trains, so it needs no account and no network. A run that goes on is
    written anew from ``metrics.csv``, under the id that it had: there is one folder, and each
    figure stands there once.

    Args:
        folder: the run's folder.
        project: the name of the project that it is sent to.

    Raises:
        ValueError: where the package is not installed, or no project can have that name.
    """

    needs = "wandb"

    def __init__(self, folder: Path, project: str) -> None:
        super().__init__(folder)
        if not isinstance(project, str) or not project.strip() or REFUSED.search(project):
            rule = "must be a name without / \\ # ? % :"
            raise problem("logger.wandb.project", rule, project, "logger.wandb.project=mtl-cli")
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # to its makers, over the network
        self.library: Any = library("wandb", "logger=wandb")
        self.project = project
        self.run: Any = None  # from the start on

    def start(self, step: int) -> None:
        before = sorted(self.folder.glob("wandb/offline-run-*"))
        run_id = before[-1].name.rpartition("-")[2] if before else None
        for path in before:
            shutil.rmtree(path)
        config = self.config()
        self.run = self.library.init(
            mode="offline",
            dir=str(self.folder),
            id=run_id,
            project=self.project,
            name=f"{config.get('name')} (seed {config.get('seed')})",
            config=config,
            reinit="create_new",  # beside one of the user's own, in a notebook
            settings=self.library.Settings(console="off", silent=True),
        )
        self.run.define_metric("*", step_metric="step")
        rows: dict[tuple[int, int, str], dict[str, float]] = {}
        for epoch, at, curve, value in self.written():
            split = curve.rpartition("/")[2]
            rows.setdefault((epoch, at, split), {})[curve] = value
        for (epoch, at, _), values in rows.items():
            self.run.log({"epoch": epoch, "step": at, **values})
        place = from_here(Path(self.run.settings.sync_dir))
        log.info("wandb       offline; to send it, when it is trained: wandb sync %s", place)

    def log(
        self, epoch: int, step: int, split: str, figures: Mapping[str, Mapping[str, float]]
    ) -> None:
        values = {
            curve_of(task, metric, split): float(value)
            for task, own in figures.items()
            for metric, value in own.items()
        }
        self.run.log({"epoch": epoch, "step": step, **values})

    def show(self, pictures: Sequence[Path]) -> None:
        for path in pictures:
            if path.suffix == ".png":
                name = path.relative_to(self.folder).with_suffix("").as_posix()
                self.run.log({name: self.library.Image(str(path))})
            else:  # which its pages do not draw, but keep
                self.run.save(str(path), base_path=str(self.folder), policy="now")

    def close(self, status: str) -> None:
        if self.run is not None:
            self.run.finish(exit_code=0 if status in DONE else 1)
