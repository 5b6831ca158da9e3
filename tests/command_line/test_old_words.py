"""A word of an earlier version is answered with the line of today, which composes."""

import shlex

import pytest

from mtl_cli.basis.errors import Problem
from mtl_cli.command_line.cli import compose_run
from mtl_cli.command_line.old_words import todays

TARGETS = "dataset.targets={a: binary, b: multilabel}"


@pytest.mark.parametrize(
    ("old", "today"),
    [
        (["dataset.val_fraction=0.2"], ["dataset.split.val=0.2"]),
        (["dataset.test_fraction=0"], ["dataset.split.test=0"]),
        (["dataset.seed=null"], ["dataset.split.seed=null"]),
        (["dataset.split_column=fold"], ["dataset.split={by:column,column:fold}"]),
        (["dataset.split_column=null"], ["dataset.split={by:fraction,column:null}"]),
        (["dataset.types={zip: category}"], ["dataset.columns={zip:{type:category}}"]),
        (["dataset.types.zip=category"], ["dataset.columns={zip:{type:category}}"]),
        (["dataset.drop=[a, b]"], ["dataset.columns={a:{type:drop},b:{type:drop}}"]),
        (["dataset.label_maps.a={x: 1}"], ["dataset.targets.a.map={x:1}"]),
        (
            ["arch=mmoe", TARGETS, "dataset.target_columns={a: x}", "dataset.label_columns.b=[u]"],
            [
                "arch=mmoe",
                "dataset.targets={a:{kind:binary,column:x},b:{kind:multilabel,columns:[u]}}",
            ],
        ),
        (
            ["dataset.label_maps={a: {y: 1, *: 0}}", "dataset.targets.a=binary"],
            ["dataset.targets={a:{kind:binary,map:{y:1,*:0}}}"],
        ),
        (
            ["arch=mmoe", "--multirun", "seed=0,1", TARGETS],
            ["arch=mmoe", "--multirun", "seed=0,1", TARGETS],
        ),
    ],
)
def test_old_words_are_said_as_they_are_today(old, today):
    assert todays(old) == today


@pytest.mark.parametrize(
    "word",
    [
        "dataset.val_fraction=0.2",
        "dataset.seed=1",
        "dataset.split_column=fold",
        "dataset.types={zip: category}",
        "dataset.drop=[zip]",
        "dataset.label_maps={a: {x: 1}}",
        "dataset.target_columns={a: x}",
        "dataset.label_columns={b: [u, v]}",
    ],
)
def test_an_old_word_is_answered_with_the_line_of_today(word, tmp_path):
    words = [f"hydra.run.dir={tmp_path}/run", "dataset=table", TARGETS, word]
    with pytest.raises(Problem, match="is said otherwise today") as error:
        compose_run("train", words)
    line = shlex.split(str(error.value).partition("try:")[2])
    cfg, _ = compose_run("train", line[1:])
    assert cfg.dataset.path is None
