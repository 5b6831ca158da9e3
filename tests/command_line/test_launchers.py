"""Jobs that run at once make the runs that they make one after the other."""

import json
import os
import signal
import subprocess
import sys
import threading
from importlib import util
from pathlib import Path

import joblib
import pytest
from joblib.externals.loky import get_reusable_executor

import mtl_cli.study.sweep_report
import mtl_cli.train
from mtl_cli.basis.cores import THREADS, shared_out, threads_said
from mtl_cli.basis.errors import Problem
from mtl_cli.command_line import launchers
from mtl_cli.command_line.cli import compose
from mtl_cli.command_line.launchers import check_installed, sets_launcher
from mtl_cli.command_line.submitted import Said, ended_with, runs_here
from mtl_cli.command_line.sweep import FILE, resumed_words, settings

QUICK = ["dataset.num_samples=200", "encoder.hidden=[4]", "trainer.max_epochs=2"]
QUICK += ["pictures.curves=false", "pictures.metrics=false"]
WORDS = ["--multirun", "optimizer.lr=0.01,-1", *QUICK]
TWO = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the commands are typed; jobs in other processes find this checkout."""
    get_reusable_executor().shutdown(wait=True)  # whose workers write to another test's terminal
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(mtl_cli.__file__).parents[1]))
    says = mtl_cli.study.sweep_report
    monkeypatch.setattr(says, "report_sweep", lambda folder: print(f"report {folder}"))
    return tmp_path


def failed(*words: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["mtl-train", *words])
        with pytest.raises(SystemExit) as end:
            mtl_cli.train.main()
    assert end.value.code == 1


def test_jobs_at_once_make_the_runs_of_jobs_in_turn(here: Path, capfd) -> None:
    """One of them fails, which takes nothing from the others; the sweep goes on in any way."""
    failed(*WORDS, "hydra.sweep.dir=turn")
    for launcher in (TWO, ["hydra/launcher=submitit_local"]):
        capfd.readouterr()
        place = launcher[0].partition("=")[2]
        failed(*WORDS, *launcher, f"hydra.sweep.dir={place}")
        lines = [line for line in capfd.readouterr().out.splitlines() if line.startswith("#")]
        assert sorted(line.split("  ")[0].strip() for line in lines) == ["#0", "#1"]
        assert sum("optimizer.lr=-1  failed" in line for line in lines) == 1
        own = (here / place / "0/metrics.csv").read_bytes()
        assert own == (here / "turn/0/metrics.csv").read_bytes()
        assert json.loads((here / place / "1/summary.json").read_text())["status"] == "failed"
    assert {path.name for path in here.iterdir()} == {"turn", "joblib", "submitit_local"}
    failed("resume=submitit_local", "hydra/launcher=basic")
    shown = capfd.readouterr().out
    assert shown.count("finished    submitit_local/0, before") == 1
    assert shown.endswith("report submitit_local\n")


def test_a_launcher_changes_no_job_and_may_be_another_when_a_sweep_goes_on(tmp_path) -> None:
    assert settings([*WORDS, *TWO]) == settings(WORDS)
    (tmp_path / FILE).write_text(json.dumps({"words": [*WORDS, *TWO]}))
    whole = resumed_words(tmp_path, [])
    assert whole[:-1] == [*WORDS, *TWO]
    given = ["hydra/launcher=submitit_slurm", "hydra.launcher.partition=gpu"]
    assert resumed_words(tmp_path, given)[:-1] == [*WORDS, *given]


@pytest.mark.parametrize(
    ("word", "safe"),
    [
        ("hydra/launcher=joblib", True),
        ("hydra/launcher=theirs", False),
        ("hydra.launcher.n_jobs=-1", True),
        ("hydra.launcher.gpus_per_node=2", True),
        ("hydra.launcher.partition=a,b", True),
        ("hydra.launcher.partition=$(x)", False),
        ("hydra.launcher.setup=[x]", False),
        ("hydra.launcher.submitit_folder=/etc", False),
        ("hydra.launcher.additional_parameters={wrap: x}", False),
        ("hydra.launcher._target_=os.system", False),
    ],
)
def test_words_of_a_sweep_run_nothing_by_its_launcher(word: str, safe: bool) -> None:
    assert sets_launcher(word) is safe


def test_a_launcher_that_is_not_installed_says_what_to_install(monkeypatch) -> None:
    def find(name: str) -> object:
        return None if "submitit" in name else util.find_spec(name)

    monkeypatch.setattr(launchers, "find_spec", find)
    with pytest.raises(Problem) as error:
        check_installed(["--multirun", "hydra/launcher=submitit_local", "seed=0,1"])
    assert "pip install 'mtl-cli[sweep]'" in str(error.value)
    assert str(error.value).endswith("mtl-train --multirun seed=0,1")
    check_installed(["hydra/launcher=basic", "seed=0"])


def test_slurm_gets_what_the_command_line_says() -> None:
    """No cluster is here: what is composed is all that is tested."""
    said = {"partition": "gpu", "gpus_per_node": 1, "timeout_min": 600, "max_num_timeout": 10}
    words = [f"hydra.launcher.{option}={value}" for option, value in said.items()]
    sweep = ["hydra/launcher=submitit_slurm", "hydra.sweep.dir=mine"]
    found = compose("train", [*sweep, *words]).hydra.launcher
    assert {option: found[option] for option in said} == said
    assert found.submitit_folder == "mine/.submitit/%j"
    assert found._target_.endswith(".SlurmLauncher")


def test_cores_are_shared_out_unless_the_user_says_how_many(monkeypatch) -> None:
    monkeypatch.delenv(THREADS, raising=False)
    with shared_out(2):
        assert os.environ[THREADS] == str(max(1, joblib.cpu_count() // 2))
        assert not threads_said()
    with shared_out(None):
        assert THREADS not in os.environ
    monkeypatch.setenv(THREADS, "3")
    with shared_out(2):
        assert os.environ[THREADS] == "3"
        assert threads_said()


def test_what_jobs_say_is_shown_in_whole_lines_once(tmp_path, capsys) -> None:
    old, new = tmp_path / "1" / "1_0_log.out", tmp_path / "2" / "2_0_log.out"
    for file in (old, new):
        file.parent.mkdir()
    old.write_text("of an earlier sweep\n")
    said = Said(tmp_path)
    new.write_text("submitit INFO begins\n#0    seed=0\n#1   ")
    said.show()
    assert capsys.readouterr().out == "#0    seed=0\n"
    with new.open("a") as text:
        text.write(" seed=1\n")
    said.show()
    said.show()
    assert capsys.readouterr().out == "#1    seed=1\n"


def begin(folder: Path, jobs: list[subprocess.Popen]) -> None:
    with ended_with(folder):
        jobs.append(subprocess.Popen(["sleep", "60"]))
        (folder / f"{jobs[0].pid}").mkdir()
        (folder / f"{os.getppid()}").mkdir()  # a number may be of another machine
        assert runs_here(jobs[0].pid)
        raise KeyboardInterrupt


def test_jobs_end_with_the_command_that_started_them(tmp_path: Path) -> None:
    jobs: list[subprocess.Popen] = []
    with pytest.raises(KeyboardInterrupt):
        begin(tmp_path, jobs)
    assert not runs_here(jobs[0].pid)
    assert jobs[0].wait() is not None
    os.kill(os.getppid(), 0)  # is there


def ended_by_sigterm() -> None:
    with launchers.heeded():
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM)).start()
        threading.Event().wait(5)


def test_sigterm_ends_a_sweep_as_ctrl_c_does() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        ended_by_sigterm()
    assert signal.getsignal(signal.SIGTERM) == before
