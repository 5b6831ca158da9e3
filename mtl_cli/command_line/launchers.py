"""How a sweep's jobs are run: ``hydra/launcher=joblib``, ``submitit_local``, ``submitit_slurm``.

The launchers are Hydra's plugins. Here is what they lack on one machine: shared cores, the jobs'
lines on the terminal, and an end for all of them with the command.
"""

from __future__ import annotations

import re
import shlex
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from hydra.utils import get_class
from omegaconf import DictConfig

from mtl_cli.basis.cores import shared_out
from mtl_cli.basis.errors import problem
from mtl_cli.command_line.submitted import ended_with, told

CHOICE = "hydra/launcher="
PLUGINS = {
    "joblib": "hydra_joblib_launcher",
    "submitit_local": "hydra_submitit_launcher",
    "submitit_slurm": "hydra_submitit_launcher",
}
JOBLIB = "hydra_plugins.hydra_joblib_launcher.joblib_launcher.JoblibLauncher"
AT_ONCE = re.compile(r"study\.n_jobs=(\d+)")
LOCAL = "hydra_plugins.hydra_submitit_launcher.submitit_launcher.LocalLauncher"
# What a sweep's own words may say of its launcher: where and how long, and nothing that runs.
NUMBERS = (
    "n_jobs|timeout_min|cpus_per_task|gpus_per_node|gpus_per_task|cpus_per_gpu|mem_gb|nodes"
    "|tasks_per_node|max_num_timeout|signal_delay_s|array_parallelism"
)
SAFE = re.compile(
    rf"hydra/launcher=(basic|{'|'.join(PLUGINS)})"
    rf"|hydra\.launcher\.({NUMBERS})=-?\d+|hydra\.launcher\.(partition|qos|account)=[\w,-]+"
)


def with_launcher(words: Sequence[str]) -> list[str]:
    """The words with a launcher that runs as many jobs at once as a study asks for."""
    found = [match for word in words if (match := AT_ONCE.fullmatch(word))]
    if not found or found[-1][1] == "1" or any(word.startswith(CHOICE) for word in words):
        return list(words)
    return [*words, f"{CHOICE}joblib", f"hydra.launcher.n_jobs={found[-1][1]}"]


def is_of_launcher(word: str) -> bool:
    """Whether a word says how jobs are run, which changes no job."""
    return word.startswith((CHOICE, "hydra.launcher."))


def sets_launcher(word: str) -> bool:
    """Whether a word chooses a launcher or a number of it, and can run nothing."""
    return SAFE.fullmatch(word) is not None


def check_installed(words: Sequence[str]) -> None:
    """Refuses a launcher whose plugin is not installed."""
    for word in words:
        plugin = PLUGINS.get(word.removeprefix(CHOICE)) if word.startswith(CHOICE) else None
        if plugin is None or (find_spec("hydra_plugins") and find_spec(f"hydra_plugins.{plugin}")):
            continue
        package = plugin.replace("_", "-")
        others = shlex.join(["mtl-train", *(one for one in words if not is_of_launcher(one))])
        fix = f"pip install 'mtl-cli[sweep]', or: pip install {package}"
        fix += f"; one job after the other: {others}"
        raise problem(word, f"needs the package {package}", "it is not installed", fix)


class Shared(Launcher):
    """Hydra's launcher ``plugin``, whose jobs share this machine's cores and end with the command.

    Args:
        options: of the plugin.
    """

    plugin: str

    def __init__(self, **options: Any) -> None:
        self.own: Launcher = get_class(self.plugin)(**options)

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        self.own.setup(hydra_context=hydra_context, task_function=task_function, config=config)

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        with heeded(), shared_out(None):  # joblib says to each how many cores
            return self.own.launch(job_overrides, initial_job_idx)


class Joblib(Shared):
    """``hydra/launcher=joblib``."""

    plugin = JOBLIB


class SubmititLocal(Shared):
    """``hydra/launcher=submitit_local``: all jobs of a batch at once, each with files of its own.

    Args:
        submitit_folder: of these files.
        options: the others of the plugin.
    """

    plugin = LOCAL

    def __init__(self, submitit_folder: str, **options: Any) -> None:
        super().__init__(submitit_folder=submitit_folder, **options)
        self.folder = Path(submitit_folder).parent

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        with (
            heeded(),
            shared_out(len(job_overrides)),
            told(self.folder),
            ended_with(self.folder),
        ):
            return self.own.launch(job_overrides, initial_job_idx)


@contextmanager
def heeded() -> Iterator[None]:
    """SIGTERM ends the command as Ctrl-C does, which takes its jobs along."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def ready_launchers(words: Sequence[str]) -> None:
    """Puts ours in the place of those of Hydra's launchers that run jobs at once here.

    Raises:
        ValueError: where the words name a launcher that is not installed.
    """
    check_installed(words)
    known: dict[str, Any] = Plugins.instance().class_name_to_class
    for own in (Joblib, SubmititLocal):
        if own.plugin in known:
            known[own.plugin] = own
