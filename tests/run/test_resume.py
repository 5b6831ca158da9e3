"""A run that is killed, interrupted or extended goes on to the bit."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import mtl_cli.train
from mtl_cli.training.signals import Interrupted
from mtl_cli.training.trainer import Trainer

CONF = Path(__file__).parents[2] / "conf"
CHOICES = [
    f"{group}={path.stem}"
    for group in ("arch", "weighting")
    for path in sorted((CONF / group).glob("*.yaml"))
    if "_target_: null" not in path.read_text()  # a class of the user's own
]
SMALL = [
    "dataset.num_samples=2000",
    "deterministic=true",
    "encoder.dropout=0.1",
    "trainer.log_every=7",
    "scheduler=cosine",
    "weighting=uw",
]


def train(folder: Path, *words: str) -> dict:
    return mtl_cli.train([f"hydra.run.dir={folder}", *SMALL, *words])


def start(folder: Path, *words: str) -> subprocess.Popen:
    command = [sys.executable, "-c", "from mtl_cli.train import main; main()"]
    return subprocess.Popen(
        [*command, f"hydra.run.dir={folder}", *SMALL, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=heed_hangups,
    )


def heed_hangups() -> None:
    """Where the tests run under nohup, their processes would ignore them."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def rows(folder: Path, epoch: int) -> int:
    """How many rows of an epoch are written."""
    file = folder / "metrics.csv"
    return file.read_text().count(f"\n{epoch},") if file.exists() else 0


def wait_for_epoch(process: subprocess.Popen, folder: Path, epoch: int) -> None:
    while not rows(folder, epoch):
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.01)


def same_run(one: Path, other: Path) -> None:
    assert (one / "metrics.csv").read_bytes() == (other / "metrics.csv").read_bytes()
    for name in ("last.pt", "best.pt"):
        left, right = (torch.load(f / "checkpoints" / name)["model"] for f in (one, other))
        assert left.keys() == right.keys()
        assert all(torch.equal(left[key], right[key]) for key in left)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 10 epochs that nothing disturbed."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    train(folder, "trainer.max_epochs=10")
    return folder


