"""What is made of the words of a command line before Hydra reads them."""

import pytest

from mtl_cli.command_line.words import for_swept_choices, with_tasks


@pytest.mark.parametrize(
    ("words", "added"),
    [
        (["dataset.targets={income: multiclass, a: binary}"], ["income=multiclass", "a=binary"]),
        (["dataset.targets={income:multiclass}", "tasks.income.weight=2"], ["income=multiclass"]),
        (["dataset.targets.x=binary"], ["x=binary"]),
        (["dataset.targets={x: binary}", "+task@tasks.x=binary"], []),
        (["~dataset.targets"], []),
        (["dataset.targets={a"], []),
        (["dataset.targets=3"], []),
        (["arch=mmoe", "--multirun"], []),
    ],
)
def test_every_target_brings_its_task(words, added):
    assert with_tasks(words) == [*words, *(f"+task@tasks.{task}" for task in added)]


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
