"""A run as its folder says it was: its settings and its results, or why it does not count.

A folder is read as data: YAML and JSON alone, and nothing in it is executed.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtl_cli.basis.errors import Problem, problem
from mtl_cli.basis.shell import as_word
from mtl_cli.disk.formats import without_format
from mtl_cli.disk.older_runs import as_of_today
from mtl_cli.disk.run_folder import RunFolder, near_folder
from mtl_cli.disk.yaml_file import read_yaml

DONE = ("completed", "stopped_early")
PRUNED = "pruned"
TRIALS = "trials"  # a search's folder of them, which are looked at where it is named alone
FOR_PAGES = "trials.json"  # in it, what a report's page shows of the search
SEARCH = "search.json"  # beside it
JOURNAL = "search.journal"  # likewise: what was drawn, and what came of it
MEND = "repeat the run, or take the folder away"

Figures = dict[str, dict[str, float]]  # {task: {metric: value}}


@dataclass(frozen=True, eq=False)
class SavedRun:
    """What a run folder says.

    Args:
        folder: where it is.
        config: ``config.yaml``, flat: ``{"arch.num_experts": 8}``.
        choices: the YAML that was chosen of each group: ``{"arch": "mmoe"}``.
        summary: ``summary.json``.
        trouble: why the run does not count; None where it does.
    """

    folder: RunFolder
    config: dict[str, Any]
    choices: dict[str, str | None]
    summary: dict[str, Any]
    trouble: str | None

    @property
    def seed(self) -> Any:
        return self.config.get("seed")

    def figures(self, split: str) -> Figures:
        """The figures on ``test``, or on val at the best epoch; empty where there are none."""
        tasks = mapping(self.summary.get("test" if split == "test" else "best"))
        return {
            task: {metric: float(v) for metric, v in mapping(values).items() if is_number(v)}
            for task, values in tasks.items()
        }

    def higher_is_better(self, task: str, metric: str) -> bool | None:
        """The direction of a metric, None where it has none."""
        if metric == "loss":
            return False
        known = mapping(mapping(mapping(self.summary.get("metrics")).get(task)).get(metric))
        said = known.get("higher_is_better")
        return said if isinstance(said, bool) else None


def find_runs(folder: Path) -> list[Path]:
    """The run folders in a folder, at any depth, by their numbers; the folder itself if it is one.

    Raises:
        ValueError: where there is no such folder, or no run in it.
    """
    if not folder.is_dir():
        fix = near_folder(folder) or "latest, or a folder below runs/"
        raise problem(str(folder), "must be a folder with runs", "no such folder", fix)
    found = sorted(walk(folder), key=by_numbers)
    if not found:
        fix = "latest, or a folder below runs/; mtl-train makes one"
        raise problem(str(folder), "must be a folder with runs", "no run in it", fix)
    return found


def walk(folder: Path) -> Iterator[Path]:
    for path, inner, names in os.walk(folder):
        inner[:] = [name for name in inner if not name.startswith(".")]
        if SEARCH in names and TRIALS in inner:
            inner.remove(TRIALS)
        files, here = set(names), Path(path)
        job = here.name.isdigit() and here.parent.name.endswith("_sweep")
        if files & {"summary.json", "train.log"} or {"config.yaml", "metrics.csv"} <= files or job:
            inner.clear()
            yield here


def by_numbers(path: Path) -> list[tuple[int, str]]:
    """Sorts ``sweep/9`` before ``sweep/10``."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in path.parts]


def read_run(path: Path) -> SavedRun:
    """Reads a run; whatever is wrong with it becomes its ``trouble``."""
    folder = RunFolder(path)
    config: dict[str, Any] = {}
    summary: dict[str, Any] = {}
    trouble = None
    try:
        summary = read_json(folder.summary) if folder.summary.is_file() else {}
        trouble = unfinished(summary, path)
        config = read_config(folder.config) if folder.config.is_file() or not trouble else {}
        if not trouble and not is_whole_number(config.get("seed")):
            trouble = f"{folder.config.name} names no seed; {MEND}"
    except Problem as error:
        trouble = "; ".join(line.strip() for line in str(error).splitlines())
    choices = mapping(config.pop("choices", None))
    return SavedRun(folder, flat(config), choices, summary, trouble)


def unfinished(summary: dict[str, Any], path: Path) -> str | None:
    """Why a run has no result, in words; None where it has one."""
    status = summary.get("status")
    if status in DONE:
        return None
    if status == "running":
        return f"running still, or killed; to go on: mtl-train {as_word('resume', path)}"
    if status == "interrupted":
        after = f"interrupted after {summary.get('epochs', 0)} epochs"
        return f"{after}; to go on: mtl-train {as_word('resume', path)}"
    if status == PRUNED:
        after = f"a trial that was given up after {summary.get('epochs', 0)} epochs"
        return f"{after}; to go on: mtl-train {as_word('resume', path)}"
    if status == "failed":
        why = str(summary.get("error") or "no reason given").splitlines()
        return f"failed: {why[0]}; see train.log there"
    if not summary:
        return "left no summary.json: killed before it began, or not begun; see train.log there"
    return f"its status is {status!r}, which this version does not know"


def read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise problem(path.name, "must be JSON", str(error).splitlines()[0], MEND) from error
    if not isinstance(data, dict):
        raise problem(path.name, "must be a mapping", type(data).__name__, MEND)
    return data


def read_config(path: Path) -> dict[str, Any]:
    try:
        data = as_of_today(without_format(read_yaml(path), path.name))
    except Problem:
        raise
    except ValueError as error:
        raise problem(path.name, "must be YAML of plain values", str(error), MEND) from error
    if not isinstance(data, dict):
        raise problem(path.name, "must be a mapping", type(data).__name__, MEND)
    return data


def flat(node: dict[str, Any], path: str = "") -> dict[str, Any]:
    """Nested mappings as one, with keys such as ``arch.num_experts``."""
    values: dict[str, Any] = {}
    for key, value in node.items():
        if isinstance(value, dict) and value:
            values |= flat(value, f"{path}{key}.")
        else:
            values[f"{path}{key}"] = value
    return values


def mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def is_whole_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def version_numbers(text: str) -> list[int]:
    """``0.10.1`` as numbers that compare."""
    return [int(number) for number in re.findall(r"\d+", text)]
