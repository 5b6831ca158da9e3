"""Parts of a step, precision, averaged weights and rates by part, on whole small runs."""

import json
from functools import partial
from pathlib import Path

import pytest
import torch

import mtl_cli.train
from mtl_cli.basis.errors import Problem

SMALL = ["dataset.num_samples=400", "encoder.hidden=[8]", "encoder.dropout=0.0"]
SMALL += ["dataset.shuffle=false", "trainer.max_epochs=3", "scheduler=none", "optimizer=sgd"]


def train(folder: Path, *words: str) -> dict:
    return mtl_cli.train([f"hydra.run.dir={folder}", *SMALL, *words])


def weights(folder: Path, which: str = "last") -> dict[str, torch.Tensor]:
    return torch.load(folder / "checkpoints" / f"{which}.pt", weights_only=True)["model"]


def assert_same_weights(one: Path, other: Path, tolerance: float, which: str = "last") -> None:
    left, right = weights(one, which), weights(other, which)
    assert left.keys() == right.keys()
    for name in left:
        torch.testing.assert_close(left[name], right[name], rtol=tolerance, atol=tolerance)


# 280 train examples: 7 steps of 40, or of 4 parts of 10.


@pytest.mark.parametrize("weighting", ["fixed", "uw", "upgrad", "pcgrad"])
@pytest.mark.parametrize("arch", ["hps", "dselect_k"])
def test_a_step_in_parts_is_the_step_of_the_whole(tmp_path: Path, arch: str, weighting: str):
    """Means of equal parts make the mean; a Jacobian is aggregated once, not part by part."""
    words = [f"arch={arch}", f"weighting={weighting}"]
    whole = train(tmp_path / "whole", *words, "dataset.batch_size=40")
    parts = train(tmp_path / "parts", *words, "dataset.batch_size=10", "trainer.accumulate=4")
    assert whole["steps"] == parts["steps"] == 21
    assert_same_weights(tmp_path / "whole", tmp_path / "parts", 1e-5)


def test_an_incomplete_last_step_takes_the_parts_that_are_left(tmp_path: Path):
    words = ["dataset.batch_size=40", "trainer.accumulate=3", "trainer.max_epochs=1"]
    assert train(tmp_path / "run", *words)["steps"] == 3  # of 3, 3 and 1 of the 7 batches


def test_a_training_in_parts_resumes_to_the_bit(tmp_path: Path):
    words = ["dataset.batch_size=20", "trainer.accumulate=3", "weighting=uw", "optimizer=adam"]
    words += ["trainer.ema_decay=0.9", "trainer.precision=16", "dataset.shuffle=true"]
    train(tmp_path / "whole", *words)
    train(tmp_path / "run", *words, "trainer.max_steps=7")
    mtl_cli.train([f"resume={tmp_path / 'run'}", "trainer.max_steps=15"])
    assert_same_weights(tmp_path / "whole", tmp_path / "run", 0.0)
    assert_same_weights(tmp_path / "whole", tmp_path / "run", 0.0, "best")
    one, other = ((tmp_path / name / "metrics.csv").read_text() for name in ("whole", "run"))
    assert one == other


@pytest.mark.parametrize("weighting", ["fixed", "uw", "upgrad", "gls"])
@pytest.mark.parametrize("precision", ["bf16", "16"])
def test_half_precision_stays_near_full_precision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: str, weighting: str
):
    """The scaler's factor reaches neither the aggregation nor the learned weights."""
    scaler = partial(torch.amp.GradScaler, init_scale=1024.0)  # no step of these overflows
    monkeypatch.setattr(torch.amp, "GradScaler", scaler)
    train(tmp_path / "full", f"weighting={weighting}")
    half = train(tmp_path / "half", f"weighting={weighting}", f"trainer.precision={precision}")
    assert half["precision"] == precision
    units = (".mean", ".scale")  # of a regression, which are no weights
    kept = {k: v for k, v in weights(tmp_path / "half").items() if not k.endswith(units)}
    assert all(value.dtype == torch.float32 for value in kept.values())
    assert_same_weights(tmp_path / "full", tmp_path / "half", 5e-3)
    different = [
        not torch.equal(a, b)
        for a, b in zip(
            weights(tmp_path / "full").values(), weights(tmp_path / "half").values(), strict=True
        )
    ]
    assert any(different)


def test_a_step_that_overflows_is_left_out_and_the_scale_halved(tmp_path: Path):
    words = ["trainer.precision=16", "tasks.sin.weight=1e4", "optimizer.lr=1e-7"]
    summary = train(tmp_path / "run", *words)
    assert summary["status"] == "completed"
    state = torch.load(tmp_path / "run" / "checkpoints" / "last.pt", weights_only=True)
    assert state["learners"][0]["scaler"]["scale"] < 65536
    assert all(value.isfinite().all() for value in state["model"].values())


