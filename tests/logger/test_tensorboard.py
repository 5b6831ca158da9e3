"""What TensorBoard shows of a run, read back by its own reader, is what the run folder holds."""

import csv
from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import mtl_cli.train
from mtl_cli.training.trainer import Trainer

SMALL = ["dataset.num_samples=200", "encoder.hidden=[4]", "trainer.max_epochs=4"]
SMALL += ["trainer.log_every=3", "weighting=uw", "logger=tensorboard"]


class Killed(BaseException):
    """Ends a run as a kill does: nothing is written after it."""


def train(folder: Path, *words: str) -> dict[str, Any]:
    return mtl_cli.train([f"hydra.run.dir={folder}", *SMALL, *words])


def events(folder: Path) -> EventAccumulator:
    found = EventAccumulator(str(folder / "tensorboard"), purge_orphaned_data=False)
    found.Reload()
    return found


def curves(folder: Path) -> Counter[tuple[str, int, float]]:
    """Each figure that is shown, and how often."""
    found = events(folder)
    return Counter(
        (tag, own.step, float(np.float32(own.value)))
        for tag in found.Tags()["scalars"]
        for own in found.Scalars(tag)
    )


def rows(folder: Path) -> Counter[tuple[str, int, float]]:
    """Each row of ``metrics.csv``, in the precision that TensorBoard has."""
    with open(folder / "metrics.csv") as file:
        return Counter(
            (
                f"{row['task'] or 'total'}/{row['metric']}/{row['split']}",
                int(row["step"]),
                float(np.float32(row["value"])),
            )
            for row in csv.DictReader(file)
        )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("tensorboard") / "run"
    train(folder)
    return folder


def test_it_shows_the_rows_of_metrics_csv(whole: Path) -> None:
    assert curves(whole) == rows(whole)
    assert set(rows(whole).values()) == {1}
    names = {name for name, _, _ in curves(whole)}
    assert {"sin/mse/val", "total/loss/train", "cos/weight/train", "cos/loss/step"} <= names


def test_it_shows_the_configuration(whole: Path) -> None:
    [text] = events(whole).Tensors("configuration/text_summary")
    [shown] = text.tensor_proto.string_val
    lines = [line.removeprefix("    ") for line in shown.decode().splitlines()]
    assert lines == (whole / "config.yaml").read_text().splitlines()


def test_it_shows_the_pictures(whole: Path) -> None:
    found = events(whole)
    drawn = {f"plots/{path.stem}": path for path in (whole / "plots").iterdir()}
    assert set(found.Tags()["images"]) == set(drawn) != set()
    for name, path in drawn.items():
        [own] = found.Images(name)
        shown, file = Image.open(BytesIO(own.encoded_image_string)), Image.open(path)
        assert np.array_equal(np.asarray(shown.convert("RGB")), np.asarray(file.convert("RGB")))


def test_what_a_killed_run_showed_after_its_checkpoint_is_not_there_twice(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_epoch = Trainer.end_epoch

    def ends(self: Trainer) -> None:
        end_epoch(self)
        if self.epoch == 4:
            monkeypatch.setattr(Trainer, "end_epoch", end_epoch)
            raise Killed

    monkeypatch.setattr(Trainer, "end_epoch", ends)
    folder = tmp_path / "run"
    with pytest.raises(Killed):
        train(folder)
    assert max(step for _, step, _ in curves(folder)) == 6  # the checkpoint is of step 4
    mtl_cli.train([f"resume={folder}"])
    assert curves(folder) == rows(folder) == curves(whole)


def test_a_run_that_is_trained_longer_shows_its_test_once(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    train(folder, "trainer.max_epochs=2")
    mtl_cli.train([f"resume={folder}", "trainer.max_epochs=4"])
    assert curves(folder) == rows(folder)
    assert sum(name == "sin/loss/test" for name, _, _ in curves(folder)) == 1
