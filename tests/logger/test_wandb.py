"""What Weights & Biases is sent of a run, read back from its file, is what the run folder holds."""

import csv
import json
import os
import signal
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import mtl_cli.train
from mtl_cli.basis.errors import Problem
from mtl_cli.training.trainer import Trainer

pytest.importorskip("wandb")

SMALL = ["dataset.num_samples=200", "encoder.hidden=[4]", "trainer.max_epochs=4"]
SMALL += ["trainer.log_every=3", "weighting=uw", "logger=wandb"]
BLOCK, HEADER = 32768, struct.Struct("<IHB")  # of a LevelDB log: checksum, length, kind
WHOLE, LAST = 1, 4  # kinds of what ends a record


class Killed(BaseException):
    """Ends a run as a kill does: nothing is written after it."""


def train(folder: Path, *words: str) -> dict[str, Any]:
    return mtl_cli.train([f"hydra.run.dir={folder}", *SMALL, *words])


def offline(folder: Path) -> Path:
    """The one folder that is to be sent."""
    [found] = (folder / "wandb").glob("offline-run-*")
    return found


def records(folder: Path, kind: str) -> list[Any]:
    """The records of a kind in what is to be sent."""
    end = time.monotonic() + 30
    while (found := messages(folder))[-1].WhichOneof("record_type") != "exit":
        assert time.monotonic() < end
        time.sleep(0.05)  # the library writes the rest when it has said that a run is finished
    return [getattr(own, kind) for own in found if own.WhichOneof("record_type") == kind]


def messages(folder: Path) -> list[Any]:
    """All records that are whole, by the library's own class for them."""
    from wandb.proto.wandb_internal_pb2 import Record

    [file] = offline(folder).glob("*.wandb")
    data, at, parts, found = file.read_bytes(), 7, b"", []  # after the file's own header
    while at + HEADER.size <= len(data):
        if (left := BLOCK - at % BLOCK) < HEADER.size:
            at += left
            continue
        _, length, kind = HEADER.unpack_from(data, at)
        at += HEADER.size + length
        if at > len(data):
            break
        parts += data[at - length : at]
        if kind in (WHOLE, LAST):
            found.append(Record.FromString(parts))
            parts = b""
    return found


def items(update: Any) -> dict[str, Any]:
    return {
        own.key or ".".join(own.nested_key): json.loads(own.value_json, parse_constant=float)
        for own in update
    }


def curves(folder: Path) -> Counter[tuple[str, int, int, str]]:
    """Each figure that is to be sent, and how often."""
    return Counter(
        (name, row["epoch"], row["step"], repr(float(value)))
        for row in (items(own.item) for own in records(folder, "history"))
        for name, value in row.items()
        if name.count("/") == 2 and "epoch" in row
    )


def rows(folder: Path) -> Counter[tuple[str, int, int, str]]:
    """Each row of ``metrics.csv``."""
    with open(folder / "metrics.csv") as file:
        return Counter(
            (
                f"{row['task'] or 'total'}/{row['metric']}/{row['split']}",
                int(row["epoch"]),
                int(row["step"]),
                repr(float(row["value"])),
            )
            for row in csv.DictReader(file)
        )


