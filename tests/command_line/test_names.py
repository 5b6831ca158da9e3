"""Names and keys as people's files have them: what is typed is read, or what is offered is."""

import re
import shlex

import pytest
from omegaconf import OmegaConf

from mtl_cli.basis.errors import Problem
from mtl_cli.command_line import names
from mtl_cli.command_line.cli import compose, job_config
from mtl_cli.command_line.grammar import as_texts, parsed, read_mapping, value
from mtl_cli.command_line.overrides import train_command
from mtl_cli.dataset.columns.target_options import OPTIONS

TABLE = ["dataset=table", "dataset.path=t.csv"]
ODD = ["petal.width", "is ill", "年齢", "2020", ">50K", "null", "true", "it's", "a=b", "ä|b"]
NO_PATH = ("null", "true", "a=b")  # nobody can know where such a name ends


def composed(*typed):
    cfg = compose("train", [*TABLE, *typed])
    return OmegaConf.to_container(job_config(cfg, cfg.hydra), resolve=True)


def offered(*typed):
    """The words of the line that the message offers."""
    with pytest.raises(Problem) as refused:
        composed(*typed)
    return shlex.split(re.search(r"try:   (.*)", str(refused.value))[1])


@pytest.mark.parametrize("name", ODD[:7])
def test_a_name_that_no_path_can_say_is_answered_with_a_line_that_works(name):
    path = [] if name in NO_PATH else [f"dataset.targets.{name}=binary"]
    for typed in [f"dataset.targets={{{name}: binary}}", *path]:
        mine = composed(*offered(typed))
        [(task, own)] = mine["dataset"]["targets"].items()
        assert own == {"kind": "binary", "column": name}
        assert list(mine["tasks"]) == [task]


def test_all_targets_are_in_the_line_and_no_two_of_one_name():
    targets = "{a b: binary, a.b: {kind: regression, weight: w}, y: regression}"
    line = offered(f"dataset.targets={targets}")
    assert composed(*line)["dataset"]["targets"] == {
        "a_b": {"kind": "binary", "column": "a b"},
        "a_b_2": {"kind": "regression", "weight": "w", "column": "a.b"},
        "y": "regression",
    }


def test_what_a_target_says_is_known_by_its_options():
    assert set(names.OPTIONS) == set(OPTIONS)


@pytest.mark.parametrize(
    "typed",
    [
        "dataset.targets={y: {kind: binary, map: {<=50K: no, >50K: yes}}}",
        'dataset.targets={y: {kind: binary, map: {"<=50K": no, ">50K": yes}}}',
        "dataset.targets.y={kind: binary, map: {<=50K: no, '>50K': 'yes'}}",
    ],
)
def test_keys_of_a_map_have_signs(typed):
    mine = composed(typed, "tasks.y.weight=2")
    assert mine["dataset"]["targets"]["y"]["map"] == {"<=50K": "no", ">50K": "yes"}
    assert mine["tasks"]["y"]["weight"] == 2


@pytest.mark.parametrize("key", [*ODD, "a: b", 'a "b"', "{x}", "a,b", "\\\\", "3-4", "?"])
def test_what_is_printed_is_read_as_it_was(key):
    targets = {"y": {"kind": "binary", "map": {key: "1", "b": "2", "*": None}}}
    [(_, read)] = parsed(as_texts([f"dataset.targets={value(targets)}"]))
    assert (read_mapping(read.value()) or read.value()) == targets


def test_texts_in_a_mapping_stay_as_they_are():
    targets = {"y": {"kind": "binary", "map": {"${x}": "1", "b": "${seed}", "*": None}}}
    assert composed(f"dataset.targets={value(targets)}")["dataset"]["targets"] == targets


def test_a_printed_command_has_the_keys_of_a_map():
    mine = composed("dataset.targets={y: {kind: binary, map: {<=50K: 0, >50K: 1}}}")
    choices = mine.pop("choices")
    line = shlex.split(train_command(flattened(mine), choices, [0]))
    again = composed(*(word for word in line[1:] if not word.startswith("seed=")))
    assert again["dataset"] == mine["dataset"]
    assert again["tasks"] == mine["tasks"]


def flattened(node, path=""):
    flat = {}
    for key, item in node.items():
        below = flattened(item, f"{path}{key}.") if isinstance(item, dict) and item else None
        flat |= {f"{path}{key}": item} if below is None else below
    return flat


def test_a_column_is_named_as_its_file_names_it():
    line = offered("dataset.columns.年齢={type: category}", "dataset.targets={y: binary}")
    columns = {"年齢": {"type": "category"}}
    assert composed(*line, "dataset.targets={y: binary}")["dataset"]["columns"] == columns
