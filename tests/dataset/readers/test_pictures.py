"""New pictures are told of where a model may misread them."""

import numpy as np
import pytest
from PIL import Image

from mtl_cli.dataset.readers.pictures import PictureReader


@pytest.mark.parametrize("grey", [0, 1, 3])
def test_grey_pictures_are_told(tmp_path, caplog, grey):
    colours = np.random.default_rng(0).integers(0, 256, (8, 9, 3), np.uint8)
    for i in range(3):
        picture = Image.fromarray(colours)
        (picture.convert("L") if i < grey else picture).save(tmp_path / f"{i}.png")
    assert len(list(PictureReader((8, 9)).read(tmp_path, "image", 2))) == 2
    assert (f"{grey} of 3 pictures are grey" in caplog.text) == (grey > 0)
