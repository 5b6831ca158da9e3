"""What a search is going to do: its settings, the space of each, and as many trials for all."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from mtl_cli.basis.errors import check_boolean, check_choice, check_integer, nearest, problem
from mtl_cli.comparison.baseline import BASELINE
from mtl_cli.comparison.saved_run import SEARCH
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.study.objective import GAIN, KINDS, TASKS
from mtl_cli.study.range import plain
from mtl_cli.study.search import Draws
from mtl_cli.study.settings import Setting, is_baseline, lines_of, make_setting, named, with_beside
from mtl_cli.study.space import check_keys
from mtl_cli.study.trial import WINNERS, read_search

OPTIONS: tuple[str, ...] = (
    "trials",
    "n_jobs",
    "space",
    "space_of",
    "parts",
    "settings",
    "objective",
    "prune",
)
OPTIONS += ("prune_after", "prune_from", "random", "seed")


@dataclass(frozen=True)
class Plan:
    """A whole search.

    Args:
        settings: in the order in which they are tuned.
        draws: how points are drawn, for each alike.
        objective: ``gain``, ``tasks``, or None: what the runs' own ``objective`` says.
        wish: that.
        prune: ``objective``, ``tasks``, or None.
        prune_after: see conf/study/tune.yaml.
        prune_from: likewise.
        seeds: the words of the winners' runs.
        id: of this search.
    """

    settings: list[Setting]
    draws: Draws
    objective: str | None
    wish: Any
    prune: str | None
    prune_after: int
    prune_from: int
    seeds: list[str]
    id: str

    @property
    def reference(self) -> int | None:
        """The setting whose first trial gains are over."""
        single = [i for i, own in enumerate(self.settings) if is_baseline(own.words)]
        return single[0] if self.objective == GAIN else None

    def said(self) -> dict[str, Any]:
        """What the search's file says of it."""
        return {
            "id": self.id,
            "settings": [
                {"name": own.name, "words": own.words, "space": {r.key: r.said for r in own.space}}
                for own in self.settings
            ],
            "trials": self.draws.trials,
            "n_jobs": self.draws.at_once,
            "random": self.draws.random,
            "seed": self.draws.seed,
            "objective": self.objective,
            "wish": self.wish,
            "reference": self.reference,
            "prune": self.prune,
            "prune_after": self.prune_after,
            "prune_from": self.prune_from,
            "seeds": self.seeds,
        }


def make_plan(config: DictConfig, arguments: Sequence[str], params: Mapping[str, Any]) -> Plan:
    """What the words ask for.

    Args:
        config: that they compose.
        arguments: the words, as Hydra takes them.
        params: what the study sweeps itself.

    Raises:
        ValueError: where something cannot be searched.
    """
    study: Any = OmegaConf.to_container(config.study)
    check_study(study)
    check_launcher(study["n_jobs"], config.hydra.launcher)
    lines, seeds = lines_of(arguments, params)
    if f"seed={study['seed']}" in seeds:
        rule = "must be none of the seeds that the winners are trained with, whose luck it would be"
        raise problem("study.seed", rule, study["seed"], "study.seed=1000")
    words = with_beside(lines, study["settings"])
    settings = named([make_setting(own, study) for own in words])
    of_some = [key for ranges in (study["space_of"] or {}).values() for key in ranges]
    check_keys([*(study["space"] or {}), *of_some], [own.options for own in settings])
    draws = Draws(study["trials"], study["n_jobs"], study["random"], study["seed"])
    if study["objective"] == GAIN and not any(is_baseline(own.words) for own in settings):
        rule, fix = (
            "is over single-task with nothing tuned, which has to be tuned too",
            "study.settings",
        )
        raise problem(
            "study.objective=gain", rule, "no such setting", f"\"{fix}=['arch={BASELINE}']\""
        )
    return Plan(
        settings,
        draws,
        study["objective"],
        plain(config.objective),
        study["prune"],
        study["prune_after"],
        study["prune_from"],
        seeds,
        secrets.token_hex(4),
    )


def check_study(study: Mapping[str, Any]) -> None:
    """Refuses an option that is not what it has to be."""
    for key in study:
        if key not in OPTIONS:
            close = nearest(str(key), [*OPTIONS])
            fix = f"study.{close}" if close else "mtl-train study=tune --help"
            raise problem(f"study.{key}", f"must be one of {', '.join(OPTIONS)}", "no such", fix)
    least = {"trials": 1, "n_jobs": 1, "random": 1, "seed": 0, "prune_after": 1, "prune_from": 1}
    for key, minimum in least.items():
        check_integer(f"study.{key}", study[key], minimum, f"study.{key}={max(minimum, 10)}")
    check_boolean("study.parts", study["parts"])
    if study["objective"] is not None:
        fix = "study.objective=null, and objective=<task>/<metric>"
        check_choice("study.objective", study["objective"], KINDS, fix)
    if study["prune"] is not None:
        check_choice("study.prune", study["prune"], ["objective", TASKS], "study.prune=null")
    for key in ("space", "space_of"):
        if not isinstance(study[key] or {}, Mapping):
            rule, fix = "must be a mapping of ranges", "'study.space={optimizer.lr: [0.01, 0.1]}'"
            raise problem(f"study.{key}", rule, study[key], fix)
    if not isinstance(study["settings"] or [], list):
        rule, fix = "must be a list of words", "\"study.settings=['arch=hps','arch=mmoe']\""
        raise problem("study.settings", rule, study["settings"], fix)


def check_launcher(at_once: int, launcher: DictConfig) -> None:
    """Refuses a launcher of jobs at once for trials in turn, and the other way round."""
    in_turn = launcher._target_.endswith(".BasicLauncher")
    if in_turn and at_once > 1:
        rule = "needs a launcher that runs them at once"
        fix = f"hydra/launcher=joblib hydra.launcher.n_jobs={at_once}"
        raise problem(f"study.n_jobs={at_once}", rule, "hydra/launcher=basic", fix)
    if not in_turn and at_once == 1:
        rule = "must say how many trials are drawn at once, before any of them is known"
        fix = f"study.n_jobs={max(launcher.get('n_jobs') or 2, 2)}"
        raise problem("study.n_jobs", rule, "1, and a launcher of jobs at once", fix)


def begin(plan: Plan, sweep: Path) -> Plan:
    """The plan of a search that begins in a folder, or the one that goes on there.

    Raises:
        ValueError: where another one was begun there.
    """
    file = sweep / SEARCH
    if not file.is_file():
        RunFolder(sweep).write_json(file, plan.said())
        return plan
    known, said = read_search(sweep), plan.said()
    other = [key for key in said if key != "id" and known.get(key) != said[key]]
    if other:
        rule = "must be of the search that it goes on with"
        found = f"another {', '.join(other)} there: {known.get(other[0])}, not {said[other[0]]}"
        fix = "the command line again, in a new folder; parts' own ranges are of their version"
        raise problem(str(file), rule, found, fix)
    return replace(plan, id=known["id"])


def note_winners(sweep: Path, winners: Sequence[Mapping[str, Any]]) -> None:
    """Writes what the runs of each winner are to say of themselves."""
    RunFolder(sweep).write_json(
        sweep / SEARCH, {**read_search(sweep), WINNERS: [dict(own) for own in winners]}
    )
