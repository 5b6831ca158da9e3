"""What is made of the words of a command line before Hydra reads them."""

import shlex
import sys

import pytest

from mtl_cli.basis.errors import Problem
from mtl_cli.command_line.cli import compose
from mtl_cli.command_line.targets import with_tasks
from mtl_cli.command_line.words import (
    as_typed,
    begins_as,
    for_hydra,
    for_swept_choices,
    swept_for_hydra,
    with_choices,
)


@pytest.mark.parametrize(
    ("words", "added"),
    [
        (["dataset.targets={income: multiclass, a: binary}"], ["income=multiclass", "a=binary"]),
        (["dataset.targets={income:multiclass}", "tasks.income.weight=2"], ["income=multiclass"]),
        (["++dataset.targets.x=binary"], ["x=binary"]),
        (
            ["dataset.targets={x: {kind: binary, column: y}, z: regression}"],
            ["x=binary", "z=regression"],
        ),
        (["++dataset.targets.x={kind: multilabel, columns: [a, b]}"], ["x=multilabel"]),
        (["++dataset.targets.x.kind=binary", "++dataset.targets.x.column=y"], ["x=binary"]),
        (["++dataset.targets.x={column: y}"], []),
        (["dataset.targets={x: binary}", "+task@tasks.x=binary"], []),
        (["~dataset.targets"], []),
        (["dataset.targets={a"], []),
        (["dataset.targets=3"], []),
        (["arch=mmoe", "--multirun"], []),
        (["dataset.targets={x: null, y: 3}"], []),
    ],
)
def test_every_target_brings_its_task(words, added):
    assert with_tasks(words) == [*(f"+task@tasks.{task}" for task in added), *words]


@pytest.mark.parametrize(
    "word",
    [
        "dataset.targets.x=binary",
        "dataset.targets.x={kind: binary}",
        "dataset.columns.a.type=drop",
        "tasks.x.metrics.r2={_target_: torchmetrics.R2Score}",
    ],
)
def test_a_target_a_column_and_a_metric_are_new_by_their_names(word):
    """And Hydra needs no ++ of a user for them."""
    assert with_tasks([word])[-1] == f"++{word}"
    for typed in (
        f"+{word}",
        f"++{word}",
        f"~{word}",
        "dataset.columns={a: {type: drop}}",
        "tasks.x.weight=2",
    ):
        assert with_tasks([typed])[-1] == typed


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["arch=hps,mmoe", "arch.num_experts=4"], ["arch=hps,mmoe", "arch.num_experts=choice(4)"]),
        (["arch=mmoe", "arch.num_experts=4"], ["arch=mmoe", "arch.num_experts=4"]),
        (["arch=mmoe,cgc", "arch.a=1,2"], ["arch=mmoe,cgc", "arch.a=1,2"]),
        (["encoder=mlp,cnn", "arch.a=1", "-m"], ["encoder=mlp,cnn", "arch.a=1", "-m"]),
        (
            ["encoder=mlp,cnn", "encoder.hidden=[8,8]"],
            ["encoder=mlp,cnn", "encoder.hidden=choice([8,8])"],
        ),
    ],
)
def test_an_option_of_a_swept_choice_is_swept_over_its_one_value(words, expected):
    assert for_swept_choices(words) == expected


TARGET = "dataset.targets={age: regression}"


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("tasks.sin.loss=focal", "loss@tasks.sin.loss=focal"),
        ("+tasks.sin.loss=focal", "loss@tasks.sin.loss=focal"),
        ("loss@tasks.sin.loss=focal", "loss@tasks.sin.loss=focal"),
        ("tasks.any.head=mlp", "head@tasks.any.head=mlp"),
        ("tasks.sin.head=null", "~head@tasks.sin.head"),
        ("~tasks.sin.head", "~tasks.sin.head"),
        ("tasks.sin.loss=null", "loss@tasks.sin.loss=null"),  # which is refused: there must be one
        ("weighting.losses=uw,si", "weighting@weighting.losses=uw,si"),
        ("weighting.losses=null", "~weighting@weighting.losses"),
        ("tasks.sin.loss=glob(*)", "loss@tasks.sin.loss=glob(*)"),
        ("tasks.sin=binary", "task@tasks.sin=binary"),  # the usual dataset has sin
        ("tasks.age=binary", "+task@tasks.age=binary"),
        ("+tasks.age=binary", "+task@tasks.age=binary"),
        # What is no choice stays a value; a path leads to no YAML elsewhere.
        ("tasks.sin.loss={_target_: a.B}", "tasks.sin.loss={_target_: a.B}"),
        ("tasks.sin.loss=../loss/focal", "tasks.sin.loss=../loss/focal"),
        ("tasks.sin.loss.gamma=1", "tasks.sin.loss.gamma=1"),
        ("tasks.sin.weight=2", "tasks.sin.weight=2"),
        ("encoder.activation=relu", "encoder.activation=relu"),
        ("tasks=null", "tasks=null"),
    ],
)
def test_the_path_of_a_place_takes_a_choice(typed, read):
    assert for_hydra([typed]) == [read]


