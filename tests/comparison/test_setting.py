"""What a run was a run of: seeds together, data apart, and words that tell settings apart."""

from pathlib import Path

import pytest

from mtl_cli.comparison.group import make_tables
from mtl_cli.comparison.saved_run import read_run
from mtl_cli.comparison.setting import tell_apart

ONE = {"a": {"mse": 1.0}, "b": {"mse": 2.0}}


def groups_of(*paths: Path):
    tables = make_tables([read_run(path) for path in paths], "test")
    return [[(group.words, group.seeds) for group in table.groups] for table in tables]


def test_runs_that_differ_in_the_seed_and_in_places_alone_are_one_group(leave, tmp_path) -> None:
    places = {"runs": "elsewhere", "device": "cpu", "dataset.eval_batch_size": 3, "name": "x"}
    paths = [leave(tmp_path / str(seed), ONE, seed=seed) for seed in (2, 0)]
    paths.append(leave(tmp_path / "1", ONE, seed=1, options=places))
    assert groups_of(*paths) == [[("arch=hps", [0, 1, 2])]]


@pytest.mark.parametrize(
    ("different", "word"),
    [
        ({"optimizer.lr": 0.1}, "optimizer.lr=0.1"),
        ({"encoder.hidden": [4]}, "encoder.hidden=[4]"),
        ({"tasks.a.weight": 2.0}, "tasks.a.weight=2.0"),
        ({"trainer.max_epochs": 9}, "trainer.max_epochs=9"),
        ({"dataset.batch_size": 9}, "dataset.batch_size=9"),
    ],
)
def test_any_option_that_matters_makes_a_group(leave, tmp_path, different, word) -> None:
    paths = [leave(tmp_path / "0", ONE), leave(tmp_path / "1", ONE, options=different)]
    [[(first, _), (second, _)]] = groups_of(*paths)
    assert second == f"arch=hps {word}"
    assert first.startswith(f"arch=hps {word.partition('=')[0]}=")


def test_options_of_a_choice_are_named_among_the_runs_of_that_choice_alone(leave, tmp_path) -> None:
    paths = [
        leave(tmp_path / "0", ONE, arch="hps"),
        leave(tmp_path / "1", ONE, arch="mmoe", arch_options={"num_experts": 2}),
        leave(tmp_path / "2", ONE, arch="mmoe", arch_options={"num_experts": 4}),
    ]
    words = [words for words, _ in groups_of(*paths)[0]]
    assert words == ["arch=hps", "arch=mmoe arch.num_experts=2", "arch=mmoe arch.num_experts=4"]


@pytest.mark.parametrize(
    "different",
    [
        {"source": "mnist"},
        {"options": {"dataset.noise": 0.2}},
        {"options": {"dataset.seed": 1}},
        {"options": {"trainer.max_batches": 3}},
        {"summary": {"dataset": {"name": "made", "source": "generated", "sizes": {"train": 1}}}},
    ],
)
def test_different_data_is_never_in_one_table(leave, tmp_path, different) -> None:
    paths = [leave(tmp_path / "0", ONE), leave(tmp_path / "1", ONE, **different)]
    assert [len(table) for table in groups_of(*paths)] == [1, 1]


def test_a_repeated_run_counts_once_and_the_newer_one_does(leave, tmp_path) -> None:
    import os

    old = leave(tmp_path / "old", ONE)
    new = leave(tmp_path / "new", {"a": {"mse": 7.0}, "b": {"mse": 2.0}})
    os.utime(old / "summary.json", (1, 1))
    [table] = make_tables([read_run(new), read_run(old)], "test")
    assert table.groups[0].figures["a"]["mse"] == {0: 7.0}
    assert [run.folder.path for run in table.repeated] == [old]


def test_a_missing_option_is_named_as_left_out() -> None:
    words = tell_apart([{"arch.x": 1, "y": 2}, {"arch.x": 1}], [{"arch": "hps"}] * 2)
    assert words == [["arch=hps", "y=2"], ["arch=hps", "~y"]]


def test_a_choice_is_not_named_for_what_it_has_and_another_has_not():
    """UPGrad takes a loss weighting before it, and has none here; of UW there is nothing to say."""
    inner = "weighting@weighting.losses"
    settings = [
        {"weighting._target_": "UPGrad", "weighting.losses": None},
        {"weighting._target_": "UW"},
        {"weighting._target_": "UPGrad", "weighting.losses._target_": "UW"},
    ]
    choices = [
        {"arch": "hps", "weighting": "upgrad", inner: None},
        {"arch": "hps", "weighting": "uw"},
        {"arch": "hps", "weighting": "upgrad", inner: "uw"},
    ]
    two = tell_apart(settings[:2], choices[:2])
    assert two == [["arch=hps", "weighting=upgrad"], ["arch=hps", "weighting=uw"]]
    assert tell_apart(settings, choices)[2] == [
        "arch=hps",
        "weighting=upgrad",
        "weighting.losses=uw",
    ]