def test_a_killed_run_goes_on_to_the_bit(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    process = start(folder, "trainer.max_epochs=10")
    wait_for_epoch(process, folder, 5)  # in the middle of it, by the step rows
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert rows(folder, 10) == 0
    summary = mtl_cli.train([f"resume={folder}"])
    assert summary["status"] == "completed"
    same_run(folder, whole)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_an_interrupted_run_says_so_and_goes_on_from_the_middle_of_its_epoch(
    whole: Path, tmp_path: Path, number: int, code: int
) -> None:
    folder = tmp_path / "interrupted"
    process = start(folder, "trainer.max_epochs=10")
    wait_for_epoch(process, folder, 3)
    process.send_signal(number)
    output, _ = process.communicate()
    assert process.returncode == code, output
    assert '"status": "interrupted"' in (folder / "summary.json").read_text()
    assert "Traceback" not in output
    mtl_cli.train([f"resume={folder}"])
    same_run(folder, whole)


def test_a_run_interrupted_after_the_smaller_last_step_of_an_epoch_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["dataset.num_samples=40", "dataset.batch_size=10", "trainer.accumulate=2"]
    train(tmp_path / "whole", "trainer.max_epochs=2", *words)  # 3 batches an epoch, in 2 steps

    def stop(trainer: Trainer, save: bool = True) -> None:
        if trainer.batch == trainer.steps_per_epoch:
            trainer.save_last()
            raise Interrupted(signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "heed_signals", stop)
        with pytest.raises(SystemExit):
            train(tmp_path / "interrupted", "trainer.max_epochs=2", *words)
    mtl_cli.train([f"resume={tmp_path / 'interrupted'}"])
    same_run(tmp_path / "interrupted", tmp_path / "whole")


@pytest.mark.parametrize("choice", CHOICES)
def test_every_architecture_and_weighting_goes_on_to_the_bit(
    choice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["dataset.num_samples=40", "dataset.batch_size=10", "weighting=fixed", "arch=mmoe"]
    words += ["arch.num_experts=2"] if choice.startswith("weighting") else []
    words += [choice, "encoder.hidden=[4,3]", "trainer.max_epochs=2"]  # 3 steps an epoch
    words += ["pictures.curves=false"]  # which take longer than to train
    train(tmp_path / "whole", *words)

    def stop(trainer: Trainer, save: bool = True) -> None:
        if trainer.step == 4:
            trainer.save_last()
            raise Interrupted(signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "heed_signals", stop)
        with pytest.raises(SystemExit):
            train(tmp_path / "interrupted", *words)
    mtl_cli.train([f"resume={tmp_path / 'interrupted'}"])
    same_run(tmp_path / "interrupted", tmp_path / "whole")


def test_a_finished_run_can_be_extended(tmp_path: Path) -> None:
    words = ["scheduler=none"]
    train(tmp_path / "whole", "trainer.max_epochs=4", *words)
    train(tmp_path / "extended", "trainer.max_epochs=2", *words)
    mtl_cli.train([f"resume={tmp_path / 'extended'}", "trainer.max_epochs=4"])
    same_run(tmp_path / "extended", tmp_path / "whole")


def test_a_longer_training_says_what_it_does_to_the_schedule(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for schedule, said in (("cosine", "the schedule is stretched"), ("none", "does not depend")):
        folder = tmp_path / schedule
        train(folder, "trainer.max_epochs=2", f"scheduler={schedule}", "weighting=fixed")
        capsys.readouterr()
        mtl_cli.train([f"resume={folder}", "trainer.max_epochs=4"])
        assert said in capsys.readouterr().out.replace("\n", " ")
        mtl_cli.train([f"resume={folder}"])
        assert "were planned" not in capsys.readouterr().out


def test_a_finished_run_that_ended_inside_an_epoch_makes_no_further_step(tmp_path: Path) -> None:
    train(tmp_path / "run", "trainer.max_epochs=null", "trainer.max_steps=17")
    before = (tmp_path / "run" / "metrics.csv").read_bytes()
    assert mtl_cli.train([f"resume={tmp_path / 'run'}"])["steps"] == 17
    assert (tmp_path / "run" / "metrics.csv").read_bytes() == before


def test_a_run_that_ended_inside_an_epoch_can_be_extended(tmp_path: Path) -> None:
    words = ["scheduler=none", "trainer.max_epochs=null"]
    train(tmp_path / "whole", "trainer.max_steps=30", *words)
    train(tmp_path / "extended", "trainer.max_steps=17", *words)
    mtl_cli.train([f"resume={tmp_path / 'extended'}", "trainer.max_steps=30"])
    same_run(tmp_path / "extended", tmp_path / "whole")


def test_resuming_a_finished_run_changes_nothing(tmp_path: Path) -> None:
    train(tmp_path / "run", "trainer.max_epochs=1")
    before = (tmp_path / "run" / "metrics.csv").read_bytes()
    summary = mtl_cli.train([f"resume={tmp_path / 'run'}"])
    assert summary["status"] == "completed"
    assert (tmp_path / "run" / "metrics.csv").read_bytes() == before


def test_a_finished_run_says_what_would_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(tmp_path / "run", "trainer.max_epochs=1")
    capsys.readouterr()
    mtl_cli.train([f"resume={tmp_path / 'run'}"])
    assert "nothing is left to train; trainer.max_epochs=2 would go on" in capsys.readouterr().out


def test_a_run_is_not_made_shorter_than_it_was(tmp_path: Path) -> None:
    train(tmp_path / "run", "trainer.max_epochs=2")
    before = {file: file.read_bytes() for file in (tmp_path / "run").glob("*.*")}
    with pytest.raises(ValueError, match=r"must be at least what the run has had: 2 epochs"):
        mtl_cli.train([f"resume={tmp_path / 'run'}", "trainer.max_epochs=1"])
    for file, content in before.items():
        assert file.read_bytes() == content


def test_resume_takes_no_other_settings(tmp_path: Path) -> None:
    train(tmp_path / "run", "trainer.max_epochs=1")
    with pytest.raises(ValueError, match=r"only device, trainer.max_epochs"):
        mtl_cli.train([f"resume={tmp_path / 'run'}", "optimizer.lr=0.1"])


def test_a_run_can_start_from_the_weights_of_another(tmp_path: Path) -> None:
    train(tmp_path / "first", "trainer.max_epochs=1")
    train(
        tmp_path / "second",
        "trainer.max_epochs=1",
        f"init={tmp_path / 'first'}",
        "optimizer.lr=0.0",
    )
    best, last = (
        torch.load(tmp_path / run / "checkpoints" / name)["model"]
        for run, name in (("first", "best.pt"), ("second", "last.pt"))
    )
    assert all(torch.equal(best[key], last[key]) for key in best)


@pytest.mark.parametrize("text", ["- a list", "a: [", "name: run"])
def test_a_damaged_configuration_is_refused_and_the_summary_stays(
    tmp_path: Path, text: str
) -> None:
    train(tmp_path / "run", "trainer.max_epochs=1", "trainer.max_batches=2")
    before = (tmp_path / "run" / "summary.json").read_bytes()
    (tmp_path / "run" / "config.yaml").write_text(text)
    with pytest.raises(ValueError, match="must be a run's configuration"):
        mtl_cli.train([f"resume={tmp_path / 'run'}"])
    assert (tmp_path / "run" / "summary.json").read_bytes() == before


def test_a_resume_that_cannot_begin_leaves_the_summary_as_it_was(tmp_path: Path) -> None:
    train(tmp_path / "run", "trainer.max_epochs=1", "trainer.max_batches=2")
    before = (tmp_path / "run" / "summary.json").read_bytes()
    with pytest.raises(ValueError, match="device must be auto"):
        mtl_cli.train([f"resume={tmp_path / 'run'}", "device=cuda:99"])
    assert (tmp_path / "run" / "summary.json").read_bytes() == before


@pytest.mark.parametrize("place", ["fit", "test"])
def test_ctrl_c_beside_the_steps_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    """Before the first step, or while test is read: no handler of ours is there."""
    words = ["trainer.max_epochs=1"]
    train(tmp_path / "whole", *words)

    def stop(trainer: Trainer) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, place, stop)
        with pytest.raises(SystemExit) as end:
            train(tmp_path / "cut", *words)
    assert end.value.code == 130
    assert (
        f"interrupted; to go on: mtl-train resume={tmp_path / 'cut'}\n" in capsys.readouterr().out
    )
    assert '"status": "interrupted"' in (tmp_path / "cut" / "summary.json").read_text()
    mtl_cli.train([f"resume={tmp_path / 'cut'}"])
    same_run(tmp_path / "cut", tmp_path / "whole")


def test_what_a_killed_writer_left_is_taken_away(tmp_path: Path) -> None:
    train(tmp_path / "run", "trainer.max_epochs=1")
    for place in ("", "checkpoints"):
        (tmp_path / "run" / place / ".part_1_last.pt").touch()
    mtl_cli.train([f"resume={tmp_path / 'run'}"])
    assert list((tmp_path / "run").rglob(".part_*")) == []