def test_the_kind_of_a_target_can_be_given_at_the_path_of_its_task():
    assert for_hydra([TARGET, "tasks.age=binary"]) == [TARGET, "+task@tasks.age=binary"]
    words = ["dataset=parity_mnist", "tasks.digit=binary"]
    assert for_hydra(words) == ["dataset=parity_mnist", "task@tasks.digit=binary"]
    words = ["dataset=parity_mnist,sincos", "tasks.digit=binary", "-m"]
    assert for_hydra(words) == ["dataset=parity_mnist,sincos", "task@tasks.digit=binary", "-m"]


def test_places_in_yamls_of_ones_own_take_choices_too(tmp_path):
    (tmp_path / "weighting").mkdir()
    text = "defaults:\n  - /scheduler@pace: null\n_target_: mine.Own\n"
    (tmp_path / "weighting" / "own.yaml").write_text(text, encoding="utf-8")
    words = ["--config-dir", str(tmp_path), "weighting=own", "weighting.pace=cosine"]
    assert for_hydra(words) == [*words[:3], "scheduler@weighting.pace=cosine"]
    assert for_hydra(words[2:]) == words[2:]


@pytest.mark.parametrize("name", ["mean area", "1st", "a.b", "3", "a/b", "Größe", "主题"])
def test_the_name_of_a_task_can_stand_in_a_path(name):
    with pytest.raises(Problem, match=r"the name of a task must begin with a letter(.|\n)*try:"):
        with_tasks([f"dataset.targets={{{name}: regression}}"])


def test_a_yaml_sweeps_choices_inside_choices_as_a_command_line_does():
    swept = {"tasks.sin.loss": "mse,l1", "seed": "range(2)", "arch": "hps,mmoe"}
    expected = {"loss@tasks.sin.loss": "mse,l1", "seed": "range(2)", "arch": "hps,mmoe"}
    assert swept_for_hydra(swept, []) == expected


def test_a_path_that_is_there_may_be_typed_without_quotes_and_another_is_answered_with_them(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["mtl-train"])  # else Python calls, and is answered so
    (tmp_path / "tâble (1).csv").touch()
    typed = "dataset.path=tâble (1).csv"
    assert for_hydra(["dataset=table", typed])[-1] == 'dataset.path="tâble (1).csv"'
    with pytest.raises(Problem) as error:
        compose("train", ["dataset=table", "dataset.path=tâble (2).csv"])
    fix = str(error.value).partition("try:   ")[2]
    assert fix == "mtl-train dataset=table 'dataset.path=\"tâble (2).csv\"'"
    cfg = compose("train", shlex.split(fix)[1:])
    assert cfg.dataset.path == "tâble (2).csv"


def test_words_of_a_run_are_shown_as_they_were_typed():
    """Whatever Hydra was given in their place, and a swept word with its value alone."""
    typed = [TARGET, "tasks.age.loss=l1", "+tasks.x=binary", "seed=range(2)", "~tasks.sin", "-m"]
    given = [word for word in for_hydra(typed) if word != "-m"]
    assert any("@" in word for word in given)
    jobs = ["seed=1", *(word for word in given if not word.startswith("seed"))]
    own = ["seed=1", TARGET, "tasks.age.loss=l1", "+tasks.x=binary", "~tasks.sin"]
    assert as_typed(jobs, typed) == own
    assert begins_as(jobs, own)
    assert begins_as([*own, "trainer.max_epochs=2"], own)
    assert not begins_as(["seed=0", *jobs[1:]], own)
    assert not begins_as(jobs[:-1], own)


def test_a_part_has_its_own_word_before_that_of_all():
    words = ["encoder=joined", "encoder.parts={row: mlp, text: cnn}", "encoder.parts.text=text_cnn"]
    assert with_choices(words) == [
        "encoder=joined",
        "+encoder@encoder.parts.row=mlp",
        "+encoder@encoder.parts.text=text_cnn",
    ]
