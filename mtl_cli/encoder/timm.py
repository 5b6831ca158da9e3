"""Networks for images of the library timm, drawn at random or pretrained, cut into stages.

Wightman, "PyTorch Image Models", 2019, https://github.com/huggingface/pytorch-image-models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mtl_cli.basis.errors import check_boolean, check_integer, problem
from mtl_cli.basis.inputs import Dense, InputSpec
from mtl_cli.encoder.base import Encoder, Shape
from mtl_cli.encoder.timm_cuts import cut
from mtl_cli.encoder.timm_models import check_name, check_options, draw, load, read_folder
from mtl_cli.encoder.timm_stages import Colours, Stage

ALL, RGB = "all", "RGB"
AS_IS = (0.0, 1.0)  # mean and deviation of colours that are taken as they are


class Timm(Encoder):
    """The network without its classifier, in stages that an architecture can share.

    Networks with features at several sizes are cut where timm's ``features_only`` takes those; a
    vision transformer has a stage for the patches and one for each block, which hand on the vectors
    of all positions, what is no patch first, [B, D, N]. What cannot be cut is one stage: where
    blocks read more than what the one before them gives, say. That a network's stages are the
    network is tried when it is made.

    Colours that a dataset normalised by its own statistics are turned to those that the weights
    were trained with, before the first stage.

    Args:
        spec: the input, an image ``(C, H, W)``. Weights for three colours are fitted to other
            channels as timm does it: one channel is read as three equal colours.
        model: a name of timm's, with or without the tag of its weights.
        weights: ``hub``, or a file, or a folder with one and its ``config.json``; None: drawn at
            random.
        options: what timm's function for the model takes besides; None: nothing.
        pool: whether the last stage gives the vector that the classifier reads, ``(F,)``; else it
            gives the last map, ``(C, H, W)``.
        freeze: ``all``; or of how many stages, from the first one, the weights stay as they are,
            and the statistics of their batch norms; 0 or None: of none.
        cache: whether its features are computed once and kept, which needs ``freeze=all``.
        checkpointing: whether the backward pass computes stages anew, instead of keeping what is in
            them.
        offline: never asks the network for weights.

    Raises:
        ValueError: where the input is no image, or none that the network reads, and where the
            weights cannot be had or are of another network.
    """

    reads = (Dense,)
    first_weights = ("weights",)
    maps_by = "encoder.pool=false"
    needs = "timm"

    def __init__(
        self,
        spec: InputSpec,
        model: str,
        weights: str | None,
        options: Mapping[str, Any] | None,
        pool: bool,
        freeze: int | str | None,
        cache: bool,
        checkpointing: bool,
        offline: bool,
    ) -> None:
        self.check_reads(spec)
        assert isinstance(spec, Dense)
        check_name(model)
        check_boolean("encoder.pool", pool)
        check_boolean("encoder.cache", cache)
        check_boolean("encoder.checkpointing", checkpointing)
        check_boolean("offline", offline)
        if len(spec.shape) != 3:
            raise problem(f"encoder {model}", "reads images [C, H, W]", str(spec), "encoder=mlp")
        given = {"model": model, "weights": weights, "options": options}
        own = {**check_options(options), **self.kept(given).get("options", {})}
        on_meta = torch.empty(0).is_meta  # without memory, to see whether it fits
        colours = None
        if weights is None or on_meta:
            net = draw(model, spec.shape, own)
        else:
            net, colours = load(model, spec.shape, own, weights, offline)
        check_reads_image(net, spec, model)
        found = cut(net, spec.shape, pool)
        if found is None:
            rule, fix = "has no map at its end", "encoder.model=convnext_atto, or encoder.pool=true"
            raise problem(f"encoder {model} with encoder.pool=false", rule, "none", fix)
        count = check_freeze(freeze, len(found))
        stages = [
            Stage(piece, len(found) - 1 - i, checkpointing, i < count)
            for i, piece in enumerate(found)
        ]
        if spec.shape[0] == len(RGB):  # also without weights: a checkpoint has those of its own
            pixels, known = AS_IS, [AS_IS] * len(RGB)
            if colours is not None and spec.pixels is not None:
                pixels, known = spec.pixels, colours
            stages[0].colours = Colours(pixels, known)
        super().__init__(stages, shapes_of(stages, spec))

    @classmethod
    def kept(cls, options: Mapping[str, Any]) -> dict[str, Any]:
        """What a folder of weights says of the network's size."""
        own = read_folder(options["model"], options["weights"])
        given = check_options(options["options"])
        said = {**own.get("model_args", {}), **given}
        return {"options": said} if said != given else {}


def check_freeze(freeze: Any, num_stages: int) -> int:
    """How many stages are not trained."""
    if freeze == ALL:
        return num_stages
    fix = f"encoder.freeze=all, or at most {num_stages}"
    check_integer("encoder.freeze", count := freeze or 0, 0, fix)
    if count > num_stages:
        rule = f"must be {ALL}, or at most the stages of the network: {num_stages}"
        raise problem("encoder.freeze", rule, freeze, fix)
    return int(count)


@torch.no_grad()
def check_reads_image(net: Any, spec: Dense, model: str) -> None:
    """Refuses images of a size or a number of channels that the network does not read."""
    try:
        net.eval()(torch.zeros(1, *spec.shape))
    except (RuntimeError, AssertionError, ValueError, IndexError) as error:
        rule = "must be a network for images of this size"
        said = next(iter(str(error).splitlines()), type(error).__name__)
        size = getattr(net, "pretrained_cfg", {}).get("input_size", (3, 224, 224))[-1]
        fix = f"dataset.size=[{size},{size}] where the dataset has that, or another model"
        raise problem(f"encoder.model={model}", rule, f"{spec}: {said}", fix) from error


@torch.no_grad()
def shapes_of(stages: Sequence[nn.Module], spec: Dense) -> list[Shape]:
    """What each stage gives of an example, found by trying."""
    x: Tensor = torch.zeros(1, *spec.shape)
    shapes = []
    for stage in stages:
        x = stage.eval()(x)
        stage.train()
        shapes.append(tuple(x.shape[1:]))
    return shapes
