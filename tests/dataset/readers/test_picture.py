"""Pictures of 16 bit, transparent or turned ones have the pixels of the plain picture."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.readers.picture import read_image

GREY = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
PLAIN = Image.fromarray(GREY)


def pixels(path: Path, image: Image.Image, **options: object) -> np.ndarray:
    image.save(path, **options)
    return read_image(path, 28)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".pgm"])
def test_sixteen_bits_are_scaled_and_not_clipped(suffix, tmp_path):
    deep = Image.fromarray(GREY.astype(np.uint16) * 257)
    np.testing.assert_array_equal(pixels(tmp_path / f"a{suffix}", deep), GREY)
    wide = Image.fromarray(GREY.astype(np.int32) * 257)
    if suffix == ".tif":
        np.testing.assert_array_equal(pixels(tmp_path / f"b{suffix}", wide), GREY)


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_picture_stands_as_its_camera_says(turn, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = turn
    stored = {  # the inverse of what each value asks for, by the standard
        1: GREY,
        2: GREY[:, ::-1],
        3: GREY[::-1, ::-1],
        4: GREY[::-1],
        5: GREY.T,
        6: np.rot90(GREY),
        7: GREY[::-1, ::-1].T,
        8: np.rot90(GREY, -1),
    }[turn]
    image = Image.fromarray(np.ascontiguousarray(stored))
    np.testing.assert_array_equal(pixels(tmp_path / "a.png", image, exif=exif), GREY)


def test_what_is_transparent_is_black_in_whatever_mode(tmp_path):
    opacity = np.random.default_rng(1).integers(0, 256, (28, 28)).astype(np.uint8)
    over = GREY.astype(int) * opacity / 255
    layers = {
        "la.png": Image.merge("LA", [PLAIN, Image.fromarray(opacity)]),
        "rgba.png": Image.merge("RGBA", [PLAIN] * 3 + [Image.fromarray(opacity)]),
    }
    for name, image in layers.items():
        assert np.abs(pixels(tmp_path / name, image).astype(int) - over).max() <= 1, name
    white = Image.merge("RGBA", [Image.new("L", (28, 28), 255)] * 3 + [PLAIN])
    assert np.abs(pixels(tmp_path / "white.png", white).astype(int) - GREY).max() <= 1
    opaque = Image.merge("RGBA", [PLAIN] * 3 + [Image.new("L", (28, 28), 255)])
    np.testing.assert_array_equal(pixels(tmp_path / "opaque.png", opaque), GREY)


def test_transparent_colours_of_a_palette_and_of_plain_pictures_are_black(tmp_path):
    own = np.where(GREY < 128, 0, GREY)
    palette = Image.fromarray(own).convert("P")
    palette.putpalette([v for i in range(256) for v in ([255] * 3 if i == 0 else [i] * 3)])
    np.testing.assert_array_equal(pixels(tmp_path / "p.png", palette, transparency=0), own)
    lighted = Image.fromarray(np.where(own == 0, 255, np.minimum(own, 254)).astype(np.uint8))
    read = pixels(tmp_path / "l.png", lighted, transparency=255)
    np.testing.assert_array_equal(read, np.minimum(own, 254))


def test_what_cannot_be_seen_or_has_no_scale_is_refused(tmp_path):
    dark = Image.merge("LA", [Image.new("L", (28, 28), 0), PLAIN])
    with pytest.raises(Problem, match="black wherever it is drawn"):
        pixels(tmp_path / "dark.png", dark)
    with pytest.raises(Problem, match="must hold whole numbers"):
        pixels(tmp_path / "f.tif", Image.fromarray(GREY.astype(np.float32)))
    with pytest.raises(Problem, match="from 0 to 65535"):
        pixels(tmp_path / "i.tif", Image.fromarray(GREY.astype(np.int32) * 1000))
