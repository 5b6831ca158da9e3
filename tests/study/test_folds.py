"""``study=folds`` sweeps over the folds, and refuses what has none."""

import pytest
from omegaconf import OmegaConf

from mtl_cli.command_line.cli import compose, job_config
from mtl_cli.study.folds import OverFolds

TABLE = ["study=folds", "dataset=table", "dataset.path=my.csv"]


def swept(*words: str) -> dict[str, str]:
    """What the sweep of some words goes over."""
    cfg = compose("train", list(words))
    OverFolds().on_multirun_start(cfg)
    return dict(OmegaConf.to_container(cfg.hydra.sweeper.params))


@pytest.mark.parametrize(
    ("words", "folds", "seeds"),
    [([], "5", 5), (["study.folds=3", "study.repeats=2"], "3", 6)],
)
def test_each_fold_of_each_deal_is_a_seed(words: list[str], folds: str, seeds: int) -> None:
    assert swept(*TABLE, *words) == {"dataset.split.folds": folds, "seed": f"range({seeds})"}


def test_a_run_knows_its_fold_and_nothing_of_the_study() -> None:
    cfg = compose("train", [*TABLE, "dataset.split.folds=5"])
    own = job_config(cfg, cfg.hydra)
    assert "study" not in own
    assert own.dataset.split.folds == 5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["study=folds"], "must have rows that can be dealt into folds"),
        (["study=folds", "dataset=parity_mnist"], "must have rows that can be dealt into folds"),
        (
            [*TABLE, "dataset.test_path=new.csv"],
            "try:   dataset.test_path=null, or study=baselines",
        ),
        ([*TABLE, "dataset.split={by: column, column: part}"], "dataset.split.by=column says what"),
        ([*TABLE, "dataset.split=group"], "'dataset.split={by: group, column: <its name>}'"),
        ([*TABLE, "study.folds=1"], "study.folds must be an integer of at least 2"),
        ([*TABLE, "study.folds=2"], "study.folds and study.repeats must make 3 tests"),
        ([*TABLE, "dataset.split.folds=3"], "try:   study.folds=3"),
        ([*TABLE, "dataset.split.fold=3"], "dataset.split.fold must be null"),
        ([*TABLE, "seed=7"], "seed is set by study=folds"),
        ([*TABLE, "study.repeats=2", "dataset.split.seed=1"], "try:   study.repeats=1, or dataset"),
        (
            [*TABLE, "study.repeats=2", "dataset.split={by: time, column: day}"],
            "study.repeats must be 1 for dataset.split.by=time",
        ),
        (
            [
                *["study=folds", "study.repeats=2", "dataset=text"],
                "dataset.sources={a: {path: a.csv, text: t, split: {by: time, column: day}}}",
            ],
            "study.repeats must be 1 for dataset.sources.a.split.by=time",
        ),
    ],
)
def test_what_has_no_folds_is_said(words: list[str], said: str, capsys) -> None:
    with pytest.raises(SystemExit):
        swept(*words)
    assert said in capsys.readouterr().err
