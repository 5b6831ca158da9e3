"""Pixels as a model reads them: bytes as floats of about mean 0 and deviation 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from mtl_cli.basis.errors import check_number, problem
from mtl_cli.basis.inputs import Dense

# What is subtracted from a picture of values from 0 to 1, and by what the rest is divided.
MEAN, DEVIATION = 0.6, 0.2
Pixels = tuple[float, float]
PIXELS: Pixels = (MEAN, DEVIATION)


def picture_spec(shape: Sequence[int]) -> Dense:
    """Of pictures [3, H, W] that are `normalised`."""
    return Dense(tuple(shape), (MEAN, DEVIATION))


def normalised(image: Tensor, pixels: Pixels = PIXELS) -> Tensor:
    """Bytes as floats of about mean 0 and deviation 1."""
    mean, deviation = pixels
    return image.float().mul_(1 / (255 * deviation)).sub_(mean / deviation)


def as_seen(image: Tensor, pixels: Pixels = PIXELS) -> Tensor:
    """Such floats as values from 0 to 1 again."""
    mean, deviation = pixels
    return (image * deviation + mean).clamp(0, 1)


def pixels_of(said: Any) -> Pixels:
    """Mean and deviation.

    Raises:
        ValueError: where they are none.
    """
    fix = "'dataset.normalise=[0.6,0.2]'"
    if not isinstance(said, list | tuple) or len(said) != 2:
        rule = "must be the mean and the deviation of a pixel, of values from 0 to 1"
        raise problem("dataset.normalise", rule, said, fix)
    check_number("the mean of dataset.normalise", said[0], fix, 0, 1)
    check_number("the deviation of dataset.normalise", said[1], fix, 1e-3, 10)
    return float(said[0]), float(said[1])
