"""Selection by a figure, by a weighted sum of figures, and by the losses where none is its own."""

import math
from pathlib import Path
from types import SimpleNamespace

import pytest
from omegaconf import OmegaConf

import mtl_cli.train
from mtl_cli.basis.errors import Problem
from mtl_cli.command_line.overrides import words_of
from mtl_cli.comparison.best import wished
from mtl_cli.comparison.saved_run import read_run
from mtl_cli.training.selection import Selection
from mtl_cli.training.wish import check_wish, in_words

METRICS = {"auroc": SimpleNamespace(higher_is_better=True)}
METRICS["log_loss"] = SimpleNamespace(higher_is_better=False)
TASKS = {name: SimpleNamespace(metrics=METRICS) for name in ("ctr", "cvr")}


def figures(ctr, cvr, log_loss=0.5):
    return {
        "ctr": {"loss": 1.0, "auroc": ctr, "log_loss": log_loss},
        "cvr": {"loss": 2.0, "auroc": cvr, "log_loss": log_loss},
    }


def test_a_weighted_sum_selects_each_figure_turned_the_way_that_is_better():
    wish = {"ctr/auroc": 1, "cvr/auroc": 2, "cvr/log_loss": 0.5, "ctr/loss": 0.1}
    selection = Selection(TASKS, wish)
    assert selection.note(1, figures(0.7, 0.6))
    assert selection.value == pytest.approx(-0.7 - 2 * 0.6 + 0.5 * 0.5 + 0.1)
    assert not selection.note(2, figures(0.8, 0.54))
    assert selection.note(3, figures(0.61, 0.65))
    assert selection.note(4, figures(0.61, 0.65, log_loss=0.4))
    assert selection.epoch == 4


def test_tasks_select_by_their_own_part_of_it_and_others_by_their_losses():
    wish = {"ctr/auroc": 1, "cvr/auroc": 2}
    assert Selection({"cvr": TASKS["cvr"]}, wish).value_of(figures(0.7, 0.6)) == -1.2
    other = {"other": SimpleNamespace(metrics={})}
    assert Selection(other, wish).value_of({"other": {"loss": 3.0}}) == 3


def test_a_figure_without_a_value_is_refused_at_first_and_no_best_one_later():
    selection = Selection(TASKS, {"ctr/auroc": 1, "cvr/auroc": 2})
    with pytest.raises(Problem, match="ctr/auroc: 1, cvr/auroc: 2"):
        selection.note(1, figures(0.7, math.nan))
    assert selection.note(1, figures(0.5, 0.5))
    assert not selection.note(2, figures(0.7, math.nan))


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"ctr/auroc": "much"}, "must be a number of at least 0"),
        ({"ctr/auroc": -1}, "must be a number of at least 0"),
        ({"ctr/aucroc": 1}, "ctr/auroc"),
        ({}, "must name a figure"),
        ("ctr/calibration", "of which more, or less, is better"),
        ("ctr/accuracy", "must be one of"),
    ],
)
def test_a_wish_for_what_is_no_figure_is_refused(wish, said):
    directed = {"ctr/auroc": True, "ctr/calibration": False}
    check_wish("trainer.select", "loss", ["ctr/loss", *directed], directed)
    with pytest.raises(Problem, match=said):
        check_wish("trainer.select", OmegaConf.create({"x": wish}).x, [*directed], directed)


def test_a_run_is_selected_and_swept_by_it_and_says_so(tmp_path: Path) -> None:
    select = "{sin/mse: 1, cos/loss: 2}"
    words = [f"trainer.select={select}", "trainer.max_epochs=3", "trainer.max_batches=2"]
    summary = mtl_cli.train.train([*words, f"hydra.run.dir={tmp_path / 'run'}"])
    best = summary["best"]
    wanted = best["sin"]["mse"] + 2 * best["cos"]["loss"]
    assert summary["objective"] == pytest.approx(wanted)
    config = read_run(tmp_path / "run").config
    assert wished(config) == in_words({"sin/mse": 1, "cos/loss": 2.0}) == select
    assert [word for word in words_of(config, {}) if "select" in word or "objective" in word] == [
        "trainer.select={sin/mse:1,cos/loss:2}"
    ]
