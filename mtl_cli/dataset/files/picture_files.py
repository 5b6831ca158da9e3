"""Pictures and maps as files: PNG, JPEG and ``.npy``, each read whole, or refused by its name."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mtl_cli.basis.errors import Problem, problem
from mtl_cli.dataset.files.npy import image_bytes, read_array

SUFFIXES = (".png", ".jpg", ".jpeg", ".npy")
JPEG = (".jpg", ".jpeg")
DEEP = 257  # 16 bit of what 8 bit have


def read_picture(file: Path) -> np.ndarray:
    """A picture as bytes [H, W, 3], upright and without what is transparent in it."""
    if file.suffix.lower() == ".npy":
        return image_bytes(read_array(file, 3), file).transpose(1, 2, 0)
    array = pixels(file, upright=True)
    if array.dtype != np.uint8:
        array = (array // DEEP).astype(np.uint8) if array.dtype.kind in "ui" else array
    if array.dtype != np.uint8:
        fix = "the picture in 8 or 16 bit"
        raise problem(str(file), "must be a picture of bytes", f"numbers of {array.dtype}", fix)
    array = array[..., None] if array.ndim == 2 else array
    return np.repeat(array[..., :1], 3, 2) if array.shape[2] < 3 else array[..., :3]


def smooth(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A picture [H, W, 3] of another size, bilinearly; what is made smaller is averaged."""
    if picture.shape[:2] == size:
        return picture
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(picture))
    return np.asarray(image.resize((size[1], size[0]), Image.Resampling.BILINEAR))


def read_map(file: Path, channels: int) -> np.ndarray:
    """The numbers of a map, [H, W, channels]: of an image, those that it stores."""
    if file.suffix.lower() == ".npy":
        return read_array(file, channels)
    array = pixels(file, upright=False)
    array = array[..., None] if array.ndim == 2 else array
    if channels == 1 and array.shape[2] > 1:
        if (array[..., :1] != array[..., : 3 if array.shape[2] > 2 else 1]).any():
            rule, fix = "must have one number a pixel", "an image of one channel, or a palette"
            raise problem(str(file), rule, f"{array.shape[2]} channels that differ", fix)
        array = array[..., :1]
    if array.shape[2] < channels:
        rule = f"must have {channels} numbers a pixel"
        raise problem(str(file), rule, f"{array.shape[2]}", "an image of three channels, or .npy")
    return array[..., :channels]


def pixels(file: Path, upright: bool) -> np.ndarray:
    """What an image stores, [H, W] or [H, W, C]; of a palette, the numbers of its colours.

    Args:
        file: of the image.
        upright: whether it is a photograph, which is turned as its camera says and has colours in
            place of their numbers.

    Raises:
        ValueError: where it is no image, or not whole.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(file) as image:
            if not upright:
                return np.asarray(image)
            turned = ImageOps.exif_transpose(image)
            plain = turned.mode in ("P", "CMYK", "YCbCr", "LAB", "HSV", "1")
            return np.asarray(turned.convert("RGB") if plain else turned)
    except Problem:
        raise
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        rule = "must be an image that is whole"
        fix = f"the file again; {', '.join(SUFFIXES)} are read"
        raise problem(str(file), rule, str(error).splitlines()[0], fix) from error