def leaves(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(node, dict) or not node:
        yield path, node
        return
    for key, value in node.items():
        yield from leaves(value, f"{path}.{key}".removeprefix("."))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("wandb") / "run"
    train(folder)
    return folder


def test_it_holds_the_rows_of_metrics_csv(whole: Path) -> None:
    assert curves(whole) == rows(whole)
    assert set(rows(whole).values()) == {1}
    names = {name for name, *_ in curves(whole)}
    assert {"sin/mse/val", "total/loss/train", "cos/weight/train", "cos/loss/step"} <= names
    [metric] = [own for own in records(whole, "metric") if own.glob_name == "*"]
    assert metric.step_metric == "step"


def test_it_holds_the_configuration(whole: Path) -> None:
    [run, *_] = records(whole, "run")
    config = items(run.config.update)
    config.pop("_wandb")
    values = yaml.safe_load((whole / "config.yaml").read_text())
    values.pop("format")
    assert config == dict(leaves(values))
    assert (run.project, run.display_name) == ("mtl-cli", f"{values['name']} (seed 0)")


def test_it_holds_the_pictures(whole: Path) -> None:
    drawn = {path.stem: path.read_bytes() for path in (whole / "plots").iterdir()}
    rows = [items(own.item) for own in records(whole, "history")]
    held = {
        name: (offline(whole) / "files" / row[f"plots/{name}.path"]).read_bytes()
        for row in rows
        for name in drawn
        if f"plots/{name}.path" in row
    }
    assert held == drawn != {}


def test_pictures_of_another_format_are_files(tmp_path: Path) -> None:
    train(tmp_path / "run", "pictures.format=pdf", "trainer.max_epochs=2")
    drawn = {path.name for path in (tmp_path / "run" / "plots").iterdir()}
    there = {path.name for path in (offline(tmp_path / "run") / "files" / "plots").iterdir()}
    assert there == drawn != set()


def test_it_says_how_a_run_ended(whole: Path, tmp_path: Path) -> None:
    assert [own.exit_code for own in records(whole, "exit")] == [0]
    with pytest.raises(Problem, match="must stay finite"):
        train(tmp_path / "run", "optimizer=sgd", "optimizer.lr=1e30")
    assert [own.exit_code for own in records(tmp_path / "run", "exit")] == [1]


def test_it_holds_no_run_folder(whole: Path) -> None:
    """Else ``run=latest`` would find it."""
    names = {path.name for path in (whole / "wandb").rglob("*")}
    assert names & {"config.yaml", "summary.json", "metrics.csv"} == set()


def test_a_run_that_is_interrupted_on_a_terminal_goes_on_without_a_row_twice(
    tmp_path: Path,
) -> None:
    """There the signal reaches the library's own process as well."""
    folder = tmp_path / "run"
    command = [sys.executable, "-c", "from mtl_cli.train import main; main()"]
    words = [f"hydra.run.dir={folder}", *SMALL, "trainer.max_epochs=100000"]
    with subprocess.Popen(
        [*command, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as process:
        file, end = folder / "metrics.csv", time.monotonic() + 60
        while not (file.exists() and "\n3," in file.read_text()):
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        said = process.communicate(timeout=60)[0].decode()
    assert process.returncode == 130, said
    assert curves(folder) == rows(folder)
    before = offline(folder).name.rpartition("-")[2]
    epochs = max(epoch for _, epoch, _, _ in rows(folder)) + 2
    mtl_cli.train([f"resume={folder}", f"trainer.max_epochs={epochs}"])
    assert curves(folder) == rows(folder)
    assert offline(folder).name.rpartition("-")[2] == before


def test_what_a_killed_run_held_after_its_checkpoint_is_not_there_twice(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_epoch = Trainer.end_epoch

    def ends(self: Trainer) -> None:
        end_epoch(self)
        if self.epoch == 4:
            monkeypatch.setattr(Trainer, "end_epoch", end_epoch)
            raise Killed

    monkeypatch.setattr(Trainer, "end_epoch", ends)
    with pytest.raises(Killed):
        train(tmp_path / "run")
    assert (
        max(epoch for _, epoch, _, _ in curves(tmp_path / "run")) == 3
    )  # the checkpoint is of epoch 2
    mtl_cli.train([f"resume={tmp_path / 'run'}"])
    assert curves(tmp_path / "run") == rows(tmp_path / "run") == curves(whole)


def test_a_run_of_the_users_own_is_left_alone(tmp_path: Path) -> None:
    import wandb

    settings = wandb.Settings(silent=True, console="off")
    with wandb.init(mode="offline", dir=str(tmp_path), settings=settings) as own:
        train(tmp_path / "run", "trainer.max_epochs=1")
        own.log({"mine": 1})
    assert curves(tmp_path / "run") == rows(tmp_path / "run")


@pytest.mark.parametrize("project", ["5", "a/b", "' '"])
def test_what_no_project_can_be_called_is_refused(project: str, tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"logger\.wandb\.project must be a name"):
        train(tmp_path / "run", f"logger.wandb.project={project}")
