"""``mtl-train``: trains what the command line composes, and leaves its results in a run folder."""

from __future__ import annotations

import sys
import time
import types
from functools import partial
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from mtl_cli.basis.errors import Problem
from mtl_cli.basis.launched import follows, hush, launched
from mtl_cli.command_line.cli import (
    FreshFolders,
    checked,
    fail,
    full_errors,
    job_config,
    plain_errors,
    run_command,
)
from mtl_cli.command_line.job_line import (
    failed_line,
    finished_line,
    own_words,
    say,
    silence_launchers,
)
from mtl_cli.command_line.launchers import ready_launchers, with_launcher
from mtl_cli.command_line.mended import mended
from mtl_cli.command_line.sweep import read_words
from mtl_cli.command_line.unbegun import forget_unbegun, forgotten, is_unbegun
from mtl_cli.command_line.words import as_typed
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.run.from_python import train
from mtl_cli.run.resume import asks_to_resume, resume, resumed_sweep
from mtl_cli.study.base import baseline_words
from mtl_cli.study.baselines import AndSingleTask
from mtl_cli.study.tune import ready

SIGNALLED = 128  # exit codes above it say which signal ended the command


def main() -> None:
    """The command; of several processes that a launcher has started, the first one's."""
    if not launched():
        command()
    elif follows():
        hush()
        from mtl_cli.run.serve import serve

        serve()
    else:
        from mtl_cli.processes.leading import leading

        with leading():
            command()


def command() -> None:
    """What the command line says."""
    FreshFolders.sweep, AndSingleTask.wanted = None, False
    AndSingleTask.studied = False
    words = FreshFolders.words = sys.argv[1:]
    silence_launchers()
    if "--version" in words:  # before a resume, which has a way of its own
        run_command(job, "train")
        return
    with plain_errors(words):
        sweep = resumed_sweep(words)
        if sweep is not None:
            words = sweep
        elif asks_to_resume(words):
            resume(words)
            return
    try:
        train_all(words)
    except SystemExit as end:
        if isinstance(end.code, int) and end.code > SIGNALLED:  # the user wants to get out
            raise
        if sweep is None and FreshFolders.sweep is not None and forgotten(FreshFolders.sweep):
            raise  # no job could be composed, which was said
        report(words, sweep is not None)
        raise
    report(words, sweep is not None)


def train_all(words: list[str]) -> None:
    """What the words say, and the baselines where they ask for them."""
    words = with_launcher(words)
    with plain_errors(words):
        ready_launchers(words)
        ready()
    sys.argv[1:] = words
    run_command(job, "train")
    if AndSingleTask.wanted and FreshFolders.sweep is not None:
        sys.argv[1:] = baseline_words(words, FreshFolders.sweep)
        run_command(job, "train")
    if AndSingleTask.studied and FreshFolders.sweep is not None:
        from mtl_cli.study.widening import widened_words

        wider = widened_words(words, FreshFolders.sweep)
        if wider is not None:
            sys.argv[1:] = wider
            run_command(job, "train")


def report(words: list[str], resumed: bool) -> None:
    """Ends a sweep with its report; one of which nothing was trained leaves nothing.

    Args:
        words: of the command line.
        resumed: whether it names the sweep by its folder, which stays then.
    """
    if FreshFolders.sweep is None:
        return
    if is_unbegun(FreshFolders.sweep):
        if not resumed:
            forget_unbegun(FreshFolders.sweep)
        return
    from mtl_cli.study.sweep_report import report_sweep

    with plain_errors(words):
        report_sweep(FreshFolders.sweep)


def job(cfg: DictConfig) -> Any:
    """One run, as Hydra calls it; gives what a sweep minimises."""
    hydra = HydraConfig.get()
    folder, words = RunFolder(Path(hydra.runtime.output_dir)), list(hydra.overrides.task)
    if hydra.mode == RunMode.MULTIRUN:
        return objective_of(job_of_a_sweep(cfg, hydra, folder, words))
    words = as_typed(words, FreshFolders.words)
    try:
        from mtl_cli.run.session import run

        return objective_of(run(job_config(cfg, hydra), folder, words))
    except Problem as error:
        if full_errors():
            raise
        return fail(mended(error, FreshFolders.words, partial(checked, "train")))


def job_of_a_sweep(
    cfg: DictConfig, hydra: Any, folder: RunFolder, words: list[str]
) -> dict[str, Any]:
    """A job, said in one line; ``hydra.verbose=mtl_cli`` shows all that a run shows."""
    from mtl_cli.run.job import one_of_a_sweep
    from mtl_cli.study.trial import role_of

    begin, own, number = time.perf_counter(), words, int(hydra.job.num)
    try:
        whole = read_words(Path(hydra.sweep.dir)) or []
        words = as_typed(words, whole)
        own = own_words(words, whole)
        whole_cfg = job_config(cfg, hydra)
        role = role_of(Path(hydra.sweep.dir), str(hydra.sweep.subdir), whole_cfg.objective)
        own = role.words(own)
        said = one_of_a_sweep(whole_cfg, folder, words, not hydra.verbose, role)
    except Exception as error:  # Hydra goes on with the other jobs
        say(failed_line(number, own, error))
        raise
    if not hydra.verbose:
        say(finished_line(number, own, said, time.perf_counter() - begin))
    return said


def objective_of(summary: dict[str, Any]) -> Any:
    """What a sweep minimises; several figures as a tuple."""
    value = summary.get("objective")
    return tuple(value) if isinstance(value, list) else value


class _Callable(types.ModuleType):
    """Lets ``mtl_cli.train([...])`` be the function, though the module has the command's name."""

    def __call__(self, words: list[str], data: Any = None) -> dict[str, Any]:
        return train(words, data)


sys.modules[__name__].__class__ = _Callable

if __name__ == "__main__":
    main()
