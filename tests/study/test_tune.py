"""A whole search on the command line: killed and gone on with, in turn and at once, and refused."""

import csv
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

import mtl_cli.study.sweep_report
import mtl_cli.study.tune
import mtl_cli.train
from mtl_cli.comparison.saved_run import find_runs, read_run
from mtl_cli.disk.one_writer import one_writer
from mtl_cli.study.report import make_report
from mtl_cli.study.report_words import read_words
from mtl_cli.study.trial import epochs_of

QUICK = ["dataset.num_samples=200", "encoder.hidden=[4]", "trainer.max_epochs=3"]
QUICK += ["pictures.curves=false", "pictures.metrics=false", "device=cpu"]
SEARCH = ["study=tune", "study.trials=6", "study.random=3", "study.prune_after=2"]
SEARCH += ["study.prune_from=1", "seed=range(2)", "hydra.sweep.dir=s", *QUICK]
RATES = "study.space={optimizer.lr: {low: 0.001, high: 10.0, log: true}}"  # some are too large


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(mtl_cli.__file__).parents[1]))
    says = mtl_cli.study.sweep_report
    monkeypatch.setattr(says, "report_sweep", lambda folder: print(f"report {folder}"))
    return tmp_path


def run(*words: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["mtl-train", *words])
        mtl_cli.train.main()


def refused(capsys, *words: str) -> str:
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        run(*words)
    assert end.value.code == 1
    return capsys.readouterr().err


