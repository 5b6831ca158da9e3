"""TorchJD's scalarizers through the adapter: formulas by hand, preferences, and what is refused."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close
from torchjd import scalarization as jd

from mtl_cli.basis.errors import Problem
from mtl_cli.trust.slots import Factory
from mtl_cli.weighting.scalarization import Scalarization

TASKS = ["a", "b", "c"]
VALUES = {"a": 0.5, "b": 2.0, "c": 1.25}
P = [3.0, 1.0, 4.0]
Z = [0.1, -0.5, 0.2]


def make(method, preference=None, reference=None):
    return Scalarization(TASKS, method, preference, reference)


def leaves(values):
    return {task: nn.Parameter(torch.tensor(value)) for task, value in values.items()}


def stch(x, r, z, mu=0.3):
    return mu * np.log(np.sum(np.exp(r * (x - z) / mu)))


def cosmos(x, r, z, coefficient=2.0):
    return r @ x - coefficient * (r @ x) / np.linalg.norm(r) / np.linalg.norm(x)


def pbi(x, r, z, theta=3.0):
    unit = r / np.linalg.norm(r)
    along = (x - z) @ unit
    return along + theta * np.linalg.norm(x - z - along * unit)


# The method, and its formula of the losses, the preference (of sum 1) and the reference.
METHODS = {
    "uniform": (lambda: jd.Mean(), lambda x, r, z: x.mean()),
    "gls": (lambda: jd.GeometricMean(), lambda x, r, z: np.prod(x) ** (1 / len(x))),
    "stch": (lambda: jd.STCH(mu=0.3), stch),
    "cosmos": (lambda: jd.COSMOS(lambda_=2.0, weights=None), cosmos),
    "pbi": (lambda: jd.PBI(theta=3.0, weights=None), pbi),
}
PREFERRING = ["stch", "cosmos", "pbi"]
MEASURING = ["stch", "pbi"]


@pytest.mark.parametrize("present", [TASKS, ["a", "c"], ["c", "a"], ["b"]], ids="-".join)
@pytest.mark.parametrize("preferred", [False, True])
@pytest.mark.parametrize("name", METHODS)
def test_the_scalar_is_that_by_hand_of_the_tasks_that_are_there(name, preferred, present):
    method, formula = METHODS[name]
    preference = P if preferred and name in PREFERRING else None
    reference = Z if preferred and name in MEASURING else None
    losses = leaves({task: VALUES[task] for task in present})
    scalar = make(method(), preference, reference).combine(losses)
    places = [TASKS.index(task) for task in present]
    wanted = np.array(preference or [1.0] * 3)[places]
    ideal = np.array(reference or [0.0] * 3)[places]
    x = np.array([VALUES[task] for task in present])
    expected = formula(x, wanted / wanted.sum(), ideal)
    assert scalar.item() == pytest.approx(expected, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("name", METHODS)
def test_the_weights_are_the_slopes_of_the_scalar(name):
    """By finite differences of the formula."""
    method, formula = METHODS[name]
    preference = P if name in PREFERRING else None
    losses = leaves(VALUES)
    weights = make(method(), preference).backward(losses, list(losses.values()), [])
    x, r = np.array(list(VALUES.values())), np.array(preference or [1.0] * 3)
    r, z, small = r / r.sum(), np.zeros(3), 1e-6
    for k, task in enumerate(TASKS):
        step = small * np.eye(3)[k]
        slope = (formula(x + step, r, z) - formula(x - step, r, z)) / (2 * small)
        assert weights[task].item() == pytest.approx(slope, rel=1e-4, abs=1e-5)
        assert_close(losses[task].grad, weights[task])


def test_random_weights_are_positive_sum_to_1_and_are_drawn_in_every_step():
    method = make(jd.Random())
    drawn = [
        torch.stack(list(method.backward(leaves(VALUES), [], []).values())) for _ in range(400)
    ]
    weights = torch.stack(drawn)
    assert (weights > 0).all()
    assert_close(weights.sum(1), torch.ones(400))
    assert len(weights.unique(dim=0)) == 400
    assert_close(weights.mean(0), torch.full((3,), 1 / 3), atol=0.05, rtol=0)


@pytest.mark.parametrize("name", PREFERRING)
def test_only_the_ratios_of_a_preference_count(name):
    method, _ = METHODS[name]
    once = make(method(), P).combine(leaves(VALUES))
    assert_close(make(method(), [10 * p for p in P]).combine(leaves(VALUES)), once)


def test_without_conflict_the_factor_is_that_of_the_docstring_of_each_method():
    """Of K equal losses: the mean 1, the smooth maximum 1 / K."""
    equal = dict.fromkeys(TASKS, 0.8)
    factors = {
        name: sum(make(method()).backward(leaves(equal), [], []).values()).item()
        for name, (method, _) in METHODS.items()
    }
    expected = {"uniform": 1, "gls": 1, "stch": 1 / 3, "cosmos": 1, "pbi": math.sqrt(3)}
    assert factors == {name: pytest.approx(value, abs=1e-5) for name, value in expected.items()}


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_a_geometric_mean_names_the_task_whose_loss_is_not_above_0(value):
    with pytest.raises(Problem, match="the loss of task 'b' must be above 0") as error:
        make(jd.GeometricMean()).combine(leaves(VALUES | {"b": value}))
    assert f"found: {value}" in str(error.value)


def test_a_loss_that_is_not_a_number_is_left_for_the_trainer_to_name():
    losses = leaves(VALUES | {"b": math.nan})
    assert make(jd.GeometricMean()).combine(losses).isnan()


@pytest.mark.parametrize(
    "preference", [[1.0], [1.0, -1.0, 1.0], [1.0, 0.0, 1.0], "abc", [1, "x", 2]]
)
def test_a_preference_of_the_wrong_length_or_sign_is_refused(preference):
    with pytest.raises(Problem, match=r"weighting\.preference must"):
        make(jd.STCH(mu=1.0), preference)


@pytest.mark.parametrize("reference", [[1.0], [1.0, math.nan, 1.0]])
def test_a_wrong_reference_is_refused(reference):
    with pytest.raises(Problem, match=r"weighting\.reference must"):
        make(jd.STCH(mu=1.0), None, reference)


@pytest.mark.parametrize(
    ("method", "options"),
    [
        (jd.Mean(), {"preference": P}),
        (jd.GeometricMean(), {"reference": Z}),
        (jd.COSMOS(1.0, None), {"reference": Z}),
    ],
    ids=["mean", "geometric mean", "cosmos"],
)
def test_a_method_that_takes_none_refuses_them(method, options):
    with pytest.raises(Problem, match="which takes none"):
        make(method, **options)


@pytest.mark.parametrize("method", [jd.DWA(), jd.FAMO(3), jd.IMTLL(3), jd.UW(3), nn.Identity()])
def test_methods_with_a_state_are_parts_of_their_own(method):
    with pytest.raises(Problem, match="keeps no state"):
        make(method)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("STCH", {"mu": 0.0}),
        ("STCH", {"mu": math.nan}),
        ("COSMOS", {"lambda_": -1.0, "weights": None}),
        ("COSMOS", {"lambda_": math.inf, "weights": None}),
        ("PBI", {"theta": -0.5, "weights": None}),
    ],
)
def test_a_parameter_out_of_its_range_is_refused_in_our_words(name, options):
    node = {
        "_target_": "mtl_cli.weighting.scalarization.Scalarization",
        "preference": None,
        "reference": None,
        "method": {"_target_": f"torchjd.scalarization.{name}"} | options,
    }
    with pytest.raises(Problem, match=r"weighting") as error:
        Factory("weighting", node, "weighting=stch --help")(tasks=TASKS)
    assert next(iter(options)) in str(error.value)


def test_there_is_nothing_to_save():
    assert list(make(jd.STCH(mu=1.0), P, Z).state_dict()) == ["failures"]
