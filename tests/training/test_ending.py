"""A training ends where a plain count of its batches says, goes on from there, and says by what."""

import json
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import mtl_cli.train
from mtl_cli.basis.errors import Problem
from mtl_cli.training import ending as module
from mtl_cli.training.ending import Ending
from mtl_cli.training.signals import Interrupted
from mtl_cli.training.trainer import Trainer
from mtl_cli.training.updates import Updates

SMALL = ["dataset.num_samples=400", "encoder.hidden=[4]", "dataset.batch_size=64", "weighting=uw"]
SMALL += ["scheduler=cosine", "pictures.curves=false", "deterministic=true", "trainer.log_every=2"]
BATCHES = [64, 64, 64, 64, 24]  # of 280 train examples


def train(folder: Path, *words: str) -> dict:
    return mtl_cli.train([f"hydra.run.dir={folder}", *SMALL, *words])


def steps_to(most: int, at_once: int = 1, batches: int = 5) -> tuple[int, int]:
    """The steps, and the examples in them, after which there are so many examples."""
    own = BATCHES[:batches]
    sizes = [sum(own[i : i + at_once]) for i in range(0, len(own), at_once)]
    steps = seen = 0
    while seen < most:
        seen += sizes[steps % len(sizes)]
        steps += 1
    return steps, seen


