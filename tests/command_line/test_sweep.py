"""A sweep that is stopped goes on, and no sweep trains into the runs of another."""

import json
import os
import shlex
import signal
import sys
from pathlib import Path

import pytest

import mtl_cli.command_line.cli
import mtl_cli.run.show
import mtl_cli.study.sweep_report
import mtl_cli.train
from mtl_cli.basis.errors import Problem, problem
from mtl_cli.command_line.sweep import (
    FILE,
    chosen_run,
    only_sets,
    place_sweep,
    resumed_words,
    sweep_of,
)
from mtl_cli.training.trainer import Trainer

QUICK = ["dataset.num_samples=200", "encoder.hidden=[4]", "trainer.max_epochs=2"]
SEEDS = ["--multirun", "seed=0,1,2", *QUICK]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where the commands are typed; their reports and pictures are left out."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(mtl_cli.run.show, "draw_curves", lambda *args: None)
    says = mtl_cli.study.sweep_report
    monkeypatch.setattr(says, "report_sweep", lambda folder: print(f"report {folder}"))
    return tmp_path


def run(*words: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["mtl-train", *words])
        mtl_cli.train.main()


def stopped(number: int, *words: str) -> None:
    """The command, which gets Ctrl-C in the first epoch of its job of that number (from 0)."""
    begun = 0
    train_epoch = Trainer.train_epoch

    def train(self: Trainer) -> None:
        nonlocal begun
        begun += self.step == 0
        if begun == number + 1:
            os.kill(os.getpid(), signal.SIGINT)
        train_epoch(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "train_epoch", train)
        with pytest.raises(SystemExit) as end:
            run(*words)
    assert end.value.code == 130


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def figures(folder: Path) -> dict[str, bytes]:
    files = content(folder).items()
    return {name: data for name, data in files if name.endswith("metrics.csv")}


def test_ctrl_c_stops_the_sweep_and_resume_goes_on_as_if_nothing_had_been(here, capsys) -> None:
    run(*SEEDS, "hydra.sweep.dir=whole")
    stopped(1, *SEEDS, "hydra.sweep.dir=cut")
    shown = capsys.readouterr().out
    assert "interrupted; to go on: mtl-train resume=cut\n" in shown
    assert "report cut" not in shown
    assert not (here / "cut" / "2").exists()
    first = content(here / "cut" / "0")
    run("resume=cut")
    shown = capsys.readouterr().out
    assert "report cut" in shown
    assert shown.count("finished    cut/") == 1
    assert content(here / "cut" / "0") == first
    assert figures(here / "cut") == figures(here / "whole")
    assert len(figures(here / "cut")) == 3
    last = content(here / "cut")
    run("resume=latest", "runs=cut")
    assert content(here / "cut").items() - last.items() == set()


def test_the_baseline_of_a_stopped_sweep_goes_on_too(here) -> None:
    words = ["study=baselines", "seed=0,1", "arch=mmoe", "hydra.sweep.dir=my sweep", *QUICK]
    stopped(3, *words)
    first = content(here / "my sweep" / "single_task" / "0")
    run("resume=my sweep")
    found = {str(path.parent) for path in Path("my sweep").rglob("summary.json")}
    places = ("", "single_task/", "single_task_widened/")
    assert found == {f"my sweep/{place}{seed}" for place in places for seed in (0, 1)}
    for path in found:
        assert json.loads(Path(path, "summary.json").read_text())["status"] == "completed"
    assert content(here / "my sweep" / "single_task" / "0") == first
    assert sweep_of(here / "my sweep" / "single_task" / "0") == here / "my sweep"


def test_a_named_folder_is_never_trained_into(here, capsys) -> None:
    run(*SEEDS, "hydra.sweep.dir=mine")
    (here / "notes").mkdir()
    (here / "notes" / "a.txt").touch()
    before = content(here)
    for words, expected in [
        ([*SEEDS, "optimizer.lr=0.1", "hydra.sweep.dir=mine"], "mtl-train resume=mine"),
        ([*SEEDS, "hydra.sweep.dir=notes"], "found: a folder with files"),
    ]:
        with pytest.raises(SystemExit) as end:
            run(*words)
        assert end.value.code == 1
        assert expected in capsys.readouterr().err
        assert content(here) == before
    run("hydra.sweep.dir=mine", *SEEDS)  # the same words go on
    assert capsys.readouterr().out.count("finished    mine/") == 3
    (here / "empty").mkdir()
    run("--multirun", "seed=3,4", *QUICK, "hydra.sweep.dir=empty")
    assert len(figures(here / "empty")) == 2
    assert len(list(here.iterdir())) == 3


