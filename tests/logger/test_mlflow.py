"""What MLflow shows of a run, read back by its own client, is what the run folder holds."""

import csv
import json
import os
import shutil
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

import mtl_cli.train
from mtl_cli.basis.errors import Problem
from mtl_cli.training.signals import Interrupted
from mtl_cli.training.trainer import Trainer

mlflow = pytest.importorskip("mlflow")

SMALL = ["dataset.num_samples=200", "encoder.hidden=[4]", "trainer.max_epochs=4"]
SMALL += ["trainer.log_every=3", "weighting=uw", "logger=mlflow"]


class Killed(BaseException):
    """Ends a run as a kill does: nothing is written after it."""


def train(place: Path, *words: str) -> dict[str, Any]:
    store = f"logger.mlflow.store={place / 'store'}"
    return mtl_cli.train([f"hydra.run.dir={place / 'run'}", *SMALL, store, *words])


def shown(place: Path, experiment: str = "mtl-cli") -> tuple[Any, Any]:
    """The client, and the one run of the store that is not deleted."""
    client = mlflow.MlflowClient((place / "store").as_uri())
    own = client.get_experiment_by_name(experiment)
    [run] = client.search_runs([own.experiment_id])
    return client, run


def curves(place: Path) -> Counter[tuple[str, int, str]]:
    """Each figure that is shown, and how often."""
    client, run = shown(place)
    return Counter(
        (name, own.step, repr(own.value))
        for name in run.data.metrics
        for own in client.get_metric_history(run.info.run_id, name)
    )


def rows(place: Path) -> Counter[tuple[str, int, str]]:
    """Each row of ``metrics.csv``."""
    with open(place / "run" / "metrics.csv") as file:
        return Counter(
            (
                f"{row['task'] or 'total'}/{row['metric']}/{row['split']}",
                int(row["step"]),
                repr(float(row["value"])),
            )
            for row in csv.DictReader(file)
        )