@pytest.mark.parametrize("most", [1, 64, 65, 280, 281, 700])
@pytest.mark.parametrize(("at_once", "batches"), [(1, 5), (2, 5), (2, 3)])
def test_the_step_with_the_last_example_is_the_last(tmp_path, most, at_once, batches):
    words = [f"trainer.max_examples={most}", f"trainer.accumulate={at_once}"]
    words += [f"trainer.max_batches={batches}", "trainer.max_epochs=null"]
    found = train(tmp_path / "run", *words)
    assert (found["steps"], found["examples"]) == steps_to(most, at_once, batches)
    assert (found["status"], found["ended_by"]) == ("completed", "trainer.max_examples")
    assert found["epochs"] == -(-found["steps"] // -(-batches // at_once))


@pytest.mark.parametrize("option", ["max_epochs=2", "max_steps=7", "max_examples=600"])
def test_the_least_of_all_limits_ends_it(tmp_path, option):
    limits = {"max_epochs": 9, "max_steps": 45, "max_examples": 5000}
    words = [f"trainer.{name}={most}" for name, most in limits.items()]
    found = train(tmp_path / "run", *words, f"trainer.{option}")
    assert found["ended_by"] == f"trainer.{option.partition('=')[0]}"


def same_run(one: Path, other: Path) -> None:
    assert (one / "metrics.csv").read_bytes() == (other / "metrics.csv").read_bytes()
    for name in ("last.pt", "best.pt"):
        left, right = (torch.load(f / "checkpoints" / name)["model"] for f in (one, other))
        assert all(torch.equal(left[key], right[key]) for key in left)


@pytest.mark.parametrize("step", [3, 5, 9])
def test_examples_before_an_interruption_count(tmp_path, monkeypatch, step):
    words = ["trainer.max_examples=700", "dataset.shuffle=true"]
    whole = train(tmp_path / "whole", *words)

    def stop(trainer: Trainer, save: bool = True) -> None:
        if trainer.step == step:
            trainer.save_last()
            raise Interrupted(signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "heed_signals", stop)
        with pytest.raises(SystemExit):
            train(tmp_path / "cut", *words)
    resumed = mtl_cli.train([f"resume={tmp_path / 'cut'}"])
    same_run(tmp_path / "cut", tmp_path / "whole")
    assert [resumed[key] for key in ("steps", "examples")] == [whole["steps"], whole["examples"]]


def test_more_examples_go_on_to_the_bit_and_fewer_change_nothing(tmp_path, capsys):
    words = ["scheduler=none", "trainer.max_epochs=null"]
    train(tmp_path / "whole", "trainer.max_examples=700", *words)
    train(tmp_path / "run", "trainer.max_examples=400", *words)
    for more in ("", " trainer.max_examples=300"):
        before = (tmp_path / "run" / "metrics.csv").read_bytes()
        capsys.readouterr()
        mtl_cli.train([f"resume={tmp_path / 'run'}", *more.split()])
        assert "nothing is left to train; trainer.max_examples=816" in capsys.readouterr().out
        assert (tmp_path / "run" / "metrics.csv").read_bytes() == before
    mtl_cli.train([f"resume={tmp_path / 'run'}", "trainer.max_examples=700"])
    same_run(tmp_path / "run", tmp_path / "whole")


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still, until it is told of a second."""
    own = SimpleNamespace(now=0.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: own.now))
    return own


def tick(monkeypatch, clock, seconds=1.0):
    """A step takes so long, and an evaluation of val ten times as much."""
    step, end = Updates.take, Trainer.end_epoch

    def slow_step(self, *given):
        clock.now += seconds
        return step(self, *given)

    def slow_end(self):
        clock.now += 10 * seconds
        return end(self)

    monkeypatch.setattr(Updates, "take", slow_step)
    monkeypatch.setattr(Trainer, "end_epoch", slow_end)


@pytest.mark.parametrize(("limit", "steps"), [("3s", 3), (14, 5), ("15s", 5), ("16s", 6)])
def test_time_ends_it_and_evaluations_take_some(tmp_path, monkeypatch, clock, limit, steps):
    """Five steps of a second and an evaluation of ten are the first epoch."""
    tick(monkeypatch, clock)
    found = train(tmp_path / "run", f"trainer.time_limit={limit}")
    assert (found["steps"], found["ended_by"]) == (steps, "trainer.time_limit")
    assert found["status"] == "completed"
    assert found["test"]["sin"]["loss"] > 0
    said = (tmp_path / "run" / "train.log").read_text()
    assert f"ended       by trainer.time_limit={limit}".removesuffix("s") in said
    assert f"in which it made {steps} of 50 steps" in said


def test_time_before_an_interruption_counts(tmp_path, monkeypatch, clock):
    tick(monkeypatch, clock)
    folder = tmp_path / "cut"

    def stop(trainer: Trainer, save: bool = True) -> None:
        if trainer.step == 7:
            trainer.save_last()
            raise Interrupted(signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "heed_signals", stop)
        with pytest.raises(SystemExit):
            train(folder, "trainer.time_limit=34s")
    clock.now += 1000  # until somebody goes on with it
    said = json.loads((folder / "summary.json").read_text())
    assert (said["status"], said["ended_by"]) == ("interrupted", None)
    assert said["timing"]["limited_seconds"] == 17
    found = mtl_cli.train([f"resume={folder}"])
    assert found["steps"] == 14  # 2 x (5 + 10) are 30 seconds
    assert mtl_cli.train([f"resume={folder}"])["steps"] == 14
    assert "trainer.time_limit=1m8s would go on" in (folder / "train.log").read_text()
    assert mtl_cli.train([f"resume={folder}", "trainer.time_limit=36s"])["steps"] == 15


def test_a_run_that_time_cut_goes_on_to_the_bit(tmp_path, monkeypatch, clock):
    words = ["trainer.max_epochs=4", "dataset.shuffle=true"]
    train(tmp_path / "whole", *words)
    tick(monkeypatch, clock)
    train(tmp_path / "run", *words, "trainer.time_limit=18s")
    mtl_cli.train([f"resume={tmp_path / 'run'}", "trainer.time_limit=1h"])
    same_run(tmp_path / "run", tmp_path / "whole")


class Batches(list):
    num_examples = sum(BATCHES)


def test_a_version_that_counted_nothing_is_reckoned_by_its_steps():
    settings = SimpleNamespace(max_examples=900, max_batches=None, time_limit=100.0)
    settings.steps, settings.most_steps = int, lambda steps: 10 * steps
    ending = Ending(settings, Batches(BATCHES))
    assert ending.total_steps == 17  # of 56 examples on average
    ending.load_state_dict(None, step=10, seconds=100.0)
    assert (ending.examples, ending.spent) == (560, 100)
    assert ending.reached(10) == "trainer.time_limit"


@pytest.mark.parametrize("stop", ["any", "first", "all"])
def test_tasks_that_stop_end_a_training(tmp_path, stop):
    words = ["optimizer.lr=0.1", "trainer.max_epochs=60", "trainer.patience=2"]
    found = train(tmp_path / "run", *words, f"trainer.stop={stop}")
    assert (found["status"], found["ended_by"]) == ("stopped_early", "trainer.patience")
    rows = [
        row.split(",") for row in (tmp_path / "run" / "metrics.csv").read_text().split("\n")[1:-1]
    ]
    val = {
        task: [float(r[5]) for r in rows if r[2:5] == ["val", task, "loss"]]
        for task in ("sin", "cos")
    }
    waited = {task: found["epochs"] - 1 - own.index(min(own)) for task, own in val.items()}
    assert (max if stop != "all" else min)(waited.values()) == 2


@pytest.mark.parametrize("stop", ["first", "all"])
def test_what_tasks_waited_for_goes_on_to_the_bit(tmp_path, monkeypatch, stop):
    words = ["optimizer.lr=0.1", "trainer.max_epochs=30", "trainer.patience=2"]
    words += [f"trainer.stop={stop}"]
    train(tmp_path / "whole", *words)

    def stop_it(trainer: Trainer, save: bool = True) -> None:
        if trainer.step == 12:
            trainer.save_last()
            raise Interrupted(signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "heed_signals", stop_it)
        with pytest.raises(SystemExit):
            train(tmp_path / "cut", *words)
    mtl_cli.train([f"resume={tmp_path / 'cut'}"])
    same_run(tmp_path / "cut", tmp_path / "whole")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trainer.time_limit=soon"], r"trainer.time_limit must be a length of time above 0"),
        (["trainer.time_limit=0"], r"found: 0\n  try:   trainer.time_limit=30m"),
        (["trainer.max_examples=0"], "trainer.max_examples must be an integer of at least 1"),
        (["trainer.max_examples=1.5"], "trainer.max_examples must be"),
        (["trainer.patience=2", "trainer.stop=every"], "must be one of select, first, any, all"),
        (["trainer.stop=all"], "needs trainer.patience.*\n.*\n.*patience=5 trainer.stop=all"),
        (
            ["trainer.max_epochs=null", "trainer.time_limit=1h"],
            "needs max_epochs, max_steps or max_examples.*\n  found: time_limit alone",
        ),
    ],
)
def test_mistakes_are_named(tmp_path, words, message):
    with pytest.raises(Problem, match=message):
        train(tmp_path / "run", *words)