def test_an_average_without_memory_is_the_weights_themselves(tmp_path: Path):
    train(tmp_path / "plain")
    train(tmp_path / "average", "trainer.ema_decay=0.0")
    assert_same_weights(tmp_path / "plain", tmp_path / "average", 0.0, "best")


def test_the_average_is_evaluated_and_kept_and_the_weights_train_on(tmp_path: Path):
    words = ["optimizer=adam", "optimizer.lr=0.01"]
    plain = train(tmp_path / "plain", *words)
    averaged = train(tmp_path / "average", *words, "trainer.ema_decay=0.99")
    assert_same_weights(tmp_path / "plain", tmp_path / "average", 0.0, "last")
    assert plain["train"] == averaged["train"]
    assert plain["best"] != averaged["best"]
    assert any(
        not torch.equal(a, b)
        for a, b in zip(
            weights(tmp_path / "average", "best").values(),
            weights(tmp_path / "average", "last").values(),
            strict=True,
        )
    )


def test_a_factor_of_zero_leaves_a_part_as_it_was(tmp_path: Path):
    words = ["trainer.lr_factors={heads.sin: 0.0, arch: 2.0}", "weighting=uw"]
    train(tmp_path / "run", *words)
    train(tmp_path / "start", *words, "optimizer.lr=0.0")
    before, after = weights(tmp_path / "start"), weights(tmp_path / "run")
    moved = {name: not torch.equal(before[name], after[name]) for name in before}
    assert not any(value for name, value in moved.items() if name.startswith("heads.sin"))
    assert moved["heads.cos.weight"]
    assert any(value for name, value in moved.items() if name.startswith("arch."))


def test_a_factor_on_everything_is_another_rate(tmp_path: Path):
    train(tmp_path / "rate", "optimizer.lr=0.02", "weighting=uw")
    factors = "trainer.lr_factors={arch: 2.0, heads: 2.0, weighting: 2.0}"
    train(tmp_path / "factor", "optimizer.lr=0.01", factors, "weighting=uw")
    assert_same_weights(tmp_path / "rate", tmp_path / "factor", 0.0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trainer.lr_factors={head: 0.1}"], "try:   'trainer.lr_factors={heads: 0.1}'"),
        (["trainer.lr_factors={weighting: 0.1}"], "must name a part of the model: arch"),
        (["trainer.lr_factors={encoder: decay 0.9}"], "must name a part of the model: arch"),
        (["trainer.lr_factors={encoder: decay 2}"], "decay and a number up to 1"),
        (["trainer.precision=8"], "must be one of 64, 32, bf16, 16"),
        (["trainer.ema_decay=1.5"], "must be a number from 0 to 1"),
        (["trainer.accumulate=0"], "must be an integer of at least 1"),
        (["runtime.compile=true", "weighting=upgrad", "weighting.on=features"], "compiled one"),
        (["trainer.accumulate=2", "weighting=upgrad", "weighting.on=features"], "several parts"),
        (["arch=cross_stitch", "weighting=upgrad", "weighting.on=features"], "part at one tensor"),
        (["weighting=upgrad", "weighting@weighting.losses=gradnorm"], "which reads gradients"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, words: list[str], message: str):
    with pytest.raises(Problem, match=message.replace("{", r"\{")):
        train(tmp_path / "run", *words)


@pytest.mark.parametrize("weighting", ["fixed", "upgrad"])
@pytest.mark.filterwarnings("ignore")  # of the compiler
def test_a_compiled_model_trains_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weighting: str
):
    compile_ = torch.compile  # all but the slow last stage of it
    monkeypatch.setattr(torch, "compile", lambda model: compile_(model, backend="aot_eager"))
    words = [f"weighting={weighting}", "arch=dselect_k"]
    train(tmp_path / "plain", *words)
    train(tmp_path / "compiled", *words, "runtime.compile=true")
    assert_same_weights(tmp_path / "plain", tmp_path / "compiled", 1e-5)


def test_a_failed_solver_would_be_counted_in_the_summary(tmp_path: Path):
    train(tmp_path / "run", "weighting=upgrad")
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["weighting"] == {"failures": 0}


def test_a_weighting_without_anything_to_balance_says_so(tmp_path: Path):
    train(tmp_path / "alone", "arch=single_task", "weighting=pcgrad")
    train(tmp_path / "plain", "arch=single_task")
    assert_same_weights(tmp_path / "alone", tmp_path / "plain", 0.0)
    notice = "pcgrad has nothing to balance: each task is trained alone"
    assert (tmp_path / "alone" / "train.log").read_text().count(notice) == 1
    assert "nothing to balance" not in (tmp_path / "plain" / "train.log").read_text()
