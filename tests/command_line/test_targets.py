"""Tasks of targets that no word names: the same as Hydra composes them one by one."""

import re

import pytest
from omegaconf import OmegaConf

from mtl_cli.basis.errors import Problem
from mtl_cli.command_line import words
from mtl_cli.command_line.cli import compose, job_config

TABLE = ["dataset=table", "dataset.path=t.csv"]
TARGETS = "dataset.targets={a: regression, b: {kind: binary, column: x}, c: multiclass, d: binary}"


def composed(typed):
    cfg = compose("train", typed)
    return OmegaConf.to_container(job_config(cfg, cfg.hydra), resolve=True)


@pytest.mark.parametrize(
    "more",
    [
        [],
        ["tasks.b.weight=2"],
        ["tasks.c.loss.label_smoothing=0.1", "tasks.a.head=mlp", "tasks.d=multilabel"],
    ],
)
def test_many_tasks_are_composed_as_few_are(more, monkeypatch):
    few = composed([*TABLE, TARGETS, *more])
    monkeypatch.setattr(words, "FEW", 0)
    many = composed([*TABLE, TARGETS, *more])
    assert many == few
    assert list(many["tasks"]) == list("abcd")


@pytest.fixture
def conf(tmp_path):
    def write(text):
        file = tmp_path / "my_conf" / "experiment" / "mine.yaml"
        file.parent.mkdir(parents=True)
        file.write_text(f"# @package _global_\ndefaults:\n  - override /dataset: table\n{text}")
        return f"--config-dir={file.parents[1]}"

    return write


def test_targets_of_a_yaml_bring_their_tasks(conf):
    folder = conf(
        "dataset: {path: t.csv, targets: {y: regression, ill: binary}}\ntasks: {ill: {weight: 3.0}}"
    )
    mine = composed([folder, "experiment=mine"])
    typed = composed(
        [*TABLE, "dataset.targets={y: regression, ill: binary}", "tasks.ill.weight=3.0"]
    )
    assert mine.pop("choices") == {**typed.pop("choices"), "experiment": "mine"}
    assert mine == typed
    assert list(mine["tasks"]) == ["y", "ill"]


def test_a_kind_that_is_none_is_named(conf):
    folder = conf("dataset: {path: t.csv, targets: {y: regresion}}")
    with pytest.raises(Problem, match="regression"):
        composed([folder, "experiment=mine"])


def test_another_name_that_is_offered_keeps_the_kind(conf):
    for typed in (
        [*TABLE, "dataset.targets={is ill: binary}"],
        [conf("dataset: {path: t.csv, targets: {is ill: binary}}"), "experiment=mine"],
    ):
        with pytest.raises(Problem) as refused:
            composed(typed)
        (offered,) = re.findall(r"'(dataset.targets.is_ill=.*?\})'", str(refused.value))
        mine = composed([*TABLE, offered])
        assert mine["dataset"]["targets"] == {"is_ill": {"kind": "binary", "column": "is ill"}}
        assert list(mine["tasks"]) == ["is_ill"]
