"""``mtl-train``: trains what the command line composes, and leaves its results in a run folder."""

from __future__ import annotations

import os
import shlex
import sys
import types
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from mtl_cli.baselines import AndSingleTask, baseline_words
from mtl_cli.cli import (
    FreshFolders,
    compose_run,
    fail,
    full_errors,
    job_config,
    plain_errors,
    run_command,
    typed_value,
)
from mtl_cli.comparison.saved_run import DONE
from mtl_cli.errors import Problem, problem
from mtl_cli.options import as_value
from mtl_cli.run_folder import RunFolder, find_run, from_here
from mtl_cli.sweep import is_sweep, read_words, resumed_words, sweep_of
from mtl_cli.trust import packages

SIGNALLED = 128  # exit codes above it say which signal ended the command
EXTENDS = ("device", "trainer.max_epochs", "trainer.max_steps")  # what may be given with resume
ALLOWED = ("unlock", "changed_data")  # =true: its writer elsewhere is dead; its data is another


def main() -> None:
    """The command."""
    FreshFolders.sweep, AndSingleTask.wanted = None, False
    AndSingleTask.studied = False
    words = sys.argv[1:]
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
        report(words)
        raise
    report(words)


def train_all(words: list[str]) -> None:
    """What the words say, and the baselines where they ask for them."""
    sys.argv[1:] = words
    run_command(job, "train")
    if AndSingleTask.wanted and FreshFolders.sweep is not None:
        sys.argv[1:] = baseline_words(words, FreshFolders.sweep)
        run_command(job, "train")
    if AndSingleTask.studied and FreshFolders.sweep is not None:
        from mtl_cli.widening import widened_words

        wider = widened_words(words, FreshFolders.sweep)
        if wider is not None:
            sys.argv[1:] = wider
            run_command(job, "train")


def report(words: list[str]) -> None:
    """Ends a sweep with its report."""
    if FreshFolders.sweep is not None:
        from mtl_cli.sweep_report import report_sweep

        with plain_errors(words):
            report_sweep(FreshFolders.sweep)


def resumed_sweep(words: list[str]) -> list[str] | None:
    """The command line that goes on with the sweep that is to be resumed; None where none is."""
    if not asks_to_resume(words):
        return None
    given = dict(word.partition("=")[::2] for word in words)
    name, root = given["resume"], Path(given.get("runs", "runs"))
    path = Path(name).expanduser()
    if name == "latest":
        path = sweep_of(find_run(name, root).path) or path
    if not is_sweep(path) or (name == "latest" and read_words(path) is None):
        return None
    others = [word for word in words if word.partition("=")[0] not in ("resume", "runs")]
    return resumed_words(path, others)


def job(cfg: DictConfig) -> Any:
    """One run, as Hydra calls it; gives what a sweep minimises."""
    hydra = HydraConfig.get()
    folder, words = RunFolder(Path(hydra.runtime.output_dir)), list(hydra.overrides.task)
    try:
        own = job_config(cfg, hydra)
        if hydra.mode == RunMode.MULTIRUN:
            return objective_of(one_of_a_sweep(own, folder, words))
        from mtl_cli.session import run

        return objective_of(run(own, folder, words))
    except Problem as error:
        if hydra.mode == RunMode.MULTIRUN or full_errors():
            raise  # Hydra goes on with the other jobs
        return fail(error)


def objective_of(summary: dict[str, Any]) -> Any:
    """What a sweep minimises; several figures as a tuple."""
    value = summary.get("objective")
    return tuple(value) if isinstance(value, list) else value


def one_of_a_sweep(cfg: DictConfig, folder: RunFolder, words: list[str]) -> dict[str, Any]:
    """Runs a job, or what is left of it where its sweep goes on; gives the run's summary.

    Raises:
        ValueError: where the folder holds another run.
    """
    from mtl_cli.run_config import read_config, read_summary
    from mtl_cli.session import run

    before = read_summary(folder)
    known = before.get("overrides", words)[: len(words)]
    if known != words:
        rule, found = "must be of this job of the sweep", shlex.join(known)
        fix = "hydra.sweep.dir=<a new folder>, and a folder of its own for each job"
        raise problem(str(folder.path), rule, found, fix)
    if before.get("status") in DONE:
        sys.stdout.write(f"finished    {from_here(folder.path)}, before\n")
        return before
    if not folder.last.is_file():
        return run(cfg, folder, words)
    # What the job would name now is trusted in what it named then.
    return run(read_config(folder, packages(cfg)), folder, [], resumed=True)


def train(words: list[str]) -> dict[str, Any]:
    """Trains as ``mtl-train`` does with the same words, and gives the run's summary."""
    if isinstance(words, str):
        fix = f"mtl_cli.train({words.split()})"
        raise problem("what mtl_cli.train gets", "must be a list of words", words, fix)
    if asks_to_resume(words):
        if resumed_sweep(words) is not None:
            rule, found = "must be a run where Python calls", "a sweep"
            raise problem("resume", rule, found, shlex.join(["mtl-train", *words]))
        return resume(words)
    from mtl_cli.session import run

    cfg, path = compose_run("train", words)
    return run(cfg, RunFolder(path), words)


def asks_to_resume(words: list[str]) -> bool:
    return any(word.startswith("resume=") and word != "resume=null" for word in words)


def resume(words: list[str]) -> dict[str, Any]:
    """Goes on with a run, in its folder and by its own config.

    Raises:
        ValueError: where that is no run, or other settings are given than may change.
    """
    given = {key: value for key, _, value in (word.partition("=") for word in words)}
    name, root = given.pop("resume"), given.pop("runs", "runs")
    trust = as_value("trust", given.pop("trust", "[]"), [])  # of the folder's classes
    allowed = [word for word in ALLOWED if given.pop(word, "false") == "true"]
    for key in given:
        if key not in EXTENDS:
            rule = (
                f"runs by the folder's own config; only {', '.join(EXTENDS)} may be given with it"
            )
            raise problem("resume", rule, key, f"mtl-train resume={name}")
    from mtl_cli.run_config import read_config
    from mtl_cli.session import run

    folder = find_run(name, Path(root))
    if not os.access(folder.path, os.W_OK):
        rule = "must be a folder that can be written to"
        raise problem(str(folder.path), rule, "no permission", f"init={name}, in a new folder")
    cfg = read_config(folder, trust)
    for key, value in given.items():
        OmegaConf.update(cfg, key, typed_value(key, value))
    return run(cfg, folder, words, resumed=True, allowed=allowed)


class _Callable(types.ModuleType):
    """Lets ``mtl_cli.train([...])`` be the function, though the module has the command's name."""

    def __call__(self, words: list[str]) -> dict[str, Any]:
        return train(words)


sys.modules[__name__].__class__ = _Callable
