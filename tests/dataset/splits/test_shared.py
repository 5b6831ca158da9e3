"""A column by which rows belong together is told by its name and its cells, and no other is."""

import shlex

import numpy as np
import pyarrow
import pytest
import sklearn.datasets
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_cli.command_line.cli import compose
from mtl_cli.dataset.splits.shared import remarks_on, shared_column

PERSONS = ["patient", "patient_id", "PatientID", "Patient Nr.", "user", "userId", "customer_code"]
PERSONS += ["household", "MRN", "id_patient", "subject", "subject#"]
PERSONS += ["Patienten-Nr.", "Kundennummer"]
NUMBERED = ["id", "visit_id", "hospital number", "session-no"]
PLAIN = ["city", "patient_age", "visit", "num_persons", "zip", "customer_type", "group", "index"]
PLAIN += ["code", "name", "unit", "id_type", "user_rating", "student_grade", "order", "age"]
PATIENTS = np.repeat(np.arange(40), 3)


def shared(**columns):
    cells = {name: pyarrow.array(map(str, own)) for name, own in columns.items()}
    return shared_column(cells, cells.get)


@pytest.mark.parametrize("name", PERSONS + NUMBERED)
def test_what_is_of_somebody_is_shared_where_most_rows_share_it(name):
    assert shared(**{name: PATIENTS}) == name
    assert shared(**{name: np.arange(120)}) is None  # a number of the row
    assert shared(**{name: PATIENTS % 5}) is None  # a category
    assert shared(**{name: np.where(PATIENTS < 35, 0, PATIENTS)}) is None  # one for nearly all


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 9), st.sampled_from([3, 12, 60, 119]))
def test_no_plain_column_is(seed, different):
    draw = np.random.default_rng(seed)
    cells = [f"{value}" for value in draw.integers(0, different, 120)]
    assert shared(**dict.fromkeys(PLAIN, cells)) is None


@pytest.mark.parametrize("name", ["iris", "wine", "diabetes", "breast_cancer", "linnerud"])
def test_no_column_of_scikit_learns_tables_is(name):
    table = getattr(sklearn.datasets, f"load_{name}")(as_frame=True).frame
    assert shared(**{str(column): own for column, own in table.items()}) is None


def test_a_subject_of_a_school_is_none():
    lessons = [f"lesson {'abcdefghijklm'[k % 13]}" for k in range(120)]
    assert shared(subject=lessons) is None
    assert shared(subject=[f"S{k:02}" for k in PATIENTS]) == "subject"


def test_of_several_it_is_somebody_and_then_the_larger_groups():
    visits = np.arange(120) // 2
    assert shared(visit_id=visits, patient=PATIENTS, household=PATIENTS // 2) == "household"
    assert shared(visit_id=visits, station_id=PATIENTS) == "station_id"


@pytest.mark.parametrize("name", ["patient", "Patient Nr.", "subject#", 'user "id"', "client 'id'"])
def test_the_words_that_are_offered_deal_by_it(name):
    cells = pyarrow.array(map(str, PATIENTS))
    words = shlex.split(remarks_on([name], lambda _: cells)["remark"].split("alone: ")[1])
    split = compose("train", ["dataset=table", *words]).dataset.split
    assert (split.by, split.column) == ("group", name)
