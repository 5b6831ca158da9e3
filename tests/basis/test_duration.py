"""Lengths of time are read as people write them, and written so that they are read again."""

import pytest

from mtl_cli.basis.duration import in_words, seconds_of
from mtl_cli.basis.errors import Problem


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (90, 90),
        (0.5, 0.5),
        ("90", 90),
        ("90s", 90),
        ("30m", 1800),
        ("2h", 7200),
        ("1h30m", 5400),
        ("1H 30M", 5400),
        ("1.5h", 5400),
        ("1d2h3m4s", 93784),
        ("30 minutes", 1800),
        ("1 hour 5 min", 3900),
    ],
)
def test_it_is_read(value, seconds):
    assert seconds_of("trainer.time_limit", value) == seconds


@pytest.mark.parametrize(
    ("value", "fix"),
    [
        ("soon", "30m"),
        ("", "30m"),
        (" ", "30m"),
        ("30x", "30m"),
        ("m", "30m"),
        ("30m1h", "30m"),
        ("1h1h", "30m"),
        ("1h30", "30m"),
        ("-5m", "30m"),
        ("1h-30m", "30m"),
        ("1:30:00", "1h30m"),
        ("01:30", "1h30m"),
        ("0:00", "30m"),
        (0, "30m"),
        ("0m", "30m"),
        (-1, "30m"),
        (True, "30m"),
        (None, "30m"),
        ([], "30m"),
        (float("inf"), "30m"),
        (float("nan"), "30m"),
    ],
)
def test_anything_else_is_refused_with_what_was_meant(value, fix):
    with pytest.raises(Problem) as raised:
        seconds_of("trainer.time_limit", value)
    error = raised.value
    assert error.thing == "trainer.time_limit"
    assert "30m, 2h, 1h30m" in error.rule
    assert error.fix == f"trainer.time_limit={fix}"


@pytest.mark.parametrize("seconds", [0.25, 1, 59, 60, 61, 3600, 5400, 86399, 86400, 93784.5])
def test_what_is_written_is_read_as_the_same(seconds):
    assert seconds_of("x", in_words(seconds)) == pytest.approx(seconds)


def test_words_are_as_short_as_people_write_them():
    assert [in_words(s) for s in (90, 1800, 5400, 7200)] == ["1m30s", "30m", "1h30m", "2h"]
