"""A table with texts and pictures beside its row, as programs are given it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import mtl_cli
from mtl_cli.export import export

COLUMNS = {
    "row, text and picture": "{review: {type: text, read_as: tokens}, photo: PICTURE}",
    "row and words": "{review: {type: text}, photo: {type: drop}}",
    "picture alone": "{review: {type: drop}, photo: PICTURE, price: {type: drop}}",
}

PICTURE = "{type: image, cache: false}"


@pytest.mark.parametrize("form", ["torch", "onnx"])
@pytest.mark.parametrize("columns", COLUMNS.values(), ids=COLUMNS)
def test_its_parts_are_given_apart(columns: str, form: str, tmp_path: Path) -> None:
    draw, n = np.random.default_rng(0), 40
    offers = pd.DataFrame({"price": draw.normal(9, 3, n), "stars": draw.normal(3, 1, n)})
    words = ["lovely", "warm", "broken", "late"]
    offers["review"] = [" ".join(draw.choice(words, k)) for k in draw.integers(0, 5, n)]
    offers["photo"] = [f"{i}.png" if i % 5 else "" for i in range(n)]
    for name in filter(None, offers.photo):
        pixels = draw.integers(0, 256, (8, 6, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
    offers.to_csv(tmp_path / "offers.csv", index=False)
    options = ["dataset.reference=0", "trainer=smoke", "encoder.hidden=[8]"]
    run = tmp_path / "run"
    mtl_cli.train(
        [
            f"hydra.run.dir={run}",
            "dataset=table",
            f"dataset.path={tmp_path / 'offers.csv'}",
            "dataset.targets={stars: regression}",
            f"dataset.columns={columns.replace('PICTURE', PICTURE)}",
            *options,
        ]
    )
    [shipped] = export([f"run={run}", f"format={form}", f"out={tmp_path / 'out'}"])
    assert shipped.of == "offers.csv"
    assert shipped.rows == n
    assert shipped.difference < 1e-5
