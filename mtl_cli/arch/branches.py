"""Trees of tasks as plain data, ``{task: the column that it takes at each stage}``, and as text.

Tasks with the same column at a stage share it there. ``{"a": [0, 0], "b": [0, 1]}`` is a tree of
two stages: one first stage for both tasks, and a second stage for each. Nothing here needs torch.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mtl_cli.basis.errors import problem

Branches = Mapping[str, Sequence[int]]


def renumber(branches: Branches) -> dict[str, list[int]]:
    """The same tree with the columns of each stage numbered from 0, in the order of the tasks.

    Columns that no task takes have no number, so that equal trees become equal data.
    """
    numbered: dict[str, list[int]] = {task: [] for task in branches}
    for columns in zip(*branches.values(), strict=True):
        order = list(dict.fromkeys(columns))
        for task, column in zip(branches, columns, strict=True):
            numbered[task].append(order.index(column))
    return numbered


def text_tree(branches: Branches) -> str:
    """A line for each run of stages that the same tasks share, indented below what it grows from.

    ::

        stages 1-2: a, b, c
          stage 3: a
          stage 3: b, c
    """
    return "\n".join(lines_below(dict(branches), 0, 0))


def lines_below(branches: Branches, stage: int, depth: int) -> list[str]:
    """The lines of what grows at ``stage`` (from 0) for tasks that came there together."""
    by_column: dict[int, list[str]] = {}
    num_stages = len(next(iter(branches.values())))
    if stage == num_stages:
        return []
    for task, path in branches.items():
        by_column.setdefault(path[stage], []).append(task)
    lines = []
    for tasks in by_column.values():
        own = {task: branches[task] for task in tasks}
        end = stage + 1
        while end < num_stages and len({path[end] for path in own.values()}) == 1:
            end += 1
        stages = f"stage {end}" if end == stage + 1 else f"stages {stage + 1}-{end}"
        lines.append(f"{'  ' * depth}{stages}: {', '.join(tasks)}")
        lines += lines_below(own, end, depth + 1)
    return lines


def read_tree(folder: str) -> Any:
    """The tree that the run in ``folder`` learned."""
    path = Path(str(folder)).expanduser() / "learned.json"
    found: Any = f"no learned.json in {folder}"
    if not path.parent.is_dir():
        found = f"no folder {folder}"
    elif path.is_file():
        try:
            learned = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            learned, found = None, f"{path}: {error}"
        else:
            found = f"no tree in {path}"
        if isinstance(learned, dict) and "tree" in learned:
            return learned["tree"]
    rule = "must be the folder of a run that learned a tree"
    raise problem("arch.learned_in", rule, found, "the run folder of an mtl-train arch=ltb")


def check_tree(slot: str, branches: Any, tasks: list[str], num_stages: int) -> None:
    """Refuses what is no tree of these tasks and so many stages."""
    first = "{" + ", ".join(f"{task}: {[0] * num_stages}" for task in tasks) + "}"
    fix = f"'arch.branches={first}', which shares all"
    if not isinstance(branches, Mapping) or set(branches) != set(tasks):
        found = ", ".join(map(str, branches)) if isinstance(branches, Mapping) else branches
        raise problem(slot, f"must have a path for each task: {', '.join(tasks)}", found, fix)
    for task, path in branches.items():
        whole = isinstance(path, list | tuple) and len(path) == num_stages
        if not whole or not all(type(c) is int and c >= 0 for c in path):
            rule = f"must have a column, from 0, for each of the encoder's stages ({num_stages})"
            raise problem(slot, rule, f"{task}: {path}", fix)
    for s in range(1, num_stages):
        parents: dict[int, str] = {}  # by column: a task that takes it
        for task, path in branches.items():
            other = parents.setdefault(path[s], task)
            if branches[other][s - 1] != path[s - 1]:
                rule = "must be a tree: tasks that have parted do not share a later column"
                found = f"{other}: {list(branches[other])}, {task}: {list(path)}"
                raise problem(slot, rule, found, "another column for one of them")
