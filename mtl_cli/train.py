"""``mtl-train``: trains what the command line composes, and leaves its results in a run folder."""

from __future__ import annotations

import os
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
)
from mtl_cli.errors import Problem, problem
from mtl_cli.options import as_value
from mtl_cli.run_folder import RunFolder, find_run

EXTENDS = ("device", "trainer.max_epochs", "trainer.max_steps")  # what may be given with resume


def main() -> None:
    """The command."""
    words = sys.argv[1:]
    if asks_to_resume(words):
        with plain_errors(words):
            resume(words)
        return
    FreshFolders.sweep, AndSingleTask.wanted = None, False
    try:
        run_command(job, "train")
        if AndSingleTask.wanted and FreshFolders.sweep is not None:
            sys.argv[1:] = baseline_words(words, FreshFolders.sweep)
            run_command(job, "train")
    finally:
        if FreshFolders.sweep is not None:
            from mtl_cli.report import report_sweep

            report_sweep(FreshFolders.sweep)


def job(cfg: DictConfig) -> Any:
    """One run, as Hydra calls it; gives what a sweep minimises."""
    from mtl_cli.session import run

    hydra = HydraConfig.get()
    folder = RunFolder(Path(hydra.runtime.output_dir))
    try:
        return run(job_config(cfg, hydra), folder, list(hydra.overrides.task))["objective"]
    except Problem as error:
        if hydra.mode == RunMode.MULTIRUN or full_errors():
            raise  # Hydra goes on with the other jobs
        return fail(error)


def train(words: list[str]) -> dict[str, Any]:
    """Trains as ``mtl-train`` does with the same words, and gives the run's summary."""
    if isinstance(words, str):
        fix = f"mtl_cli.train({words.split()})"
        raise problem("what mtl_cli.train gets", "must be a list of words", words, fix)
    if asks_to_resume(words):
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
        OmegaConf.update(cfg, key, OmegaConf.create(f"value: {value}").value)
    return run(cfg, folder, words, resumed=True)


class _Callable(types.ModuleType):
    """Lets ``mtl_cli.train([...])`` be the function, though the module has the command's name."""

    def __call__(self, words: list[str]) -> dict[str, Any]:
        return train(words)


sys.modules[__name__].__class__ = _Callable
