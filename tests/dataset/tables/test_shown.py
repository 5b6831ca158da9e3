"""What was inferred of a table is one screen, however many columns it has; the rest is a file."""

import pytest

from mtl_cli.dataset.tables.shown import MOST, Shown, lines_of, short_lines


def shown(number):
    return [Shown(f"g{i}", "number", 0, f"mean {i}", False) for i in range(number)]


@pytest.mark.parametrize("number", [1, MOST])
def test_few_columns_are_shown_one_by_one(number):
    lines = short_lines(shown(number))
    assert lines == lines_of(shown(number))
    assert len(lines) == number + 1


@pytest.mark.parametrize("number", [MOST + 1, 5000])
def test_many_columns_are_counted_and_what_is_odd_is_said(number):
    columns = shown(number)
    columns += [Shown(f"c{i}", "category", 3 * (i % 2), "2: a, b", False) for i in range(9)]
    why = "text, {} different ones; 'dataset.columns.t{}={{type: category}}' keeps it"
    columns += [Shown(f"t{i}", "dropped", 0, why.format(70 + i, i), False) for i in range(8)]
    advice = "text; 'dataset.columns.n={type: number}' reads numbers"
    columns += [Shown("n", "dropped", 0, advice, True)] * 7
    assert short_lines(columns) == [
        f"{number + 24:,} columns: 9 category, 15 dropped, {number:,} number",
        "missing cells in 4 (c1, c3, c5, c7)",
        "dropped, text, many different ones: 8 (t0, t1, t2, t3, t4, ...)",
        "dropped, text: 7 (n, n, n, n, n, ...)",
        *[f"n       dropped        0  {advice}"] * 5,
        "and 2 more such columns",
    ]