def rows(folder: str = "s") -> list[dict[str, str]]:
    with open(Path(folder) / "trials/trials.csv", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def figures(folder: str = "s") -> dict[str, list]:
    """What every run of a search has reached, by its place."""
    return {
        str(path.parent.relative_to(folder)): [
            json.loads(path.read_text())[key] for key in ("status", "best", "epochs")
        ]
        for path in sorted(Path(folder).rglob("summary.json"))
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A search that nobody has disturbed."""
    place = tmp_path_factory.mktemp("whole")
    env = os.environ | {"PYTHONPATH": str(Path(mtl_cli.__file__).parents[1])}
    subprocess.run(
        [sys.executable, "-m", "mtl_cli.train", *SEARCH, RATES], cwd=place, env=env, check=True
    )
    return place / "s"


def test_trials_are_chosen_on_val_and_never_read_test(whole: Path) -> None:
    found = rows(str(whole))
    assert [row["setting"] for row in found] == 6 * ["arch=single_task"] + 6 * ["arch=hps"]
    assert {row["status"] for row in found} == {"completed", "pruned"}
    for setting in ("arch=single_task", "arch=hps"):
        own = [row for row in found if row["setting"] == setting]
        best = min((row for row in own if row["loss"]), key=lambda row: float(row["loss"]))
        assert best["best"] == "winner"
        assert (own[0]["optimizer.lr"], own[0]["encoder.dropout"]) == ("0.001", "0.0")
        for row in own:
            run = read_run(whole / row["folder"])
            assert "test" not in run.summary
            assert not any("test" in line for line in run.folder.metrics.read_text().splitlines())
            assert run.config["optimizer.lr"] == float(row["optimizer.lr"])
            assert row["loss"] == (str(run.summary["objective"]) if not run.trouble else "")
    assert (whole / "trials/trials.md").read_text().startswith("**the best of each setting on val")


def test_a_report_page_is_told_the_same_of_its_trials(whole: Path) -> None:
    said = json.loads((whole / "trials/trials.json").read_text())
    assert said["figures"] == [["loss", False]]
    told = [
        (
            own["words"],
            str(one["trial"]),
            one["status"],
            one["best"],
            str(one["values"][0]) if one["values"] else "",
            dict(word.split("=") for word in one["words"]),
        )
        for own in said["settings"]
        for one in own["trials"]
    ]
    keys = ("setting", "trial", "status", "best", "loss")
    searched = ("optimizer.lr", "encoder.dropout")
    assert told == [
        (*(row[key] for key in keys), {key: row[key] for key in searched if row[key]})
        for row in rows(str(whole))
    ]
    assert all("finished" in own["counts"] for own in said["settings"])


def test_pruned_trials_are_those_that_the_rule_gives_up(whole: Path) -> None:
    """By hand: the best so far is worse than the median of the finished before."""
    ends = []
    for setting in ("0", "1"):
        finished: list[dict[int, float]] = []
        for number in range(6):
            path = whole / "trials" / setting / str(number)
            losses = {
                epoch: sum(own["loss"] for own in reached.values())
                for epoch, reached in epochs_of(path).items()
            }
            behind = [
                epoch
                for epoch in losses
                if len(finished) >= 2
                and epoch < 3  # at the end there is nothing to give up
                and min(losses[e] for e in range(1, epoch + 1))
                > statistics.median(other[epoch] for other in finished)
            ]
            ends.append(json.loads((path / "summary.json").read_text())["status"])
            assert (ends[-1] == "pruned") == bool(behind)
            assert not behind or behind[0] == max(losses)
            if ends[-1] == "completed":
                finished.append(losses)
    assert set(ends) == {"completed", "pruned"}


def test_the_winners_are_trained_by_other_seeds_and_compared_as_tuned(whole: Path) -> None:
    runs = [read_run(path) for path in find_runs(whole)]
    assert [run.folder.path.name for run in runs] == ["0", "1", "2", "3"]
    assert [run.seed for run in runs] == [0, 1, 0, 1]
    assert all(run.summary["test"] for run in runs)
    winners = [row for row in rows(str(whole)) if row["best"] == "winner"]
    for row, own in zip(winners, (runs[:2], runs[2:]), strict=True):
        assert {run.config["optimizer.lr"] for run in own} == {float(row["optimizer.lr"])}
        assert own[0].summary["study"]["tuned"] == ["optimizer.lr", "encoder.dropout"]
    report, _ = make_report(*read_words([str(whole), "pictures=false"]))
    [table] = report.comparison.tables
    joint = next(group for group in table.groups if group.choices["arch"] == "hps")
    assert joint.baseline is not None
    assert joint.baseline.choices["arch"] == "single_task"
    assert any("tuned on val by 6 trials each" in note for note in report.notes["Remarks"])
    assert len(find_runs(whole / "trials")) == 12


def killed(until: Path) -> None:
    """Begins the search, and kills it as soon as a file is there."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mtl_cli.train", *SEARCH, RATES], stdout=subprocess.DEVNULL
    )
    end = time.monotonic() + 120
    while not until.exists():
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize(
    ("until", "over"),
    [("s/trials/0/2/checkpoints/last.pt", (2, 0)), ("s/trials/1/4/config.yaml", (6, 4))],
)
def test_a_search_that_was_killed_goes_on_to_the_same_end(whole, until, over, capsys) -> None:
    killed(Path(until))
    run("resume=s")
    said = capsys.readouterr().out
    assert "goes on" in said
    assert f"arch=single_task: {over[0]} of 6 trials are over" in said
    assert (f"arch=hps: {over[1]} of 6 trials are over" in said) == bool(over[1])
    assert figures() == figures(str(whole))
    assert rows() == rows(str(whole))


def test_trials_at_once_are_drawn_together(here: Path) -> None:
    run(*SEARCH, "study.n_jobs=2", "study.settings=[]", "study.trials=4")
    assert len(rows()) == 4
    words = json.loads(Path("s/sweep.json").read_text())["words"]
    assert words[-2:] == ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]


def test_several_objectives_give_a_front_and_its_knee(capsys) -> None:
    run(*SEARCH, "study.objective=tasks", "study.settings=[]", "study.prune=tasks")
    said = capsys.readouterr().out
    assert "the trials that no other beats in every figure" in said
    found = [row for row in rows() if row["sin/mse"]]
    points = [(float(row["sin/mse"]), float(row["cos/mse"])) for row in found]
    for row, (x, y) in zip(found, points, strict=True):
        beaten = any(a <= x and b <= y and (a, b) != (x, y) for a, b in points)
        assert (row["best"] == "") == beaten
    assert sum(row["best"] == "winner" for row in found) == 1


def test_gain_is_over_single_task_with_nothing_tuned() -> None:
    run(*SEARCH, "study.objective=gain", "study.prune=null", "study.trials=2")
    found = rows()
    assert float(found[0]["gain"]) == 0
    reference = read_run(Path("s/trials/0/0")).figures("val")
    own = read_run(Path("s/trials/1/1")).figures("val")
    parts = [100 * (1 - own[task]["mse"] / reference[task]["mse"]) for task in ("sin", "cos")]
    assert float(found[3]["gain"]) == pytest.approx(sum(parts) / 2)


