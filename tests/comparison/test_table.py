"""Text tables: aligned columns, honest gaps."""

from mtl_cli.comparison.table import text_table


def test_words_stand_left_and_numbers_right() -> None:
    table = text_table(["task", "value"], [["a", 1.0], ["longer", None], ["b", 12.34567]])
    assert table.splitlines() == [
        "task      value",
        "------  -------",
        "a        1.0000",
        "longer        –",
        "b       12.3457",
    ]


def test_a_table_without_rows_is_its_header() -> None:
    assert text_table(["a", "bc"], []).splitlines() == ["a  bc", "-  --"]
