"""What a search is going to do, and what it refuses before anything is trained."""

import pytest
from omegaconf import OmegaConf

from mtl_cli.basis.errors import Problem
from mtl_cli.command_line.cli import FreshFolders, compose
from mtl_cli.command_line.words import for_hydra
from mtl_cli.study.plan import Plan, begin, make_plan
from mtl_cli.study.settings import with_beside

SMALL = ["trainer=smoke", "dataset.num_samples=100"]


def planned(*words: str, study: str = "tune") -> Plan:
    typed = [word for word in words if "arch=h" not in word and "," not in word.partition("{")[0]]
    config = compose("train", [f"study={study}", *typed])
    FreshFolders.words = [f"study={study}", *words]
    params = OmegaConf.to_container(config.hydra.sweeper.params)
    return make_plan(config, for_hydra([f"study={study}", *words]), params)


def names(plan: Plan) -> list[str]:
    return [own.name for own in plan.settings]


def keys(plan: Plan, name: str) -> list[str]:
    [setting] = [own for own in plan.settings if own.name == name]
    return sorted(own.key for own in setting.space)


def test_the_command_alone_tunes_the_architecture_and_single_task() -> None:
    plan = planned()
    assert names(plan) == ["arch=single_task", "arch=hps"]
    assert [keys(plan, name) for name in names(plan)] == 2 * [["encoder.dropout", "optimizer.lr"]]
    assert plan.seeds == [f"seed={seed}" for seed in range(5)]


def test_every_setting_of_a_sweep_has_as_many_trials_and_its_parts_ranges() -> None:
    plan = planned("arch=hps,mmoe,cross_stitch", "weighting=cagrad", "seed=1,2", *SMALL)
    assert names(plan) == ["arch=single_task", "arch=hps", "arch=mmoe", "arch=cross_stitch"]
    own = {"arch.num_experts", "encoder.dropout", "optimizer.lr", "weighting.c"}
    assert set(keys(plan, "arch=mmoe")) == own
    assert "arch.self_weight" in keys(plan, "arch=cross_stitch")
    assert keys(plan, "arch=single_task") == ["encoder.dropout", "optimizer.lr"]
    assert plan.seeds == ["seed=1", "seed=2"]


def test_what_the_line_says_is_not_searched_unless_asked_for() -> None:
    assert keys(planned("optimizer.lr=0.01"), "arch=hps") == ["encoder.dropout"]
    asked = planned("optimizer.lr=0.01", "study.space={optimizer.lr: [0.01, 0.1]}")
    assert keys(asked, "arch=hps") == ["encoder.dropout", "optimizer.lr"]
    assert keys(planned("study.parts=false"), "arch=hps") == []
    without = planned("study.space={encoder.dropout: null}")
    assert keys(without, "arch=hps") == ["optimizer.lr"]


def test_a_choice_within_a_part_brings_its_ranges() -> None:
    plan = planned("weighting=cagrad", "weighting.losses=dwa")
    assert {"weighting.c", "weighting.losses.temperature"} <= set(keys(plan, "arch=hps"))


def test_tuned_weights_are_tuned_for_fixed_weights_alone() -> None:
    plan = planned("weighting=uw,famo", study="tuned_weights")
    assert names(plan) == [
        "arch=single_task",
        "arch=hps weighting=uw",
        "arch=hps weighting=famo",
        "arch=hps weighting=fixed",
    ]
    weights = ["tasks.cos.weight", "tasks.sin.weight"]
    found = {name: [k for k in keys(plan, name) if k in weights] for name in names(plan)}
    assert found.pop("arch=hps weighting=fixed") == weights
    assert not any(found.values())


def test_without_a_weighting_equal_weights_are_the_opponent() -> None:
    plan = planned("arch=mmoe", study="tuned_weights")
    assert names(plan) == ["arch=single_task", "arch=mmoe", "arch=mmoe weighting=fixed"]
    assert "tasks.sin.weight" not in keys(plan, "arch=mmoe")


def test_settings_beside_replace_their_own_words_and_come_once() -> None:
    lines = [["arch=mmoe", "arch.num_experts=4", "tasks.a.weight=2"], ["arch=hps", "encoder=mlp"]]
    assert with_beside(lines, ["arch=single_task", "weighting=fixed", "arch=hps"]) == [
        ["arch=single_task"],
        ["encoder=mlp", "arch=single_task"],
        *lines,
        [*lines[0], "weighting=fixed"],
        [*lines[1], "weighting=fixed"],
        ["tasks.a.weight=2", "arch=hps"],
    ]
    assert with_beside([["arch=single_task"]], ["arch=single_task"]) == [["arch=single_task"]]
    assert with_beside(lines, None) == lines


def test_a_search_goes_on_as_it_began_and_is_no_other(tmp_path) -> None:
    first = begin(planned(), tmp_path)
    again = begin(planned(), tmp_path)
    assert again.id == first.id
    with pytest.raises(Problem) as error:
        begin(planned("study.trials=31"), tmp_path)
    assert "another trials there: 30, not 31" in str(error.value)
    (tmp_path / "search.json").write_text("[1]")
    with pytest.raises(Problem) as error:
        begin(planned(), tmp_path)
    assert "must say what is searched" in str(error.value)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["study.space={optimizer.rl: [1, 2]}"], "'study.space={optimizer.lr: {low: 1e-5"),
        (["study.space={optimizer.lr: {low: 1, high: 0}}"], "must have a low below its high"),
        (["study.space={arch.num_experts: [1, 2]}"], "arch.num_experts"),
        (["study.space=3"], "study.space must be a mapping of ranges"),
        (["study.trials=0"], "study.trials must be an integer of at least 1"),
        (["study.n_jobs=2"], "hydra/launcher=joblib hydra.launcher.n_jobs=2"),
        (["study.objective=gian"], "study.objective=gain"),
        (["study.prune=task"], "study.prune=tasks"),
        (["study.settings=hps"], "study.settings must be a list of words"),
        (["study.objective=gain", "study.settings=[]"], "no such setting"),
        (["study.seed=3"], "study.seed must be none of the seeds"),
        (["study.parts=1"], "study.parts must be true or false"),
        (["+study.trails=3"], "try:   study.trials"),
    ],
)
def test_what_cannot_be_searched_is_said(words, said) -> None:
    with pytest.raises(Problem) as error:
        planned(*words)
    assert said in str(error.value)
