"""How often equal learners get a verdict over folds of simulated data: 6 in 100 at most is asked.

    python scripts/verdicts_of_folds.py                  # 1 000 studies each, half an hour
    python scripts/verdicts_of_folds.py studies=200 plain

A study draws a data set anew, deals its rows as the split says (by the project's own deal), and on
each fold fits two ridge regressions for each of two tasks, whose penalty val chooses. The sides are
alike in distribution: each has columns of its own, and all columns matter alike. So neither is
better on data without end, and yet on one data set one of them is, on all folds at once: this is
what a verdict must not take for more than it is. Prints how often there is a verdict on the whole,
how often without the correction for shared rows, how often any of a report on three settings, and
how often "helps" where one side's columns matter half as much again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow

from mtl_cli.comparison.gain import gain_over
from mtl_cli.comparison.verdict import Differences, verdicts
from mtl_cli.dataset.splits.deal import deal
from mtl_cli.dataset.splits.options import SplitOptions, of_run

SAID: dict[str, Any] = {"by": "fraction", "column": None, "val": 0.1, "test": 0.2}
SAID |= {"seed": None, "folds": None, "fold": None, "date_format": None}
COLUMNS = 6  # of a side
PENALTIES = (0.1, 3.0, 100.0)
HIDDEN = 20  # features of a layer of random weights
SIDES = 4  # a baseline and three settings
CONFIDENCE = 0.95

Draw = Callable[[np.random.Generator, int, float], tuple[np.ndarray, np.ndarray, Any, Any]]


def rows_alone(rng: np.random.Generator, n: int, gap: float) -> tuple[Any, ...]:
    """Rows that have nothing to do with each other: inputs, targets, cells and classes."""
    x = rng.normal(size=(n, SIDES, COLUMNS))
    return x, targets_of(rng, x, rng.normal(size=(n, 2)), gap), None, None


def rows_of_classes(rng: np.random.Generator, n: int, gap: float) -> tuple[Any, ...]:
    """The same, of which the targets are classes, one in five of the rarer one."""
    x = rng.normal(size=(n, SIDES, COLUMNS))
    y = targets_of(rng, x, rng.normal(size=(n, 2)), gap)
    y = (y > np.quantile(y, 0.8, axis=0)).astype(float)
    return x, y, None, y[:, 0].astype(int)


def rows_of_groups(rng: np.random.Generator, n: int, gap: float) -> tuple[Any, ...]:
    """Rows of groups, some of them large: half of all variance is the group's."""
    sizes = rng.geometric(0.15, n)
    groups = np.repeat(np.arange(n), sizes)[:n]
    of_group = rng.normal(size=(n, SIDES, COLUMNS))[groups]
    x = (of_group + rng.normal(size=of_group.shape)) / np.sqrt(2)
    noise = (rng.normal(size=(n, 2))[groups] + rng.normal(size=(n, 2))) / np.sqrt(2)
    return x, targets_of(rng, x, noise, gap), groups, None


def rows_in_time(rng: np.random.Generator, n: int, gap: float) -> tuple[Any, ...]:
    """Rows in order, each of which remembers the one before it."""

    def remembering(steps: np.ndarray) -> np.ndarray:
        for now, before in zip(steps[1:], steps, strict=False):
            now[:] = 0.7 * before + np.sqrt(1 - 0.7**2) * now
        return steps

    x = remembering(rng.normal(size=(n, SIDES, COLUMNS)))
    return x, targets_of(rng, x, remembering(rng.normal(size=(n, 2))), gap), np.arange(n), None


def targets_of(rng: np.random.Generator, x: np.ndarray, noise: np.ndarray, gap: float) -> Any:
    """Two targets, [N, 2], to which each side's columns add alike; the second side's by a gap."""
    weights = rng.normal(size=(2, SIDES, COLUMNS)) / np.sqrt(COLUMNS)
    weights /= np.linalg.norm(weights, axis=2, keepdims=True)
    weights[:, 1] *= 1 + gap
    return np.einsum("nsc,tsc->nt", x, weights) + 1.5 * noise


@dataclass(frozen=True)
class Case:
    """A way to deal rows.

    Args:
        draw: gives the rows.
        split: how they are dealt.
        seeds: of a study.
        one_learner: whether all sides are one learner on the same columns, a layer of random
            weights below the regression, and differ in these weights alone.
    """

    draw: Draw
    split: dict[str, Any] = field(default_factory=dict)
    seeds: int = 5
    one_learner: bool = False