def test_a_job_that_was_killed_at_its_pictures_draws_them(here, capsys, monkeypatch) -> None:
    drawn = []
    run(*SEEDS, "hydra.sweep.dir=cut")
    before = figures(here / "cut")
    (here / "cut/1/writer.json").write_text("{}")
    (here / "cut/1/.part_12_a.png").touch()
    show = mtl_cli.run.show
    monkeypatch.setattr(show, "draw_curves", lambda folder, *_: drawn.append(folder.path.name))
    run("resume=cut")
    assert capsys.readouterr().out.count("finished    cut/") == 2
    assert figures(here / "cut") == before
    assert drawn == ["1"]
    assert not [*(here / "cut/1").glob(".part*"), *(here / "cut/1").glob("writer.json")]


def test_a_sweep_that_was_killed_before_it_kept_its_words_begins(here) -> None:
    (here / "cut").mkdir()
    (here / "cut/.part_12_sweep.json").touch()
    run(*SEEDS, "hydra.sweep.dir=cut")
    assert len(figures(here / "cut")) == 3


def test_jobs_run_where_their_sweep_was_placed(here, monkeypatch) -> None:
    def place(path: Path, *args: object) -> Path:
        (here / "el se=where").mkdir()
        return here / "el se=where"

    monkeypatch.setattr(mtl_cli.command_line.cli, "place_sweep", place)
    run("--multirun", "seed=0,1", *QUICK)
    assert [*figures(here)] == [f"el se=where/{job}/metrics.csv" for job in (0, 1)]


def test_two_jobs_of_one_folder_do_not_answer_for_each_other(here, capsys) -> None:
    with pytest.raises(SystemExit):
        run(*SEEDS, "hydra.sweep.dir=mine", "hydra.sweep.subdir=same")
    assert "mine/same must be of this job of the sweep" in capsys.readouterr().err
    assert json.loads(Path("mine/same/summary.json").read_text())["seed"] == 0


def test_a_sweep_and_latest_after_it_mean_its_best_run_on_val(here, capsys) -> None:
    run("--multirun", "arch=hps,mmoe", "seed=0,1", *QUICK, "hydra.sweep.dir=mine")
    said = {path.parent: json.loads(path.read_text()) for path in here.glob("mine/*/summary.json")}
    archs: dict[str, list[float]] = {}
    for summary in said.values():
        archs.setdefault(summary["choices"]["arch"], []).append(summary["objective"])
    best = min(archs, key=lambda arch: sum(archs[arch]))
    own = {path: s["objective"] for path, s in said.items() if s["choices"]["arch"] == best}
    expected = min(own, key=lambda path: own[path])
    for name in ("mine", "latest"):
        assert chosen_run(name, here).path.resolve() == expected
        shown = capsys.readouterr().err
        assert f"the best on val of mine: arch={best}, loss " in shown
        assert f"run mine/{expected.name}\n" in shown
    assert mtl_cli.load_run("mine").folder.path.resolve() == expected


def test_a_failed_job_is_tried_again(here) -> None:
    def fail(self: Trainer) -> str:
        raise problem("the disk", "must have space", "none", "another one")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "fit", fail)
        with pytest.raises(SystemExit):
            run("--multirun", "seed=0,1", *QUICK, "hydra.sweep.dir=mine")
    assert json.loads(Path("mine/0/summary.json").read_text())["status"] == "failed"
    run("resume=mine")
    assert json.loads(Path("mine/0/summary.json").read_text())["status"] == "completed"


