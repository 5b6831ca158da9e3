"""A run that is one of several: begun, gone on with, or finished before."""

from __future__ import annotations

import shlex
import sys
from typing import Any

from omegaconf import DictConfig

from mtl_cli.basis.errors import problem
from mtl_cli.command_line.words import begins_as
from mtl_cli.comparison.saved_run import DONE, PRUNED
from mtl_cli.disk.one_writer import has_writer
from mtl_cli.disk.run_folder import RunFolder, from_here
from mtl_cli.run.role import ALONE, Role
from mtl_cli.run.session import run
from mtl_cli.trust.foreign import packages
from mtl_cli.trust.run_config import read_config, read_summary


def one_of_a_sweep(
    cfg: DictConfig, folder: RunFolder, words: list[str], quiet: bool, role: Role = ALONE
) -> dict[str, Any]:
    """Runs a job, or what is left of it where its sweep goes on; gives the run's summary.

    Raises:
        ValueError: where the folder holds another run.
    """
    before = read_summary(folder)
    known = before.get("overrides", words)
    if not begins_as(known, words):
        rule, found = "must be of this job of the sweep", shlex.join(known)
        fix = "hydra.sweep.dir=<a new folder>, and a folder of its own for each job"
        raise problem(str(folder.path), rule, found, fix)
    if before.get("status") in (*DONE, PRUNED) and not has_writer(
        folder.path
    ):  # else killed at its pictures
        sys.stdout.write(f"finished    {from_here(folder.path)}, before\n")
        return before
    if not folder.last.is_file():
        return run(cfg, folder, words, quiet=quiet, role=role)
    # What the job would name now is trusted in what it named then.
    whole = read_config(folder, packages(cfg))
    return run(whole, folder, [], resumed=True, quiet=quiet, role=role)
