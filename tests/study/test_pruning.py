"""Which trials are given up: Optuna's rule for one figure, and all of several at once."""

import math
import random

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState, create_trial

from mtl_cli.study.pruning import falls_behind


def curve(draw: random.Random, epochs: int, figures: int) -> dict[int, list[float]]:
    return {epoch: [draw.random() for _ in range(figures)] for epoch in range(1, epochs + 1)}


def by_optuna(own, others, after, first_epoch) -> bool:
    study = optuna.create_study(
        pruner=optuna.pruners.MedianPruner(n_startup_trials=after, n_warmup_steps=first_epoch)
    )
    of_one = {"x": FloatDistribution(0, 1)}
    for other in others:
        values = {epoch: value for epoch, (value,) in other.items()}
        study.add_trial(
            create_trial(
                state=TrialState.COMPLETE,
                params={"x": 0.5},
                distributions=of_one,
                value=0.0,
                intermediate_values=values,
            )
        )
    trial = study.ask()
    for epoch, (value,) in own.items():
        trial.report(value, epoch)
    return trial.should_prune()


def test_of_one_figure_it_is_optunas_rule(monkeypatch) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    draw, found = random.Random(0), []
    for _ in range(150):
        others = [curve(draw, draw.randint(1, 5), 1) for _ in range(draw.randint(0, 6))]
        own = curve(draw, draw.randint(1, 5), 1)
        rule = draw.randint(1, 4), draw.randint(1, 3)
        found.append(falls_behind(own, others, *rule))
        assert found[-1] == by_optuna(own, others, *rule)
    assert 10 < sum(found) < 140


def test_of_several_it_is_given_up_where_each_would_be() -> None:
    draw, found = random.Random(1), []
    for _ in range(200):
        others = [curve(draw, draw.randint(1, 4), 3) for _ in range(4)]
        own = {epoch: [v + 0.4 for v in row] for epoch, row in curve(draw, 2, 3).items()}
        each = [falls_behind(*alone(own, others, k), 3, 1) for k in range(3)]
        found.append(falls_behind(own, others, 3, 1))
        assert found[-1] == all(each)
    assert 10 < sum(found) < 190


def alone(own, others, k):
    """The k-th figure of a trial and of the others."""
    first = {epoch: [row[k]] for epoch, row in own.items()}
    return first, [{epoch: [row[k]] for epoch, row in other.items()} for other in others]


def test_by_hand() -> None:
    others = [{1: [1.0, 5.0], 2: [1.0, 1.0]}, {1: [2.0, 2.0], 2: [1.0, 1.0]}, {1: [3.0, 3.0]}]
    assert falls_behind({1: [2.5, 3.5]}, others, 3, 1)
    assert not falls_behind({1: [2.5, 3.0]}, others, 3, 1)  # as good as the median of the second
    assert not falls_behind({1: [2.5, 3.5]}, others, 4, 1)  # too few have finished
    assert not falls_behind({1: [2.5, 3.5]}, others, 3, 2)  # too early
    assert not falls_behind({1: [0.5, 9.0], 2: [9.0, 9.0]}, others, 3, 2)  # was better before
    assert not falls_behind({3: [9.0, 9.0]}, others, 3, 1)  # nobody else came as far
    assert not falls_behind({}, others, 1, 1)


@pytest.mark.parametrize("odd", [math.nan, math.inf])
def test_what_is_not_finite_is_worse_than_any(odd) -> None:
    others = [{1: [1.0]}, {1: [2.0]}, {1: [odd]}]
    assert falls_behind({1: [odd]}, others, 3, 1)
    assert not falls_behind({1: [1.5]}, others, 3, 1)
    assert not falls_behind({1: [9.0]}, [{1: [odd]}, {1: [odd]}, {1: [1.0]}], 3, 1)