def test_tuned_weights_have_a_mean_of_1() -> None:
    words = [word.replace("study=tune", "study=tuned_weights") for word in SEARCH]
    run(*words, "study.trials=3", "weighting=uw")
    found = [row for row in rows() if row["setting"] == "arch=hps weighting=fixed"]
    weights = [(float(r["tasks.sin.weight"]), float(r["tasks.cos.weight"])) for r in found]
    assert weights[0] == (1, 1)
    assert len(set(weights)) == 3
    assert all(abs(sum(pair) - 2) < 2e-3 for pair in weights)
    assert not [r for r in rows() if r["setting"] != found[0]["setting"] and r["tasks.sin.weight"]]


def test_trials_that_fail_take_nothing_from_the_others(capsys) -> None:
    """Learning rates that are none: each of these trials says why, and counts."""
    run(
        *SEARCH,
        "study.settings=[]",
        "study.space={optimizer.lr: [0.001, -1.0]}",
        "study.parts=false",
    )
    failed = [row for row in rows() if row["status"] == "failed"]
    assert {row["optimizer.lr"] for row in failed} == {"-1.0"}
    assert (
        f"{len(failed)} trials failed, the first with optimizer.lr=-1.0" in capsys.readouterr().out
    )
    assert len(rows()) == 6


def test_an_objective_that_no_run_has_names_those_there_are(capsys) -> None:
    said = refused(capsys, *SEARCH, "objective=sin/accuracy")
    assert "objective must be one of loss, sin/loss, cos/loss, sin/mse" in said
    assert not Path("s/trials/0/1").exists()


def test_without_val_there_is_nothing_to_choose_by(capsys) -> None:
    Path("t.csv").write_text("x,a,b\n" + "".join(f"{k},{k % 3},{k % 2}\n" for k in range(60)))
    table = ["dataset=table", "dataset.path=t.csv", "dataset.targets={a: regression, b: binary}"]
    table += ["dataset.split.val=0", "dataset.reference=0"]
    said = refused(capsys, *(w for w in SEARCH if "num_samples" not in w), *table)
    assert "needs a val split" in said


def test_a_folder_that_another_process_searches_is_said(capsys) -> None:
    Path("s").mkdir()
    Path("s/sweep.json").write_text(
        json.dumps({"words": [w for w in SEARCH if "sweep.dir" not in w]})
    )
    with one_writer(Path("s"), unlock=False) as writer:
        writer.sign()
        said = refused(capsys, *SEARCH)
        again = refused(capsys, "resume=s")
    assert "the search in s has one writer at a time" in said
    assert f"held by process {os.getpid()}" in said
    assert "rm s/writer.json" in again


def test_a_folder_of_another_study_is_no_place_for_a_search(capsys) -> None:
    Path("s").mkdir()
    Path("s/sweep.json").write_text(json.dumps({"words": ["study=baselines", *QUICK]}))
    said = refused(capsys, *SEARCH)
    assert "found: a sweep by other words: study=baselines" in said
    assert not Path("s/search.json").exists()


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("study.space={optimizer.rl: [1, 2]}", "'study.space={optimizer.lr: {low: 1e-5"),
        ("study.space={optimizer.lr: {low: 1, high: 0.5}}", "found: low: 1, high: 0.5"),
        (
            "study.space={arch.num_experts: [2, 4]}",
            "arch.num_experts must be an option of",
        ),
        ("arch=hsp,mmoe", "arch=hps"),
    ],
)
def test_a_mistake_is_said_before_anything_is_there(capsys, word: str, said: str) -> None:
    assert said in refused(capsys, *SEARCH, word)
    assert not Path("s").exists()


def test_without_optuna_it_says_what_to_install(capsys, monkeypatch) -> None:
    monkeypatch.setattr(mtl_cli.study.tune, "find_spec", lambda name: None)
    assert "pip install 'mtl-cli[sweep]'" in refused(capsys, *SEARCH)
    assert not Path("s").exists()
