"""Words made of a configuration compose that configuration again."""

import re
import shlex

import pytest

from mtl_cli.command_line.overrides import NOT_SET, composed, train_command, value, words_of


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["arch=mmoe", "arch.num_experts=3", "dataset=parity_mnist", "dataset.source=digits"],
        ["head=mlp", "tasks.sin.loss=huber", "tasks.cos.weight=0.5", "encoder.hidden=[3,4]"],
        ["dataset=parity_mnist", "~tasks.parity", "weighting=uw", "scheduler=none"],
        [
            "head@tasks.sin.head=mlp",
            "tasks.sin=multilabel",
            "trainer=smoke",
            "runs='my runs/it''s'",
        ],
        ["experiment=sincos_notebook_mmoe", "name=x", "seed=3"],
        ["optimizer=sgd", "optimizer.lr=1e-5", "init=null", "runs='12'", "+extra.a={b: [x,null]}"],
    ],
)
def test_the_words_compose_the_same_configuration(words: list[str]) -> None:
    words = [word.replace("it''s", "it\\'s") for word in words]
    config, choices = composed(words)
    again, chosen = composed(words_of(config, choices))
    assert {k: v for k, v in again.items() if k not in NOT_SET} == {
        k: v for k, v in config.items() if k not in NOT_SET
    }
    assert {k: v for k, v in chosen.items() if k != "experiment"} == {
        k: v for k, v in choices.items() if k != "experiment"
    }


def test_the_words_are_few() -> None:
    config, choices = composed(["arch=mmoe", "optimizer.lr=0.1"])
    assert words_of(config, choices) == ["arch=mmoe", "optimizer.lr=0.1"]


def test_the_command_names_the_seeds_and_leaves_what_is_usual() -> None:
    config, choices = composed(["arch=mmoe", "arch.num_experts=3", "optimizer.lr=0.1"])
    other = choices | {"arch": "single_task"}
    command = train_command(config, other, [0, 1], re.compile(r"arch\."))
    assert command == "mtl-train --multirun arch=single_task optimizer.lr=0.1 seed=0,1"
    assert "--multirun" not in train_command(config, choices, [4])


@pytest.mark.parametrize(
    "data", ["a b", "it's", "null", "3", "a,b", "x\\", "", "ü", True, None, [1]]
)
def test_values_survive_the_grammar_and_the_shell(data) -> None:
    word = f"+note={value(data)}"  # an option that nobody knows may be of any kind
    assert composed(shlex.split(shlex.quote(word)))[0]["note"] == data
