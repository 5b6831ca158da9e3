"""Numbers as people write them have the values that they stand for, in all files."""

import numpy as np
import pytest

from mtl_cli.dataset.columns.writing import KNOWN, PLAIN, Writing, joint, may_be_number, writing_of

NAN, NONE = np.nan, np.inf
CASES = [
    (PLAIN, "45.6 %", 0.456),
    (PLAIN, "45%", 0.45),
    (PLAIN, "€ 12", 12),
    (PLAIN, "-$1.5", -1.5),
    (PLAIN, "$-1.5", -1.5),
    (PLAIN, "12 EUR", 12),
    (PLAIN, "(12.5)", -12.5),
    (PLAIN, "−5", -5),
    (PLAIN, "0x1F", 31),
    (PLAIN, "1e3", 1000),
    (PLAIN, " .5 ", 0.5),
    (PLAIN, "NA", NAN),
    (PLAIN, "", NAN),
    (PLAIN, "1,234", NONE),
    (PLAIN, "(12", NONE),
    (PLAIN, "--1", NONE),
    (PLAIN, "-", NONE),
    (PLAIN, "ABC123", NONE),
    (PLAIN, "5 kg", NONE),
    (Writing(".", ","), "1,234,567.5", 1234567.5),
    (Writing(".", ","), "1234.5", 1234.5),
    (Writing(".", ","), "12,34", NONE),
    (Writing(".", ","), "0,123", NONE),
    (Writing(",", "."), "€ 1.234,5", 1234.5),
    (Writing(",", "."), "1.23", NONE),
    (Writing(",", "."), "0.125", NONE),
    (Writing(","), "-0,13", -0.13),
    (Writing(",", " "), "1\u202f234,5", 1234.5),
    (Writing(",", " "), "1\xa0234,5", 1234.5),
    (Writing(".", "'"), "1'234.5", 1234.5),
]


@pytest.mark.parametrize(("writing", "cell", "value"), CASES)
def test_a_cell_has_the_value_that_it_stands_for(writing, cell, value):
    assert np.allclose(writing.values([cell]), [value], equal_nan=True)
    assert may_be_number(cell.strip()) or not np.isfinite(value)


def test_currencies_are_not_mixed():
    assert PLAIN.values(["€ 5", "6", "$ 7"]).tolist() == [5, 6, NONE]


@pytest.mark.parametrize("writing", KNOWN, ids=str)
def test_what_is_written_in_a_way_is_known_to_be(writing):
    numbers = np.random.default_rng(0).normal(0, 1e5, 50).round(2)
    swap = str.maketrans({",": writing.thousands or "", ".": writing.decimal})
    cells = [f"{number:,.2f}".translate(swap) for number in numbers]
    assert writing_of(cells) == writing
    assert np.allclose(writing.values(cells), numbers)
    assert writing_of([*cells, "none"]) is None


def test_the_words_for_all_columns_read_all_of_them():
    import pyarrow

    text, number = pyarrow.string(), pyarrow.float64()
    found = [Writing(","), Writing(",", ".")]
    assert joint(found, [text, text]) == """'dataset.decimal=","' 'dataset.thousands="."'"""
    assert joint(found, [text, text, number]) == ""  # its numbers would be none any more
    assert joint([PLAIN, Writing(".", ",")], [text, number]) == """'dataset.thousands=","'"""
    assert joint([], [text]) == ""
