"""Pictures and maps as files: PNG, JPEG and ``.npy``, each read whole, or refused by its name."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mtl_cli.basis.errors import Problem, problem
from mtl_cli.dataset.files.npy import image_bytes, read_array

SUFFIXES = (".png", ".jpg", ".jpeg", ".npy")
PHOTOS = (*SUFFIXES, ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")  # of no map
JPEG = (".jpg", ".jpeg")
# How pictures are brought to a size, as Pillow's own words do the same; see `smooth`.
IN_PILLOW = {
    "resize": "image.resize((width, height), Image.Resampling.BILINEAR)",
    "crop": "ImageOps.fit(image, (width, height), Image.Resampling.BILINEAR)",
}
DEEP = 257  # 16 bit of what 8 bit have


def read_picture(file: Path) -> np.ndarray:
    """A picture as bytes [H, W, 3], upright and without what is transparent in it."""
    return coloured(read_bytes(file))


def read_bytes(file: Path, limit: int | None = None) -> np.ndarray:
    """The same in the channels that it is stored in, [H, W, C].

    Args:
        file: of the picture.
        limit: the most pixels that it may have; None: Pillow's.
    """
    if file.suffix.lower() == ".npy":
        return image_bytes(read_array(file, 3), file).transpose(1, 2, 0)
    array = pixels(file, upright=True, limit=limit)
    if array.dtype != np.uint8:
        array = (array // DEEP).astype(np.uint8) if array.dtype.kind in "ui" else array
    if array.dtype != np.uint8:
        fix = "the picture in 8 or 16 bit"
        raise problem(str(file), "must be a picture of bytes", f"numbers of {array.dtype}", fix)
    return array[..., None] if array.ndim == 2 else array


def coloured(picture: np.ndarray) -> np.ndarray:
    """A picture [H, W, C] in three colours; a grey one has three that are equal."""
    return np.repeat(picture[..., :1], 3, 2) if picture.shape[2] < 3 else picture[..., :3]


def grey(picture: np.ndarray) -> np.ndarray:
    """A picture [H, W, C] in one channel: as bright as its colours are (ITU-R BT.601)."""
    from PIL import Image

    if picture.shape[2] < 3:
        return picture[..., :1]
    colours = np.ascontiguousarray(picture[..., :3])
    return np.asarray(Image.fromarray(colours).convert("L"))[..., None]


def smooth(picture: np.ndarray, size: tuple[int, int], fit: str = "resize") -> np.ndarray:
    """A picture [H, W, C] of another size, bilinearly; what is made smaller is averaged.

    Args:
        picture: of bytes, C is 1 or 3.
        size: height and width.
        fit: ``resize``: whatever its proportions are; ``crop``: the largest part of these
            proportions in its middle.
    """
    height, width = picture.shape[:2]
    if (height, width) == size:
        return picture
    from PIL import Image

    image = Image.fromarray(
        np.ascontiguousarray(picture[..., 0] if picture.shape[2] == 1 else picture)
    )
    box = None
    if fit == "crop":
        scale = min(height / size[0], width / size[1])
        left, top = (width - size[1] * scale) / 2, (height - size[0] * scale) / 2
        box = (max(left, 0.0), max(top, 0.0), width - max(left, 0.0), height - max(top, 0.0))
    array = np.asarray(image.resize((size[1], size[0]), Image.Resampling.BILINEAR, box))
    return array[..., None] if array.ndim == 2 else array


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


def pixels(file: Path, upright: bool, limit: int | None = None) -> np.ndarray:
    """What an image stores, [H, W] or [H, W, C]; of a palette, the numbers of its colours.

    Args:
        file: of the image.
        upright: whether it is a photograph, which is turned as its camera says and has colours in
            place of their numbers.
        limit: the most pixels that it may have; None: Pillow's.

    Raises:
        ValueError: where it is no image, or not whole.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(file) as image:
            check_limit(file, image.size, limit)
            if not upright:
                return np.asarray(image)
            ImageOps.exif_transpose(image, in_place=True)
            if image.mode == "P" and "transparency" in image.info:  # else Pillow warns of its loss
                return np.asarray(image.convert("RGBA").convert("RGB"))
            plain = image.mode in ("P", "CMYK", "YCbCr", "LAB", "HSV", "1")
            return np.asarray(image.convert("RGB") if plain else image)
    except Problem:
        raise
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        rule = "must be an image that is whole"
        known = SUFFIXES if limit is None else PHOTOS
        fix = f"the file again; {', '.join(known)} are read"
        raise problem(str(file), rule, str(error).splitlines()[0], fix) from error


def check_limit(file: Path, size: tuple[int, int], limit: int | None) -> None:
    """Refuses a picture of more pixels than it may have, before they are there."""
    if limit is not None and size[0] * size[1] > limit:
        rule = f"must have at most {limit:,} pixels"
        found = f"{size[1]} x {size[0]}, {size[0] * size[1]:,} pixels"
        raise problem(str(file), rule, found, f"dataset.max_pixels={size[0] * size[1]}")
