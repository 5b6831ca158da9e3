"""Features that are computed once give the figures that an encoder in every step gives."""

import csv
import math
from pathlib import Path

import pytest
import torch
from PIL import Image

import mtl_cli
from mtl_cli.basis.errors import Problem
from mtl_cli.evaluate import evaluate

DIGITS = ["dataset=parity_mnist", "dataset.source=digits"]
VIT = ["encoder=torchvision", "encoder.model=vit_b_16", "encoder.dim=8", "encoder.depths=[1,1,1,1]"]
VIT += ["encoder.freeze=true", "pictures.curves=false", "scheduler=none", "device=cpu"]


def train(folder: Path, *words: str, epochs: int = 2) -> Path:
    own = words if "dataset=images" in words else (*DIGITS, *words)
    mtl_cli.train([f"hydra.run.dir={folder}", f"trainer.max_epochs={epochs}", *VIT, *own])
    return folder


def rows(folder: Path) -> list[list[str]]:
    with (folder / "metrics.csv").open(newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("precision", ["32", "64"])
def test_pictures_give_the_same_figures_to_the_bit(tmp_path: Path, precision: str) -> None:
    with_it, without = (
        train(tmp_path / word, f"encoder.cache={word}", f"trainer.precision={precision}")
        for word in ("true", "false")
    )
    assert rows(with_it) == rows(without)
    assert (with_it / "plots").exists() == (without / "plots").exists()


def test_a_run_goes_on_to_the_bit_and_new_data_goes_through_the_encoder(tmp_path: Path) -> None:
    train(tmp_path / "half", "encoder.cache=true", epochs=1)
    mtl_cli.train([f"resume={tmp_path / 'half'}", "trainer.max_epochs=2"])
    whole = train(tmp_path / "whole", "encoder.cache=true")
    assert rows(tmp_path / "half") == rows(whole)
    found = evaluate([f"run={whole}"])["figures"]["digit"]["loss"]
    said = [float(row[-1]) for row in rows(whole) if row[2:5] == ["test", "digit", "loss"]]
    assert found == said[0]


def test_texts_give_the_same_figures(tmp_path: Path, texts: list[str]) -> None:
    own = [*texts, "encoder.freeze=all", "trainer.max_epochs=2"]
    for word in ("true", "false"):
        mtl_cli.train([*own, f"encoder.cache={word}", f"hydra.run.dir={tmp_path / word}"])
    for one, other in zip(rows(tmp_path / "true")[1:], rows(tmp_path / "false")[1:], strict=True):
        assert one[:5] == other[:5]
        assert math.isclose(float(one[5]), float(other[5]), rel_tol=1e-5, abs_tol=1e-6)
    separate = ["arch=single_task", "encoder.cache=true", f"hydra.run.dir={tmp_path / 'each'}"]
    mtl_cli.train([*own, *separate])  # whose encoders are copies of the same weights


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["encoder.freeze=false"], "weights are trained"),
        (["arch=mmoe"], "an architecture that reads the input"),
        (["arch=single_task"], "drawn at random"),
    ],
)
def test_what_is_not_the_same_in_every_step_is_refused(tmp_path: Path, words, found) -> None:
    with pytest.raises(Problem, match=found):
        train(tmp_path / "run", "encoder.cache=true", *words)


def test_augmented_pictures_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for i in range(12):
            pixels = torch.randint(256, (16, 16, 3), dtype=torch.uint8).numpy()
            Image.fromarray(pixels).save(tmp_path / "pictures" / name / f"{i}.png")
    own = ["dataset=images", f"dataset.path={tmp_path / 'pictures'}", "encoder.cache=true"]
    own += ["dataset.targets={kind: multiclass}", "dataset.cache=false", "dataset.batch_size=4"]
    with pytest.raises(Problem, match=r"dataset\.augment=null"):
        train(tmp_path / "run", *own, "dataset.augment={flip: 0.5}", epochs=1)
    train(tmp_path / "run", *own, epochs=1)
