"""What a run of a search is: a trial, which may be given up, or a winner that is trained anew.

A search's folder has ``search.json``, which says what is searched, ``search.journal`` with what was
drawn, the trials in ``trials/<setting>/<number>``, and the runs of the winners, numbered as in any
sweep.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtl_cli.basis.errors import Problem, problem
from mtl_cli.comparison.history import read_history
from mtl_cli.comparison.saved_run import DONE, SEARCH, TRIALS, read_json
from mtl_cli.run.role import ALONE, Role
from mtl_cli.study.objective import Figures, Known, Objective
from mtl_cli.study.pruning import falls_behind
from mtl_cli.training.evaluation import Figures as Reached

OPTION = "study.prune"  # by which trials are given up
WINNERS = "winners"  # in the file: what is known of each setting's when it is trained anew


@dataclass
class Median:
    """Gives a trial up that is worse than the median of the others in everything.

    Args:
        objective: in what.
        known: the metrics of all tasks.
        others: what each finished trial reached, by its epochs.
        after: so many others there have to be.
        first_epoch: before it nothing is given up.
        own: what the trial has reached, by its epochs.
    """

    objective: Objective
    known: Known
    others: list[dict[int, Figures]]
    after: int
    first_epoch: int
    own: dict[int, Figures]

    def __post_init__(self) -> None:
        self.compared = [self.values(other) for other in self.others]
        self.ended_by = OPTION if any(self.behind(epoch) for epoch in self.own) else None

    def see(self, epoch: int, figures: Reached) -> None:
        self.own[epoch] = {**self.own.get(epoch - 1, {}), **figures}  # some tasks have stopped
        self.ended_by = OPTION if self.behind(epoch) else None

    def behind(self, epoch: int) -> bool:
        own = self.values({e: reached for e, reached in self.own.items() if e <= epoch})
        return falls_behind(own, self.compared, self.after, self.first_epoch)

    def values(self, by_epoch: Mapping[int, Figures]) -> dict[int, list[float]]:
        return {e: self.objective.values(own, self.known) for e, own in by_epoch.items()}


def role_of(sweep: Path, place: str, wish: Any) -> Role:
    """The role of a job of a sweep.

    Args:
        sweep: its folder.
        place: of the job in it: ``3``, or ``trials/0/3``.
        wish: what its configuration has as the objective.
    """
    if not (sweep / SEARCH).is_file():
        return ALONE
    said = read_search(sweep)
    parts = place.split("/")
    if parts[0] != TRIALS:
        winner = said[WINNERS][int(place) // len(said["seeds"])]
        return Role(said=winner)
    setting, number = int(parts[1]), int(parts[2])
    own = {"search": said["id"], "trial": number, "setting": said["settings"][setting]["name"]}
    return Role(said=own, judge=judge_of(sweep, said, setting, number, wish), reads_test=False)


def judge_of(
    sweep: Path, said: Mapping[str, Any], setting: int, number: int, wish: Any
) -> Median | None:
    """The judge of a trial: it looks at the finished ones that its batch could know of."""
    if said["prune"] is None:
        return None
    folder = sweep / TRIALS / str(setting)
    before = number // said["n_jobs"] * said["n_jobs"]
    there = [folder / str(k) for k in range(before)]
    summaries = {path: summary_of(path) for path in there}
    done = [path for path, own in summaries.items() if own.get("status") in DONE]
    if len(done) < said["prune_after"]:
        return None
    kind = "losses" if said["prune"] == "tasks" else said["objective"]
    known = summaries[done[0]].get("metrics", {})
    return Median(
        objective=Objective(kind, wish, reference_of(sweep, said)),
        known=known,
        others=[epochs_of(path) for path in done],
        after=said["prune_after"],
        first_epoch=said["prune_from"],
        own=epochs_of(folder / str(number)),
    )


def reference_of(sweep: Path, said: Mapping[str, Any]) -> Figures | None:
    """The figures on val of single-task with nothing tuned, where gains are searched for."""
    first = said.get("reference")
    return None if first is None else summary_of(sweep / TRIALS / str(first) / "0").get("best")


def epochs_of(folder: Path) -> dict[int, Figures]:
    """What a run has reached on val, by its epochs; a task that has stopped keeps its figures."""
    file = folder / "metrics.csv"
    if not file.is_file():
        return {}
    found: dict[int, dict[str, dict[str, float]]] = {}
    for task, metrics in read_history(file, torn=True).items():
        for metric, splits in metrics.items():
            for epoch, value in splits.get("val", []):
                found.setdefault(epoch, {}).setdefault(task, {})[metric] = value
    kept: dict[str, dict[str, float]] = {}
    whole: dict[int, Figures] = {}
    for epoch in sorted(found):
        kept = {**kept, **found[epoch]}
        whole[epoch] = kept
    return whole


def summary_of(folder: Path) -> dict[str, Any]:
    """What a run's summary says; empty where it has none."""
    file = folder / "summary.json"
    return read_json(file) if file.is_file() else {}


def read_search(sweep: Path) -> dict[str, Any]:
    """What a sweep's folder says of its search.

    Raises:
        ValueError: where that cannot be read.
    """
    file = sweep / SEARCH
    try:
        said = read_json(file)
    except Problem as error:
        raise problem(
            str(file), "must say what is searched", error.found, "a new folder"
        ) from error
    missing = [key for key in ("id", "settings", "seeds", "n_jobs", "prune") if key not in said]
    if missing:
        found = f"no {', '.join(missing)}: {json.dumps(said)[:80]}"
        raise problem(str(file), "must say what is searched", found, "a new folder")
    return said
