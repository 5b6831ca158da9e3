"""A sweep of which no job has trained: its folder is taken away, as if it had not been begun."""

from __future__ import annotations

import shutil
from pathlib import Path

from mtl_cli.command_line.sweep import FILE, HYDRAS
from mtl_cli.comparison.saved_run import JOURNAL, SEARCH, TRIALS
from mtl_cli.disk.one_writer import has_writer
from mtl_cli.disk.run_folder import RunFolder

KEEPS = {FILE, HYDRAS, SEARCH, JOURNAL}  # what a sweep has before its first job


def is_unbegun(sweep: Path) -> bool:
    """Whether a sweep has nothing but jobs that failed before they trained, at least one."""
    if not sweep.is_dir() or has_writer(sweep):
        return False
    jobs = []
    for path in sweep.iterdir():
        if path.name == TRIALS:
            jobs += [own for place in path.iterdir() for own in places_in(place)]
        elif path.name not in KEEPS:
            jobs.append(path)
    return bool(jobs) and all(map(failed_at_once, jobs))


def places_in(setting: Path) -> list[Path]:
    """The trials of a setting; of what is no folder, that."""
    return [*setting.iterdir()] if setting.is_dir() else [setting]


def failed_at_once(job: Path) -> bool:
    """Whether a job's folder has nothing but what it failed with."""
    folder = RunFolder(job)
    if not job.is_dir() or {*job.iterdir()} != {folder.summary, folder.log}:
        return False
    try:
        return folder.read_summary().get("status") == "failed"
    except (OSError, ValueError, AttributeError):
        return False


def forget_unbegun(sweep: Path) -> None:
    """Takes the folder of such a sweep away, so that its words, put right, may name it again."""
    shutil.rmtree(sweep, ignore_errors=True)


def forgotten(path: Path) -> bool:
    """Takes away the folder of a sweep of which no job has begun; says whether there was one."""
    there = [file.name for file in path.iterdir()] if path.is_dir() else []
    if FILE not in there or not {FILE, HYDRAS}.issuperset(there):
        return False
    for name in there:
        (path / name).unlink()
    path.rmdir()
    return True
