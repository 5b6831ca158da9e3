"""``study=tune``: tunes every setting with as many trials, and trains the best of each anew.

A sweeper of Hydra's: the sweep's launcher runs the trials, one after the other, by joblib or on
SLURM, as it runs the jobs of any sweep. Nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from mtl_cli.basis.errors import problem
from mtl_cli.command_line.cli import FreshFolders
from mtl_cli.command_line.job_line import silence_batches
from mtl_cli.command_line.unbegun import forgotten

NAME = "hydra_plugins.mtl_cli.Tune"  # where Hydra looks for it; no such package is needed


class Tune(Sweeper):
    """Searches, setting by setting.

    Args:
        max_batch_size: of Hydra's sweeps; ``study.n_jobs`` says it here.
        params: what the study sweeps itself, the seeds of the winners.
    """

    config: DictConfig
    launcher: Launcher

    def __init__(self, max_batch_size: int | None, params: Mapping[str, Any] | None) -> None:
        self.params = dict(params or {})

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        self.hydra_context, self.config = hydra_context, config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> list[Sequence[JobReturn]]:
        try:
            check_installed()
            from mtl_cli.study.plan import make_plan
            from mtl_cli.study.searching import search_all

            plan = make_plan(self.config, arguments, self.params)
            silence_batches()
            return search_all(plan, Path(self.config.hydra.sweep.dir), self.launcher)
        except Exception:
            if FreshFolders.sweep is not None and forgotten(FreshFolders.sweep):
                FreshFolders.sweep = None
            raise


def ready() -> None:
    """Lets Hydra find the sweeper."""
    known: dict[str, Any] = Plugins.instance().class_name_to_class
    known[NAME] = Tune


def check_installed() -> None:
    """Refuses to search without Optuna."""
    if find_spec("optuna") is None:
        fix = "pip install 'mtl-cli[sweep]', or: pip install 'optuna>=4,<5'"
        raise problem("study=tune", "needs the package optuna", "it is not installed", fix)