CASES = {
    "plain": Case(rows_alone, {"folds": 5}),
    "plain, first weights alone": Case(rows_alone, {"folds": 5}, one_learner=True),
    "plain, 3 folds": Case(rows_alone, {"folds": 3}, 3),
    "plain, 10 folds": Case(rows_alone, {"folds": 10}, 10),
    "plain, 5 folds of 3 deals": Case(rows_alone, {"folds": 5}, 15),
    "by class": Case(rows_of_classes, {"folds": 5}),
    "by group": Case(rows_of_groups, {"folds": 5, "by": "group", "column": "c"}),
    "by group, 3 deals": Case(rows_of_groups, {"folds": 5, "by": "group", "column": "c"}, 15),
    "by time": Case(rows_in_time, {"folds": 5, "by": "time", "column": "c"}),
    "5 deals, no folds": Case(rows_alone),
    "5 deals of groups": Case(rows_of_groups, {"by": "group", "column": "c"}),
}


def dealt(case: Case, n: int, cells: Any, classes: Any, seed: int) -> dict[str, np.ndarray]:
    """The rows of each split, as the run of a seed deals them."""
    options = SplitOptions.of(of_run(SAID | case.split, seed))
    array = None if cells is None else pyarrow.array([str(cell) for cell in cells])
    own = [] if classes is None else [classes]
    given = np.full(n, "")
    return deal(options, given, lambda _: array, str, classes, own).rows


def figure(x: np.ndarray, y: np.ndarray, rows: dict[str, np.ndarray]) -> np.ndarray:
    """The squared error on test of a ridge regression of each target, [2]."""
    x = np.column_stack([np.ones(len(x)), x])
    own = x[rows["train"]]
    found = []
    for penalty in PENALTIES:
        square = own.T @ own + penalty * np.eye(x.shape[1])
        fit = np.linalg.solve(square, own.T @ y[rows["train"]])
        found.append((x @ fit - y) ** 2)
    best = np.argmin([error[rows["val"]].mean(0) for error in found], axis=0)
    return np.array([found[k][rows["test"], t].mean() for t, k in enumerate(best)])


def study(case: Case, rng: np.random.Generator, n: int, gap: float) -> tuple[list[Any], float]:
    """The gains of each setting over the baseline, and the mean of n_test / n_train."""
    x, y, cells, classes = case.draw(rng, n, gap)
    deals = {seed: dealt(case, n, cells, classes, seed) for seed in range(case.seeds)}
    sides: list[dict[str, dict[int, float]]]
    sides = [{task: {} for task in ("first", "second")} for _ in range(SIDES)]
    for seed, rows in deals.items():
        for k, side in enumerate(sides):
            own = x[:, k]
            if case.one_learner:
                own = np.tanh(x[:, 0] @ rng.normal(size=(COLUMNS, HIDDEN)) / np.sqrt(COLUMNS))
            for task, value in zip(side, figure(own, y, rows), strict=True):
                side[task][seed] = float(value)
    gains = [gain_over(side, sides[0], dict.fromkeys(side, False)) for side in sides[1:]]
    overlap = np.mean([len(rows["test"]) / len(rows["train"]) for rows in deals.values()])
    return [gain.by_seed for gain in gains], float(overlap)


def words_of(gains: list[Any], overlap: float) -> list[str]:
    return [own.word for own in verdicts([Differences(g, overlap) for g in gains], CONFIDENCE)]


def main() -> None:
    words = sys.argv[1:]
    given = dict(word.split("=", 1) for word in words if "=" in word)
    names = [word for word in words if "=" not in word] or list(CASES)
    studies, n = int(given.get("studies", 1000)), int(given.get("rows", 200))
    print(f"{n} rows, {studies} studies each")
    print("| rows are dealt | verdicts | uncorrected | any of three | told where there is a gap |")
    print("|---|---|---|---|---|")
    for name in names:
        rng, found = np.random.default_rng(0), []
        for _ in range(studies):
            gains, overlap = study(CASES[name], rng, n, 0.0)
            apart, shared = study(CASES[name], rng, n, 0.5)
            found.append(
                [
                    words_of(gains[:1], overlap) != ["cannot say"],
                    words_of(gains[:1], 0.0) != ["cannot say"],
                    set(words_of(gains, overlap)) != {"cannot say"},
                    words_of(apart[:1], shared) == ["helps"],
                ]
            )
        said = " | ".join(f"{100 * share:.1f} %" for share in np.mean(found, axis=0))
        print(f"| {name} | {said} |", flush=True)


if __name__ == "__main__":
    main()
