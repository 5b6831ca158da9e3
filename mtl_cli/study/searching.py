"""A search from its first trial to the runs of its winners, or what is left of it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher

from mtl_cli.basis.errors import Problem, problem
from mtl_cli.command_line.job_line import say
from mtl_cli.comparison.saved_run import DONE, JOURNAL, PRUNED, TRIALS
from mtl_cli.disk.one_writer import HOLDER, one_writer
from mtl_cli.study.found import Found, Trial
from mtl_cli.study.objective import Objective, check_val
from mtl_cli.study.plan import Plan, begin, note_winners
from mtl_cli.study.search import Point, Search, open_journal
from mtl_cli.study.search_report import report_search
from mtl_cli.study.settings import Setting
from mtl_cli.study.space import words_of
from mtl_cli.study.trial import epochs_of, reference_of, summary_of


def search_all(plan: Plan, folder: Path, launcher: Launcher) -> list[Sequence[JobReturn]]:
    """Tries all points of a search that are left, and trains the winners; gives these runs."""
    with alone_in(folder):
        plan = begin(plan, folder)
        journal = open_journal(folder / JOURNAL)
        found = []
        for place, setting in enumerate(plan.settings):
            number = len(Objective(plan.objective, plan.wish).names(setting.tasks))
            search = Search(journal, str(place), setting.space, number, plan.draws)
            found.append(Searching(plan, place, search, folder, launcher).run())
        report_search(found, folder)
        return train_winners(plan, found, folder, launcher)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Holds a search's folder.

    Raises:
        ValueError: where another process searches there.
    """
    try:
        held = one_writer(folder, unlock=False)
        writer = held.__enter__()
    except Problem as error:
        fix = "wait for it, or end it; where it was on another machine, and is dead: "
        fix += shlex.join(["rm", str(folder / HOLDER)])
        raise problem(f"the search in {folder}", error.rule, error.found, fix) from None
    try:
        writer.sign()
        yield
    finally:
        held.__exit__(None, None, None)


@dataclass
class Searching:
    """The search of one setting.

    Args:
        plan: of all.
        place: of the setting in it.
        search: draws its points.
        folder: of all.
        launcher: runs the trials.
    """

    plan: Plan
    place: int
    search: Search
    folder: Path
    launcher: Launcher

    @property
    def setting(self) -> Setting:
        return self.plan.settings[self.place]

    def run(self) -> Found:
        """Tries what is left, and gives what came of all trials."""
        say(self.beginning())
        while points := self.search.batch():
            self.try_points(points)
        trials = [self.over(point) for point in self.search.points]
        found = Found(self.setting, trials, self.objective)
        if not found.finished:
            why = next((own.why for own in trials if own.why), "no value of the objective")
            rule, fix = "must have a trial that comes to its end", "other ranges, by study.space"
            raise problem(self.setting.name, rule, f"none of {len(trials)}: {why}", fix)
        return found

    def over(self, point: Point) -> Trial:
        """A trial as it ended in the search: its run may have been trained further since."""
        trial = self.trial(point)
        if trial.counts and not self.search.finished(point.number):
            return replace(trial, status=PRUNED, values=None)
        return trial

    def beginning(self) -> str:
        """What is going to be tuned, and how much of it is left."""
        ranges = ", ".join(own.key for own in self.setting.space) or "nothing"
        total, left = self.search.draws.trials, self.search.left
        said = f"{total - left} of {total} trials are over" if left < total else f"{total} trials"
        return f"\n{self.setting.name}: {said}; searched: {ranges}"

    @property
    def objective(self) -> Objective:
        """With the figures that gains are over, as soon as these are there."""
        reference = reference_of(self.folder, self.plan.said())
        return Objective(self.plan.objective, self.plan.wish, reference)

    def folder_of(self, number: int) -> Path:
        return self.folder / TRIALS / str(self.place) / str(number)

    def try_points(self, points: Sequence[Point]) -> None:
        """Trains the trials of a batch, and notes what came of them."""
        jobs = []
        for point in points:
            words = [*self.setting.words, *words_of(self.setting.space, point.drawn)]
            place = f"{TRIALS}/{self.place}/{point.number}"
            jobs.append(job(words, f"seed={self.plan.draws.seed}", place))
        done = self.launcher.launch(jobs, initial_job_idx=points[0].number)
        for point, back in zip(points, done, strict=True):
            said = summary_of(self.folder_of(point.number))
            if said.get("status") in DONE:
                check_val(said.get("best") or {})
            elif said.get("status") != PRUNED and point.number == self.place == 0:
                raise_error(back)  # with nothing tuned nothing is trained: no other would be
            self.note(self.trial(point))

    def note(self, trial: Trial) -> None:
        """Tells the search what came of a trial."""
        if trial.counts and trial.values is not None:
            self.search.tell(trial.number, trial.values)
        elif trial.status == PRUNED:
            known, objective = trial.said.get("metrics", {}), self.objective
            reached = epochs_of(trial.folder)
            by_epoch = {epoch: objective.values(own, known) for epoch, own in reached.items()}
            self.search.give_up(trial.number, by_epoch)
        else:
            self.search.fail(trial.number, trial.why or "its objective has no value")

    def trial(self, point: Point) -> Trial:
        """What a trial's run says."""
        path = self.folder_of(point.number)
        said = summary_of(path)
        status = str(said.get("status") or "failed")
        values = None
        if status in DONE:
            values = self.objective.values(said.get("best") or {}, said.get("metrics", {}))
        why = str(said.get("error") or "").splitlines()
        words = words_of(self.setting.space, point.drawn)
        return Trial(point.number, status, words, values, path, said, why[0] if why else None)


def train_winners(
    plan: Plan, found: Sequence[Found], folder: Path, launcher: Launcher
) -> list[Sequence[JobReturn]]:
    """Trains the best of each setting, by all seeds."""
    note_winners(folder, [own.said(plan.id) for own in found])
    jobs = [
        job([*own.setting.words, *own.winner.words], seed, str(number * len(plan.seeds) + k))
        for number, own in enumerate(found)
        for k, seed in enumerate(plan.seeds)
    ]
    say(f"\nthe best of each setting, by {', '.join(plan.seeds)}")
    returns, at_once = [], plan.draws.at_once
    for first in range(0, len(jobs), at_once):
        returns.append(launcher.launch(jobs[first : first + at_once], first))
    for back in (one for batch in returns for one in batch):
        raise_error(back)
    return returns


def job(words: Sequence[str], seed: str, place: str) -> list[str]:
    """The words of a job, and where it is trained."""
    return [*words, seed, f"hydra.sweep.subdir={place}", "hydra.mode=MULTIRUN"]


def raise_error(back: JobReturn) -> None:
    """Raises what a job ended with, if it failed."""
    if back.status == JobStatus.FAILED:
        raise back._return_value
