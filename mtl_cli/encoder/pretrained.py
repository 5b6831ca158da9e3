"""Pretrained weights of torchvision: how they are had, and fitted to a dataset's colours."""

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mtl_cli.basis.errors import problem

if TYPE_CHECKING:
    from torchvision.models import WeightsEnum


def fit_colours(
    filters: nn.Conv2d,
    after: nn.BatchNorm2d | nn.Conv2d,
    pixels: tuple[float, float],
    weights: "WeightsEnum",
) -> None:
    """Fits the first filters to colours that are normalised by ``pixels``: where the weights read
    ``(v - m) / s`` of values from 0 to 1, a dataset gives ``z``, and ``v = deviation z + mean``.

    Args:
        filters: the first ones.
        after: what takes in the part that is the same for all pictures: the batch norm that
            follows, or the filters themselves, which have a bias.
        pixels: mean and deviation.
        weights: say what they read.
    """
    known = weights.transforms()
    m, s = (torch.tensor(own)[:, None, None] for own in (known.mean, known.std))
    mean, deviation = pixels
    with torch.no_grad():
        same = (filters.weight * ((mean - m) / s)).sum((1, 2, 3))
        if isinstance(after, nn.BatchNorm2d):
            assert after.running_mean is not None
            after.running_mean -= same
        else:
            assert after.bias is not None
            after.bias += same
        filters.weight *= deviation / s


def load_weights(weights: "WeightsEnum", offline: bool) -> dict[str, Tensor]:
    """The state dict of torchvision's weights, from torch's cache or else the network.

    Raises:
        ValueError: where neither has them whole.
    """
    file = Path(torch.hub.get_dir(), "checkpoints", weights.url.rpartition("/")[2])
    rule = "must be weights that are at hand or can be downloaded"
    fix = f"put {weights.url} into {file.parent}, or encoder.weights=null"
    if offline and not file.exists():
        raise problem("encoder.weights", rule, f"no {file}, and offline=true", fix)
    try:
        return weights.get_state_dict(check_hash=True, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError) as error:
        raise problem("encoder.weights", rule, f"{type(error).__name__}: {error}", fix) from error