def test_the_folder_of_a_run_is_not_passed_over_where_there_are_several(here):
    with pytest.raises(Problem, match=r"try:   hydra\.sweep\.dir=mine in its place"):
        place_sweep(Path("runs/new"), [*SEEDS, "hydra.run.dir=mine"], named=False, trains=True)
    words = [*SEEDS, "hydra.run.dir=mine", "hydra.sweep.dir=ours"]
    assert place_sweep(Path("ours"), words, named=True, trains=True) == Path("ours")


@pytest.mark.parametrize(
    "word",
    [
        "-cd",
        "mine",
        "hydra.launcher._target_=os.system",
        "hydra/launcher=theirs",
        "+hydra.callbacks.x={a:1}",
        "encoder@hydra.launcher=mlp",
        "+encoder._target_=os.system",
        "encoder={_target_:os.system}",
        "dataset.path=${oc.env:SECRET}",
        "name='$'",
        "dataset=../../evil",
        "loss@tasks.a.loss=l1,../evil",
        "hydra.sweep.subdir=../..",
        "hydra.run.dir=/etc",
    ],
)
def test_a_foreign_sweep_runs_nothing(here, word) -> None:
    words = [*SEEDS, word]
    (here / "foreign").mkdir()
    (here / "foreign" / FILE).write_text(json.dumps({"words": words}))
    before = content(here)
    with pytest.raises(Problem, match="goes on by words that set values alone") as error:
        resumed_words(Path("foreign"), [])
    assert "hydra.sweep.dir=foreign" in str(error.value)
    assert content(here) == before


@pytest.mark.parametrize(
    "word",
    [
        "-m",
        "arch=mmoe,hps",
        "arch.num_experts=range(2,5)",
        "loss@tasks.price.loss=l1",
        "+task@tasks.age=regression",
        "~scheduler",
        "dataset.path=../hydra/data.csv",
        "dataset.targets={price: regression}",
        "runs=../runs",
        "hydra.sweeper.params.seed=range(3)",
        "optimizer.lr=1e-3",
    ],
)
def test_usual_words_go_on(word) -> None:
    assert only_sets(word)


def test_a_foreign_sweep_names_no_folder_of_parts(here) -> None:
    words = ["--config-dir=theirs", *SEEDS, "arch=mine"]
    (here / FILE).write_text(json.dumps({"words": words}))
    with pytest.raises(Problem, match=r"try:   mtl-train --config-dir theirs resume="):
        resumed_words(here, [])
    own = resumed_words(here, ["-cd", "mine"])
    assert own[:2] == ["--config-dir", "mine"]
    assert "theirs" not in str(own)


@pytest.mark.parametrize(
    ("word", "goes_on"),
    [
        ("arch.model._target_=my.Net", True),
        ("arch.model._target_=my.Net,my.Other", True),
        ("arch.model._target_=my.Net,other.Net", False),
        ("arch.model._target_=mine.Net", False),
        ("hydra.launcher._target_=my.Net", False),
        ("arch.model._target_=${x}", False),
    ],
)
def test_a_sweep_names_only_classes_that_the_command_line_trusts(word, goes_on) -> None:
    assert only_sets(word, ["my"]) is goes_on
    assert not only_sets(word)


@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        ('{"words": ["-m"]}', ["optimizer.lr=1"], "goes on by the sweep's own words"),
        ('{"words": "-m"}', [], "must hold the words of a sweep"),
        ("[1]", [], "must hold the words of a sweep"),
        ("{", [], "must hold the words of a sweep"),
        ("[" * 100_000, [], "must hold the words of a sweep"),
        (None, [], "a sweep of an older version"),
    ],
)
def test_what_cannot_go_on_is_said(here, text, given, expected) -> None:
    if text is not None:
        (here / FILE).write_text(text)
    with pytest.raises(Problem, match=r"\n  found: .*\n  try:   ") as error:
        resumed_words(here, given)
    assert expected in str(error.value)


def test_the_lines_that_refusals_suggest_can_be_pasted(tmp_path: Path) -> None:
    folder = tmp_path / "my sweep"
    with pytest.raises(Problem) as error:
        resumed_words(folder, [])
    line = str(error.value).partition("try:")[2].partition(", run by run")[0]
    assert shlex.split(line) == ["mtl-train", f'resume="{folder / "0"}"']
