"""A range as Optuna draws from it, what stands in the configuration, and those of our own parts."""

import math
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from mtl_cli.comparison.saved_run import flat
from mtl_cli.study.range import Range, check_range

ROOT = Path(__file__).parents[2]
SPACES = sorted((ROOT / "conf/space").glob("*/*.yaml"))
LOG = {"low": 1e-4, "high": 0.1, "log": True}


def test_ranges_of_every_part_are_of_its_options_and_hold_its_usual_values() -> None:
    assert len(SPACES) >= 30
    for file in SPACES:
        part = ROOT / "conf" / file.parent.name / file.name
        options = OmegaConf.to_container(OmegaConf.load(part))
        for key, said in OmegaConf.to_container(OmegaConf.load(file)).items():
            usual = flat(options)[key]
            check_range(key, said)
            drawn = Range(key, said, usual).drawn()
            assert (drawn is not None) == (usual is not None), (file, key)


@pytest.mark.parametrize(
    ("said", "usual", "kind", "drawn"),
    [
        (LOG, 0.001, "FloatDistribution", 0.001),
        ({"low": 0, "high": 1}, 0.5, "FloatDistribution", 0.5),
        ({"low": 1, "high": 9, "step": 2}, 3, "IntDistribution", 3),
        ({"low": 1, "high": 9}, 20, "IntDistribution", None),
        ({"low": 1, "high": 9}, None, "IntDistribution", None),
        ([[8], [8, 8]], [8, 8], "CategoricalDistribution", 1),
        (["a", "b"], "c", "CategoricalDistribution", None),
        ([True, False], True, "CategoricalDistribution", 0),
    ],
)
def test_what_a_range_is_drawn_as(said, usual, kind, drawn) -> None:
    found = Range("x", said, usual)
    assert type(found.distribution()).__name__ == kind
    assert found.drawn() == drawn


def test_a_drawn_number_is_short_and_an_untuned_one_stays_as_it_is() -> None:
    assert Range("x", LOG, 0.00123456).value(0.00123456) == 0.00123456
    assert Range("x", LOG, 0.001).value(0.0123456) == 0.01235
    assert Range("x", {"low": 1, "high": 9}, 3).value(4) == 4


def test_near_an_end_is_a_twentieth_of_the_range_as_it_is_drawn() -> None:
    own = Range("x", {"low": 1e-4, "high": 1.0, "log": True}, None)
    at = [10 ** (-4 + 4 * share) for share in (0.04, 0.06, 0.94, 0.96)]
    assert [own.end(value) for value in at] == ["lowest", None, None, "highest"]
    assert Range("x", {"low": 0.0, "high": 1.0}, None).end(0.0) is None
    assert math.isclose(at[0], 1.4e-4, rel_tol=0.1)


def test_the_ends_are_the_first_and_the_last_that_can_be_drawn() -> None:
    assert Range("x", LOG, 0.001).ends == (1e-4, 0.1)
    assert Range("x", [[8], [8, 8], [16]], [8]).ends == (0, 2)
