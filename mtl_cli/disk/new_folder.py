"""Folders that commands make: none that holds a run is taken, and a failed start does not count."""

import os
from pathlib import Path

from mtl_cli.basis.errors import problem
from mtl_cli.disk.one_writer import locked
from mtl_cli.disk.run_folder import RunFolder


def create_folder(path: Path) -> Path:
    """Makes a new folder; where one is there already, ``<path>_2``, ``_3``, …

    One that holds nothing but a failure before training began, or the log of a start that was
    killed or told to stop, is taken again: the next command leaves its run where it was asked to.

    Raises:
        ValueError: where the folder cannot be made or written to.
    """
    count, candidate = 1, path
    try:
        while True:
            try:
                candidate.mkdir(parents=True)  # fails where another run that starts now was faster
                return candidate
            except FileExistsError:
                if not candidate.is_dir():
                    raise
                if emptied(candidate):
                    return candidate
            count += 1
            candidate = path.with_name(f"{path.name}_{count}")
    except OSError as error:
        rule = "must be a folder that can be made and written to"
        found = error.strerror or str(error)
        raise problem(str(path), rule, found, "hydra.run.dir=<another folder>") from error


def emptied(path: Path) -> bool:
    """Takes what never began out of a folder that holds nothing else; whether this process was the
    one."""
    folder = RunFolder(path)
    lock: int | None = None
    try:
        lock = locked(path)
        there = set(path.iterdir())
        failed = there == {folder.summary, folder.log}
        if lock is None or not (there == {folder.log} or failed):
            return False
        if failed:
            if folder.read_summary().get("status") != "failed":
                return False
            folder.summary.unlink()  # which one of several succeeds in
        folder.log.unlink()
    except (OSError, ValueError, AttributeError):
        return False
    finally:
        if lock:
            os.close(lock)
    return True
