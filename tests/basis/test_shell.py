"""One way of quoting: a shell, Hydra's grammar and the plain options read the same text in it."""

import shlex
import subprocess

from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mtl_cli.basis.shell import as_word, in_quotes, without_quotes
from mtl_cli.command_line.options import as_value

ODD = ["my data/tâble (1).csv", "it's.csv", 'a"b.csv', "a\\", "a\\'b", 'a\\"b\\', "C:\\x y", "a,b"]
ODD += ["null", "2020", "~/x [1].csv", "$HOME/#1 & 2!.csv", "年齢.csv", "a=b.csv", ";", "`ls`.csv"]
PARSER = OverridesParser.create()


@settings(deadline=None, max_examples=300)
@given(st.text(st.sampled_from("a/ .\\'\"()[]{}$é,=~#"), min_size=1, max_size=9))
@example("~/wine.csv")
@example("\\\\\\'")
def test_every_command_reads_the_text_that_was_quoted(text):
    (word,) = shlex.split(as_word("input", text))
    key, _, typed = word.partition("=")
    assert key == "input"
    assert as_value("input", typed, None) == without_quotes(typed) == text
    assert PARSER.parse_override(word).value() == text


def test_bash_takes_the_outer_quotes_off():
    line = " ".join(as_word("input", text) for text in ODD)
    said = subprocess.run(["bash", "-c", f"printf '%s\\n' {line}"], capture_output=True, text=True)
    assert said.stdout.splitlines() == [f"input={in_quotes(text)}" for text in ODD]
    values = [PARSER.parse_override(word).value() for word in said.stdout.splitlines()]
    assert values == ODD


def test_plain_words_have_no_quotes_and_odd_ones_look_as_people_type_them():
    assert as_word("run", "runs/2024-01-31/12-00-00_a") == "run=runs/2024-01-31/12-00-00_a"
    assert as_word("input", "my data/wine.csv") == "'input=\"my data/wine.csv\"'"
    assert as_value("input", "my data/wine.csv", None) == "my data/wine.csv"
    assert as_value("input", "null", None) is None
    assert as_value("input", '"null"', None) == "null"
