"""The search of one setting: which point of its space each trial has, drawn by Optuna's TPE.

Bergstra et al., "Algorithms for Hyper-Parameter Optimization", NeurIPS 2011; with several
objectives, Ozaki et al., GECCO 2020. What was drawn and what came of it stands in a journal, a line
for each event, so that a search that was killed goes on. A draw is of the seed, its number and the
trials of batches before it: a search that goes on draws as one that was never killed.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mtl_cli.basis.errors import problem
from mtl_cli.study.space import Space

if TYPE_CHECKING:
    import optuna
    from optuna.samplers import BaseSampler
    from optuna.storages import JournalStorage

WHY = "failed"  # under which the journal has the reason


@dataclass(frozen=True)
class Draws:
    """How points are drawn.

    Args:
        trials: in all.
        at_once: so many are drawn before any of them is known.
        random: that learn from no other.
        seed: of the draws.
    """

    trials: int
    at_once: int
    random: int
    seed: int


@dataclass(frozen=True)
class Point:
    """What a trial has drawn, ``{option: value}``."""

    number: int
    drawn: dict[str, Any]


class Search:
    """Draws the points of one setting's trials, and notes what came of them.

    Args:
        journal: of all settings.
        name: the setting's.
        space: its ranges; empty: every trial is the same.
        objectives: how many.
        draws: how points are drawn.
    """

    def __init__(
        self, journal: JournalStorage, name: str, space: Space, objectives: int, draws: Draws
    ) -> None:
        import optuna

        self.space, self.draws = space, draws
        self.ranges = {own.key: own.distribution() for own in space}
        self.optuna = optuna.create_study(
            storage=journal,
            study_name=name,
            directions=["minimize"] * objectives,
            load_if_exists=True,
        )

    def batch(self) -> list[Point]:
        """The points to be tried next: those of trials that died, and new ones; none at the end."""
        known = self.optuna.get_trials(deepcopy=False)
        left = [trial for trial in known if not trial.state.is_finished()]
        last = -(-max(len(known), 1) // self.draws.at_once) * self.draws.at_once
        if not left and len(known) == last:
            last += self.draws.at_once
        points = [self.taken_up(trial) for trial in left]
        for number in range(len(known), min(last, self.draws.trials)):
            self.optuna.enqueue_trial(self.draw(number))
            points.append(Point(number, self.optuna.ask(self.ranges).params))
        return points

    def draw(self, number: int) -> dict[str, Any]:
        """Draws a point, of the trials so far; the first has nothing tuned.

        In memory, so that the journal has it in one line, and never the half of it.
        """
        import optuna

        study = optuna.create_study(
            directions=self.optuna.directions, sampler=sampler(self.draws, number)
        )
        study.add_trials(self.optuna.get_trials())
        if number == 0:
            usual = {own.key: own.drawn() for own in self.space}
            study.enqueue_trial({key: own for key, own in usual.items() if own is not None})
        return study.ask(self.ranges).params

    def taken_up(self, trial: optuna.trial.FrozenTrial) -> Point:
        """The point of a trial that died, perhaps before it had begun."""
        from optuna.trial import Trial

        if trial.state.name == "WAITING":
            return Point(trial.number, self.optuna.ask(self.ranges).params)
        again = Trial(self.optuna, trial._trial_id)
        for key, own in self.ranges.items():
            again._suggest(key, own)
        return Point(trial.number, again.params)

    def tell(self, number: int, values: Sequence[float]) -> None:
        """Notes what a trial reached."""
        self.optuna.tell(number, list(values))

    def give_up(self, number: int, by_epoch: Mapping[int, Sequence[float]]) -> None:
        """Notes that a trial was given up, and how far it had come."""
        from optuna.trial import Trial, TrialState

        if len(self.optuna.directions) == 1:
            trial = Trial(self.optuna, self.optuna.trials[number]._trial_id)
            for epoch, (value,) in by_epoch.items():
                trial.report(value, epoch)
        self.optuna.tell(number, state=TrialState.PRUNED)

    def fail(self, number: int, why: str) -> None:
        """Notes that a trial failed: nothing is worse, and nothing like it is drawn again."""
        from optuna.trial import Trial, TrialState

        Trial(self.optuna, self.optuna.trials[number]._trial_id).set_user_attr(WHY, why)
        self.optuna.tell(number, state=TrialState.PRUNED)

    @property
    def points(self) -> list[Point]:
        """Those of all trials that are finished, given up or failed."""
        trials = self.optuna.get_trials(deepcopy=False)
        return [Point(own.number, own.params) for own in trials if own.state.is_finished()]

    def finished(self, number: int) -> bool:
        """Whether a trial came to its end, and was neither given up nor failed."""
        return self.optuna.get_trials(deepcopy=False)[number].state.name == "COMPLETE"

    @property
    def left(self) -> int:
        """How many trials are not over."""
        return self.draws.trials - len(self.points)


def sampler(draws: Draws, number: int) -> BaseSampler:
    """Draws the point of one trial."""
    from optuna.exceptions import ExperimentalWarning
    from optuna.samplers import TPESampler

    seed = int(np.random.SeedSequence([draws.seed, number]).generate_state(1)[0])
    with warnings.catch_warnings():  # Optuna calls them experimental since 2020
        warnings.simplefilter("ignore", ExperimentalWarning)
        return TPESampler(
            n_startup_trials=draws.random,
            multivariate=True,
            constant_liar=draws.at_once > 1,
            seed=seed,
        )


def open_journal(path: Path) -> JournalStorage:
    """The journal of a search; a last line that a kill has torn is taken off.

    Whoever opens it holds the search's folder, so that nobody else writes to it.

    Raises:
        ValueError: where the file is none.
    """
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with suppress(FileNotFoundError):
        text = path.read_bytes()
        if not text.endswith(b"\n"):
            with path.open("r+b") as file:
                file.truncate(text.rfind(b"\n") + 1)
    path.with_name(f"{path.name}.lock").unlink(missing_ok=True)  # of a writer that was killed
    try:
        return JournalStorage(JournalFileBackend(str(path)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        rule, found = "must be a journal of a search", str(error).splitlines()[0]
        raise problem(str(path), rule, found, "the command line again, in a new folder") from error
