"""Points are drawn as Optuna alone draws them, and a search that was killed draws on as if not."""

import math
import warnings
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from mtl_cli.basis.errors import Problem
from mtl_cli.study.range import Range
from mtl_cli.study.search import Draws, Search, open_journal

SPACE = [
    Range("lr", {"low": 1e-5, "high": 0.1, "log": True}, 0.001),
    Range("experts", [2, 4, 8], 4),
]
ALONE = {
    "lr": FloatDistribution(1e-5, 0.1, log=True),
    "experts": CategoricalDistribution((0, 1, 2)),
}
DRAWS = Draws(trials=12, at_once=1, random=4, seed=7)
IN_BATCHES = Draws(trials=11, at_once=3, random=4, seed=7)


def reached(drawn: dict, figures: int = 1) -> list[float]:
    values = [abs(math.log10(drawn["lr"]) + 2) + drawn["experts"] / 10, float(drawn["experts"])]
    return values[:figures]


def searched(journal: Path, draws: Draws, figures: int = 1, most: int = 99) -> Search:
    """Tries the points of so many batches."""
    search = Search(open_journal(journal), "0", SPACE, figures, draws)
    for _ in range(most):
        points = search.batch()
        if not points:
            break
        for point in points:
            search.tell(point.number, reached(point.drawn, figures))
    return search


def drawn(search: Search) -> list[dict]:
    return [point.drawn for point in search.points]


@pytest.mark.parametrize("figures", [1, 2])
def test_a_plain_loop_of_optunas_draws_the_same(tmp_path: Path, figures: int) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(directions=["minimize"] * figures)
    study.enqueue_trial({"lr": 0.001, "experts": 1})
    for number in range(DRAWS.trials):
        seed = int(np.random.SeedSequence([7, number]).generate_state(1)[0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            study.sampler = optuna.samplers.TPESampler(
                n_startup_trials=4, multivariate=True, seed=seed
            )
        trial = study.ask(ALONE)
        study.tell(trial, reached(trial.params, figures))
    found = searched(tmp_path / "journal", DRAWS, figures)
    assert drawn(found) == [trial.params for trial in study.trials]
    assert found.left == 0
    assert found.batch() == []


def test_the_first_point_has_nothing_tuned(tmp_path: Path) -> None:
    assert drawn(searched(tmp_path / "a", DRAWS, most=1)) == [{"lr": 0.001, "experts": 1}]
    outside = [Range("lr", SPACE[0].said, 5.0), SPACE[1]]
    search = Search(open_journal(tmp_path / "b"), "0", outside, 1, DRAWS)
    [point] = search.batch()
    assert point.drawn["experts"] == 1
    assert point.drawn["lr"] < 0.1


@pytest.mark.parametrize("draws", [DRAWS, IN_BATCHES])
def test_a_search_goes_on_as_if_never_killed(tmp_path: Path, draws: Draws) -> None:
    whole = searched(tmp_path / "whole", draws)
    lines = (tmp_path / "whole").read_bytes().splitlines(keepends=True)
    for cut in range(2, len(lines), len(lines) // 6):  # the next event is torn
        left = tmp_path / f"cut{cut}"
        left.write_bytes(b"".join(lines[:cut]) + lines[cut][:7])
        again = searched(left, draws)
        assert drawn(again) == drawn(whole)
        assert [point.number for point in again.points] == list(range(draws.trials))


def test_batches_are_drawn_before_any_of_them_is_known(tmp_path: Path) -> None:
    search = Search(open_journal(tmp_path / "journal"), "0", SPACE, 1, IN_BATCHES)
    sizes = []
    while points := search.batch():
        assert search.batch() == points  # until they are told
        sizes.append(len(points))
        for point in points:
            search.tell(point.number, reached(point.drawn))
    assert sizes == [3, 3, 3, 2]


def test_what_failed_or_was_given_up_counts_and_is_not_drawn_again(tmp_path: Path) -> None:
    """Learning rates above 0.001 fail: few are drawn there in the end."""
    draws = Draws(trials=30, at_once=1, random=8, seed=0)
    search = Search(open_journal(tmp_path / "journal"), "0", SPACE, 1, draws)
    while points := search.batch():
        [point] = points
        if point.drawn["lr"] > 0.001:
            search.fail(point.number, "not finite")
        elif point.number % 5 == 4:
            search.give_up(point.number, {1: [3.0], 2: [2.0]})
        else:
            search.tell(point.number, [abs(math.log10(point.drawn["lr"]) + 4)])
    assert search.left == 0
    late = [point.drawn["lr"] for point in search.points[20:]]
    assert sum(rate > 0.001 for rate in late) <= 3


def test_settings_of_one_journal_know_nothing_of_each_other(tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "journal")
    searches = [Search(journal, name, SPACE, 1, DRAWS) for name in ("0", "1")]
    for search in searches:
        for _ in range(3):
            [point] = search.batch()
            search.tell(point.number, reached(point.drawn))
    assert drawn(searches[0]) == drawn(searches[1])


def test_a_search_over_nothing_tries_one_point_again_and_again(tmp_path: Path) -> None:
    search = Search(open_journal(tmp_path / "journal"), "0", [], 1, Draws(2, 1, 1, 0))
    for _ in range(2):
        [point] = search.batch()
        assert point.drawn == {}
        search.tell(point.number, [1.0])
    assert search.batch() == []


def test_a_file_that_is_no_journal_is_said(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("hello\nthere\n")
    with pytest.raises(Problem) as error:
        open_journal(tmp_path / "journal")
    assert "must be a journal of a search" in str(error.value)
    assert (tmp_path / "journal").read_text() == "hello\nthere\n"
