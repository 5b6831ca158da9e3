"""The words of commands with plain options: read by the kind of the usual value."""

from pathlib import Path

import pytest
import yaml

from mtl_cli.basis.errors import Problem
from mtl_cli.command_line.options import read_options, refuse

CONF = Path(__file__).parent.parent.parent / "conf"


def test_without_words_everything_is_as_the_yaml_says() -> None:
    for command in ("predict", "evaluate"):
        usual = yaml.safe_load((CONF / f"{command}.yaml").read_text(encoding="utf-8"))
        assert read_options(command, []) == (usual, [])


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("input=a=b [1].csv", {"input": "a=b [1].csv"}),
        ('input="my data/a [1].csv"', {"input": "my data/a [1].csv"}),
        ("inputs.movie='a b.csv'", {"inputs": {"movie": "a b.csv"}}),
        ("input=null", {"input": None}),
        ("out=2024", {"out": "2024"}),
        ("trust=[a,b]", {"trust": ["a", "b"]}),
        ("trust=a", {"trust": ["a"]}),
        ("trust=null", {"trust": []}),
        ("overwrite=true", {"overwrite": True}),
        ("batch_size=32", {"batch_size": 32}),
        ("inputs.movie=a=b.csv", {"inputs": {"movie": "a=b.csv"}}),
        ("inputs={a: b}", {"inputs": {"a": "b"}}),
    ],
)
def test_a_word_sets_its_option_alone(word: str, value: dict) -> None:
    usual, _ = read_options("predict", [])
    assert read_options("predict", [word]) == (usual | value, [])


@pytest.mark.parametrize(
    "word", ["batch_size=1.5", "batch_size=true", "overwrite=1", "inputs=3", "trust=["]
)
def test_a_value_of_another_kind_is_refused(word: str) -> None:
    with pytest.raises(Problem, match="try:"):
        read_options("predict", [word])


@pytest.mark.parametrize(
    ("word", "fix"),
    [
        ("inptu=3", "input=3"),
        ("runs/a", "run=runs/a"),
        ("--verbose", "mtl-predict --help"),
        ("zzz=1", "mtl-predict --help"),
    ],
)
def test_other_words_are_refused_with_the_nearest(word: str, fix: str) -> None:
    values, others = read_options("predict", [word])
    with pytest.raises(Problem, match=f"try:   {fix}"):
        refuse("predict", others, list(values))