def stop(monkeypatch: pytest.MonkeyPatch, error: BaseException, epoch: int) -> None:
    """Lets the next training end so, after the rows of an epoch and before its checkpoint."""
    end_epoch = Trainer.end_epoch

    def ends(self: Trainer) -> None:
        end_epoch(self)
        if self.epoch == epoch + 1:
            monkeypatch.setattr(Trainer, "end_epoch", end_epoch)
            raise error

    monkeypatch.setattr(Trainer, "end_epoch", ends)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing disturbed."""
    place = tmp_path_factory.mktemp("mlflow")
    train(place)
    return place


def test_it_shows_the_rows_of_metrics_csv(place: Path) -> None:
    assert curves(place) == rows(place)
    assert set(rows(place).values()) == {1}
    names = {name for name, _, _ in curves(place)}
    assert {"sin/mse/val", "total/loss/train", "cos/weight/train", "cos/loss/step"} <= names


def test_it_shows_the_configuration_value_by_value_and_whole(place: Path, tmp_path: Path) -> None:
    client, run = shown(place)
    values = yaml.safe_load((place / "run" / "config.yaml").read_text())
    params = run.data.params
    assert params["encoder.hidden"] == "[4]"
    assert params["trainer.max_epochs"] == "4"
    assert params["tasks.sin.weight"] == str(values["tasks"]["sin"]["weight"])
    assert params["resume"] == "None"

    def leaves(node: Any) -> int:
        return sum(map(leaves, node.values())) if isinstance(node, dict) and node else 1

    assert len(params) == leaves(values) - 1  # the format of the file
    path = client.download_artifacts(run.info.run_id, "configuration.yaml", str(tmp_path))
    assert Path(path).read_bytes() == (place / "run" / "config.yaml").read_bytes()
    assert run.info.run_name == f"{values['name']} (seed 0)"


def test_it_shows_the_pictures(place: Path, tmp_path: Path) -> None:
    client, run = shown(place)
    drawn = {path.name: path for path in (place / "run" / "plots").iterdir()}
    there = {Path(own.path).name for own in client.list_artifacts(run.info.run_id, "plots")}
    assert there == set(drawn) != set()
    for name, path in drawn.items():
        copy = client.download_artifacts(run.info.run_id, f"plots/{name}", str(tmp_path))
        assert Path(copy).read_bytes() == path.read_bytes()


def test_it_says_how_a_run_ended(place: Path, tmp_path: Path) -> None:
    assert shown(place)[1].info.status == "FINISHED"
    with pytest.raises(Problem, match="must stay finite"):
        train(tmp_path, "optimizer=sgd", "optimizer.lr=1e30")
    assert shown(tmp_path)[1].info.status == "FAILED"


def test_its_store_holds_no_run_folder(place: Path) -> None:
    """Else ``run=latest`` would find it: the store lies among the runs."""
    names = {path.name for path in (place / "store").rglob("*")}
    assert names & {"config.yaml", "summary.json", "metrics.csv"} == set()


def test_an_interrupted_run_goes_on_as_the_same_run_without_a_row_twice(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_epoch = Trainer.train_epoch

    def signalled(self: Trainer) -> None:
        if self.epoch == 3:
            monkeypatch.setattr(Trainer, "train_epoch", train_epoch)
            os.kill(os.getpid(), signal.SIGINT)
        train_epoch(self)

    monkeypatch.setattr(Trainer, "train_epoch", signalled)
    with pytest.raises((Interrupted, SystemExit)):
        train(tmp_path)
    client, before = shown(tmp_path)
    assert before.info.status == "KILLED"
    client.set_tag(before.info.run_id, "mlflow.note.content", "mine")
    mtl_cli.train([f"resume={tmp_path / 'run'}"])
    after = shown(tmp_path)[1]
    assert (after.info.run_id, after.info.status) == (before.info.run_id, "FINISHED")
    assert after.data.tags["mlflow.note.content"] == "mine"
    assert curves(tmp_path) == rows(tmp_path) == curves(place)


def test_what_a_killed_run_showed_after_its_checkpoint_is_not_there_twice(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop(monkeypatch, Killed(), epoch=3)
    with pytest.raises(Killed):
        train(tmp_path)
    assert max(step for _, step, _ in curves(tmp_path)) == 6  # the checkpoint is of step 4
    client, before = shown(tmp_path)
    client.set_tag(before.info.run_id, "mlflow.note.content", "mine")
    mtl_cli.train([f"resume={tmp_path / 'run'}"])
    assert curves(tmp_path) == rows(tmp_path) == curves(place)
    assert shown(tmp_path)[1].data.tags["mlflow.note.content"] == "mine"


def test_a_run_that_is_trained_longer_shows_what_it_is_then(tmp_path: Path) -> None:
    train(tmp_path, "trainer.max_epochs=2")
    mtl_cli.train([f"resume={tmp_path / 'run'}", "trainer.max_epochs=4"])
    assert curves(tmp_path) == rows(tmp_path)
    assert shown(tmp_path)[1].data.params["trainer.max_epochs"] == "4"


@pytest.mark.parametrize("wholly", [False, True])
def test_a_run_that_was_deleted_there_is_shown_whole_again(wholly: bool, tmp_path: Path) -> None:
    train(tmp_path, "trainer.max_epochs=2")
    client, run = shown(tmp_path)
    client.delete_run(run.info.run_id)
    if wholly:
        shutil.rmtree(Path(run.info.artifact_uri.removeprefix("file://")).parent)
    mtl_cli.train([f"resume={tmp_path / 'run'}", "trainer.max_epochs=3"])
    assert curves(tmp_path) == rows(tmp_path)


def test_a_resume_from_elsewhere_finds_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path)
    words = [f"hydra.run.dir={tmp_path / 'run'}", *SMALL, "logger.mlflow.store=store"]
    mtl_cli.train([*words, "trainer.max_epochs=2"])
    monkeypatch.chdir(tmp_path / "here")
    mtl_cli.train([f"resume={tmp_path / 'run'}", "trainer.max_epochs=3"])
    assert not (tmp_path / "here" / "store").exists()
    assert curves(tmp_path) == rows(tmp_path)


def test_names_that_mlflow_refuses_are_cleaned(tmp_path: Path) -> None:
    train(
        tmp_path,
        "trainer.max_epochs=1",
        "tasks.sin.metrics={r2@1: {_target_: torchmetrics.R2Score}}",
        "logger.mlflow.experiment=one / two",
    )
    run = shown(tmp_path, "one / two")[1]
    assert "sin/r2_1/val" in run.data.metrics
    assert run.data.params["tasks.sin.metrics.r2_1._target_"] == "torchmetrics.R2Score"


@pytest.mark.parametrize("word", ["logger.mlflow.store=5", "logger.mlflow.experiment=' '"])
def test_options_that_are_no_texts_are_refused(word: str, tmp_path: Path) -> None:
    option = word.partition("=")[0]
    with pytest.raises(Problem, match=f"{option} must be a text"):
        train(tmp_path, word)


def test_a_server_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="must be a folder on this machine"):
        train(tmp_path, "logger.mlflow.store=http://localhost:5000")


def test_mlflow_json_names_the_run(place: Path) -> None:
    kept = json.loads((place / "run" / "mlflow.json").read_text())
    assert kept == {"store": str(place / "store"), "run": shown(place)[1].info.run_id}
