"""A job of a sweep in one line of the terminal; the rest is in its ``train.log``."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tqdm import tqdm

from mtl_cli.basis.errors import Problem
from mtl_cli.comparison.grids import short
from mtl_cli.comparison.saved_run import PRUNED

MOST_TASKS = 4  # whose figures stand in the line
LAUNCHERS = (
    "hydra._internal.core_plugins.basic_launcher",
    "hydra_plugins.hydra_joblib_launcher._core",
    "hydra_plugins.hydra_submitit_launcher.submitit_launcher",
)


def silence_launchers() -> None:
    """Takes away the line by which Hydra's launchers begin a job, which says all of its words."""
    for name in LAUNCHERS:
        logging.getLogger(name).addFilter(begins_no_job)


def begins_no_job(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith("\t#")


def silence_batches() -> None:
    """Takes away the line by which they begin several jobs, which a search does often."""
    for name in LAUNCHERS:
        logging.getLogger(name).addFilter(begins_no_batch)


def begins_no_batch(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith(("Launching", "Joblib.Parallel", "Submitit"))


def finished_line(number: int, words: Sequence[str], said: Mapping[str, Any], took: float) -> str:
    """The job's number, the words that it has for itself, what it reached on val, its seconds."""
    split = "val" if said.get("best") else "train"
    parts = [beginning(number, words), f"{split} {figures(said)}", f"{took:.1f} s"]
    if said.get("status") == PRUNED:
        parts.append(f"given up after {said.get('epochs')} epochs")
    return "  ".join(parts)


def failed_line(number: int, words: Sequence[str], error: Exception) -> str:
    """The same for a job that failed, with the error below it."""
    kind = "" if isinstance(error, Problem) else f"{type(error).__name__}: "
    lines = f"{kind}{error}".splitlines()
    return "\n    ".join([f"{beginning(number, words)}  failed", *lines])


def beginning(number: int, words: Sequence[str]) -> str:
    return "  ".join([f"#{number:<3}", " ".join(words)]).rstrip()


def say(line: str) -> None:
    """Prints a line above the progress bars, where there are some; at once, also from a process
    of a launcher's, which lives on after its job."""
    tqdm.write(line)
    sys.stdout.flush()


def own_words(words: Sequence[str], whole: Sequence[str]) -> list[str]:
    """The words of a job that are none of the whole sweep's."""
    return [word for word in words if word not in whole]


def figures(said: Mapping[str, Any]) -> str:
    """The sum of the losses, and the first metric of each of the first tasks."""
    values: Mapping[str, Any] = said.get("best") or said.get("train") or {}
    parts = [f"loss {short(sum(own.get('loss', 0.0) for own in values.values()))}"]
    parts += list(first_metrics(values, said.get("metrics", {})))[:MOST_TASKS]
    more = len(values) - MOST_TASKS
    return ", ".join([*parts, f"{more} more tasks"] if more > 0 else parts)


def first_metrics(values: Mapping[str, Any], metrics: Mapping[str, Any]) -> Iterator[str]:
    for task, own in values.items():
        metric = next(iter(metrics.get(task, {})), "loss")
        value = own.get(metric)
        if isinstance(value, float) and value == value:  # else nothing was measured
            yield f"{task}/{metric} {short(value)}"
