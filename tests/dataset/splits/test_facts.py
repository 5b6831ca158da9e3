"""What is said of a deal is what plain counting finds in its rows."""

import numpy as np
import pytest

from mtl_cli.dataset.splits.facts import lines_of
from tests.dataset.splits.test_deal import DAYS, dealt


def test_groups_are_counted():
    groups = np.arange(100) % 25
    found = dealt(cells=groups, by="group")
    assert found.facts["by"] == "group"
    for split, rows in found.rows.items():
        assert found.facts[split] == {"rows": len(rows), "groups": len(set(groups[rows]))}
    assert lines_of(found.facts) == [
        "split       by c: train 18, val 2, test 5 of them; none is in two splits"
    ]


def test_moments_are_those_of_the_first_and_the_last_row():
    cells = np.array(DAYS)[np.random.default_rng(0).permutation(100)]
    found = dealt(cells=cells, by="time", test="2023-04-01")
    for split, rows in found.rows.items():
        ends = {"from": min(cells[rows]), "to": max(cells[rows])}
        assert found.facts[split] == {"rows": len(rows)} | ends
    assert lines_of(found.facts, "films") == [
        "split       films: by c: train 2023-01-01 to 2023-03-18, val 2023-03-19 to 2023-03-28, "
        "test 2023-04-01 to 2023-04-16"
    ]


@pytest.mark.parametrize("by", ["fraction", "time"])
def test_a_fold_is_named(by):
    found = dealt(cells=None if by == "fraction" else DAYS, by=by, folds=4, fold=1, seed=3)
    of_deal = ", of deal 3" if by == "fraction" else ""
    lines = lines_of(found.facts)
    assert lines[0] == f"split       fold 1 of 0 to 3{of_deal}: its rows are test"
    assert len(lines) == (1 if by == "fraction" else 2)
    left = 100 - sum(map(len, found.rows.values()))
    assert ("left out" in found.facts) == (by == "time") == (left > 0)
    assert by == "fraction" or f"; {left} later rows are left out" in lines[1]


def test_what_the_sizes_say_is_not_said_again():
    assert lines_of(dealt().facts) == []
    assert dealt(val=0).facts["val"] == {"rows": 0}
