"""Several choices of a group at once, each under its name."""

import shlex
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from mtl_cli.basis.errors import Problem
from mtl_cli.command_line.cli import CONF, checked, compose, job_config
from mtl_cli.command_line.help import show_help
from mtl_cli.command_line.lists import with_lists
from mtl_cli.command_line.overrides import flat, words_of
from mtl_cli.command_line.words import as_typed, begins_as, for_hydra

BOTH = "diagnostic=[conflict,gates]"


def composed(*words: str) -> dict[str, Any]:
    cfg = compose("train", list(words))
    own: Any = OmegaConf.to_container(job_config(cfg, cfg.hydra), resolve=True)
    return own


def own_folder(tmp_path: Path, **files: str) -> str:
    for place, text in files.items():
        path = tmp_path / "conf" / f"{place.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return f"--config-dir={tmp_path / 'conf'}"


def test_each_of_several_stands_under_its_name():
    cfg = composed(BOTH, "diagnostic.gates.every=7")
    usual = {
        name: OmegaConf.load(CONF / f"diagnostic/{name}.yaml") for name in ("conflict", "gates")
    }
    assert cfg["diagnostic"] == {
        "conflict": usual["conflict"],
        "gates": {**usual["gates"], "every": 7},
    }
    assert cfg["choices"]["diagnostic"] == "[conflict,gates]"


@pytest.mark.parametrize(
    "word", ["conflict", "[conflict]", "[conflict,conflict]", "[none,conflict]", "[conflict,null]"]
)
def test_one_stands_in_the_place_of_all_however_it_is_said(word):
    cfg = composed(f"diagnostic={word}", "diagnostic.every=7")
    assert cfg["diagnostic"] == {"_target_": "mtl_cli.diagnostic.conflict.Conflict", "every": 7}
    assert cfg["choices"]["diagnostic"] == "conflict"


@pytest.mark.parametrize("word", ["[]", "[none]", "none", "null"])
def test_none_is_none(word):
    assert composed(f"diagnostic={word}").get("diagnostic") is None


def test_a_choice_of_that_name_is_still_one(tmp_path):
    text = "_target_: mtl_cli.diagnostic.gates.Gates\nevery: 3\n"
    folder = own_folder(tmp_path, diagnostic__none=text, diagnostic__mine=text)
    assert composed(folder, "diagnostic=none")["diagnostic"]["every"] == 3
    assert list(composed(folder, "diagnostic=[mine,conflict]")["diagnostic"]) == [
        "mine",
        "conflict",
    ]


@pytest.mark.parametrize(
    ("word", "hydras"),
    [
        (BOTH, 'diagnostic="[conflict,gates]"'),
        ("diagnostic=[gates, 'conflict', gates]", 'diagnostic="[gates,conflict]"'),
        ("diagnostic=[conflict,gates],conflict", 'diagnostic="[conflict,gates]",conflict'),
        (
            "diagnostic=choice([conflict,gates],gates)",
            'diagnostic=choice("[conflict,gates]",gates)',
        ),
        ("diagnostic=[[conflict],gates]", 'diagnostic="[conflict,gates]"'),
        ('diagnostic="[conflict,gates]"', 'diagnostic="[conflict,gates]"'),
        ("diagnostic=conflict,gates", "diagnostic=conflict,gates"),
        ("encoder.hidden=[8,8]", "encoder.hidden=[8,8]"),
    ],
)
def test_a_list_is_one_choice_for_hydra(word, hydras):
    assert with_lists([word]) == [hydras]


def test_the_words_of_a_job_are_as_they_were_typed():
    whole = ["-m", "diagnostic=[conflict,gates],conflict"]
    jobs = ['diagnostic="[conflict,gates]"', "diagnostic=conflict"]
    assert as_typed(jobs[:1], whole) == [BOTH]
    assert as_typed(jobs[1:], whole) == ["diagnostic=conflict"]
    assert begins_as([BOTH], for_hydra([BOTH]))
    assert begins_as(for_hydra([BOTH]), [BOTH])


@pytest.mark.parametrize(
    "words",
    [
        [BOTH, "diagnostic.gates.every=7"],
        ["diagnostic=conflict", "diagnostic.every=7"],
        ["logger=[tensorboard,mlflow]", "logger.mlflow.experiment=sharing"],
    ],
)
def test_the_words_of_a_configuration_compose_it(words):
    cfg = composed(*words)
    values = {key: value for key, value in cfg.items() if key != "choices"}
    found = words_of(flat(values), cfg["choices"])
    assert found == words
    assert shlex.split(shlex.join(found)) == words


def test_an_experiment_says_a_list_in_quotes(tmp_path):
    text = "# @package _global_\ndefaults:\n  - override /diagnostic: {}\n"
    own = "diagnostic:\n  conflict:\n    every: 7\n"
    folder = own_folder(
        tmp_path,
        experiment__plain=text.format("[conflict, gates]"),
        experiment__quoted=text.format('"[conflict,gates]"') + own,
    )
    found = composed(folder, "experiment=quoted")["diagnostic"]
    assert list(found) == ["conflict", "gates"]
    assert found["conflict"]["every"] == 7
    with pytest.raises(Problem, match=r'try:   override /diagnostic: "\[conflict, gates\]"'):
        composed(folder, "experiment=plain")
    assert (
        composed(folder, "experiment=plain", "diagnostic=gates")["choices"]["diagnostic"] == "gates"
    )
    assert composed(folder, "experiment=quoted", "diagnostic=null").get("diagnostic") is None
    other = composed(folder, "experiment=quoted", "diagnostic=[gates,gradient_norm]")["diagnostic"]
    assert list(other) == ["gates", "gradient_norm"]


@pytest.mark.parametrize(
    ("words", "fix"),
    [
        (["diagnostic=[confict,gates]"], "mtl-train 'diagnostic=[conflict,gates]'"),
        ([BOTH, "diagnostic.conflct.every=2"], f"mtl-train '{BOTH}' diagnostic.conflict.every=2"),
        ([BOTH, "diagnostic.gates.evry=2"], f"mtl-train '{BOTH}' diagnostic.gates.every=2"),
        ([BOTH, "diagnostic.gates.every=a"], "diagnostic.gates.every=50"),
        (["+" + BOTH], f"mtl-train '{BOTH}'"),
        (
            ["diagnostic=conflict,gates"],
            "mtl-train --multirun diagnostic=conflict,gates; "
            f"or mtl-train '{BOTH}', all of them in one run",
        ),
    ],
)
def test_a_mistyped_word_is_mended(words, fix):
    with pytest.raises(Problem) as found:
        checked("train", words)
    assert str(found.value).endswith(f"try:   {fix}")


def test_help_has_the_options_of_several(capsys):
    show_help(CONF, "train", [BOTH])
    said = capsys.readouterr().out
    assert "diagnostic=conflict\n" in said
    assert "diagnostic=gates\n" in said
