"""A picture of whatever kind as grey bytes: of 16 bit, transparent, or turned by its camera."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mtl_cli.basis.errors import Problem, problem

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm")
DEEP = ("I", "I;16", "I;16B", "I;16L", "I;16N")  # Pillow's modes of more than 8 bit
DEEPEST = 65535  # 16 bit


def read_image(file: Path, side: int) -> np.ndarray:
    """The pixels of an image, [side, side] bytes: upright, grey, and in front of black.

    Raises:
        ValueError: where it is no image, or nothing of it can be seen.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(file) as image:
            grey = as_grey(ImageOps.exif_transpose(image), file)
            if grey.size != (side, side):
                grey = grey.resize((side, side), Image.Resampling.BILINEAR)
            return np.asarray(grey)
    except Problem:
        raise
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        rule = "must be an image, or a file of MNIST's format"
        fix = f"a file that is whole; {', '.join(SUFFIXES)} are known"
        raise problem(str(file), rule, str(error), fix) from error


def as_grey(image: Image, file: Path) -> Image:
    """The image in 8 bit: 65535 of 16 bit becomes 255, what is transparent becomes black."""
    from PIL import Image as Images

    if image.mode in DEEP:
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > DEEPEST:
            found = f"values from {values.min()} to {values.max()}"
            fix = "the image in 8 or 16 bit"
            raise problem(str(file), f"must hold values from 0 to {DEEPEST}", found, fix)
        return Images.fromarray(np.rint(values / (DEEPEST / 255)).astype(np.uint8))
    if image.mode == "F":
        fix = "the image in 8 or 16 bit"
        raise problem(str(file), "must hold whole numbers", "numbers with a fraction", fix)
    if not image.has_transparency_data:
        return image.convert("L")
    layer = image.convert("RGBA")
    black = Images.new("RGBA", layer.size, (0, 0, 0, 255))
    grey = Images.alpha_composite(black, layer).convert("L")
    if not np.ptp(np.asarray(grey)) and np.ptp(np.asarray(layer)[..., 3]):
        rule = "must show something light on a dark ground"
        found = "a transparent picture that is black wherever it is drawn"
        fix = "the drawing in white, or the image without transparency"
        raise problem(str(file), rule, found, fix)
    return grey
