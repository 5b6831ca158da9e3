"""ConvNeXt, Swin and vision transformers for images, torchvision's, drawn at random or pretrained.

Liu, Mao, Wu, Feichtenhofer, Darrell & Xie, "A ConvNet for the 2020s", CVPR 2022,
https://arxiv.org/abs/2201.03545; Liu et al., "Swin Transformer: Hierarchical Vision Transformer
using Shifted Windows", ICCV 2021, https://arxiv.org/abs/2103.14030; Dosovitskiy et al., "An Image
is Worth 16x16 Words", ICLR 2021, https://arxiv.org/abs/2010.11929.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from mtl_cli.basis.errors import check_boolean, check_choice, check_integer, check_number, problem
from mtl_cli.basis.inputs import Dense, InputSpec
from mtl_cli.encoder.base import Encoder, Shape
from mtl_cli.encoder.cuts import CUTS
from mtl_cli.encoder.pretrained import fit_colours, load_weights

USUAL_DEPTHS = (2, 2, 6, 2)


class Torchvision(Encoder):
    """The network without its classifier, in stages that an architecture can share.

    ConvNeXt and Swin have four: the patches' linear map with the first group of blocks, and three
    groups that halve the map and double its channels. Vision transformers have one for the patches
    and one for each layer; all but the last give the vectors of all patches, the class token's
    first, [B, D, 1 + N].

    Pretrained filters are for three colours normalised as ImageNet's, and are fitted to other
    channels and to how a dataset normalised its colours, as those of `ResNet`. A vision
    transformer's positions are interpolated for other sizes of the picture.

    Args:
        spec: the input, an image ``(C, H, W)``; square for a vision transformer.
        model: a name of torchvision's: ``convnext_tiny``, ``swin_t``, ``swin_v2_t``, ``vit_b_16``
            and their larger ones.
        weights: the name of torchvision's weights for it; None: drawn at random.
        patch_size: pixels on the side of a patch, from 1; ``auto``: the model's own where it has
            weights; else one that leaves two positions on the shorter side of the last map (4, 2 or
            1), and of a vision transformer its own from 96 pixels on, below them 4.
        dim: channels of the first stage (of all, of a vision transformer), for a network of one's
            own of this family; None: the model's.
        depths: where ``dim`` is given, blocks of each of four stages (a vision transformer has as
            many layers as their sum); None: 2, 2, 6 and 2.
        drop_path: how probable it is that the last block is left out for an example, in training;
            less before, and 0 for the first one. From 0 to 1; vision transformers have none.
        freeze: whether its weights stay as they are; no block is left out then.
        cache: whether its features are computed once and kept, which needs ``freeze``.
        pool: whether the last stage gives one vector, ``(F,)``: the mean over all positions, or the
            class token; else it gives the map, which vision transformers do not.
        offline: never asks the network for weights.

    Raises:
        ValueError: where the input is no image, or too small for the network, and where the weights
            cannot be had or are of another one.
    """

    reads = (Dense,)
    wide_by = ("dim",)
    first_weights = ("weights",)
    maps_by = "encoder.pool=false"

    def __init__(
        self,
        spec: InputSpec,
        model: str,
        weights: str | None,
        patch_size: int | str,
        dim: int | None,
        depths: Sequence[int] | None,
        drop_path: float,
        freeze: bool,
        cache: bool,
        pool: bool,
        offline: bool,
    ) -> None:
        from torchvision.models import get_model, get_model_weights, list_models

        self.check_reads(spec)
        assert isinstance(spec, Dense)
        names = list_models(include=[f"{family}_*" for family in CUTS])
        check_choice("encoder.model", model, names, "encoder.model=convnext_tiny")
        cut = CUTS[model.partition("_")[0]]
        check_boolean("encoder.freeze", freeze)
        check_boolean("encoder.cache", cache)
        check_boolean("encoder.pool", pool)
        check_boolean("offline", offline)
        check_number("encoder.drop_path", drop_path, "encoder.drop_path=0.1", 0, 1)
        if len(spec.shape) != 3:
            raise problem(f"encoder {model}", "reads images [C, H, W]", str(spec), "encoder=mlp")
        channels, height, width = spec.shape
        if not (pool or cut.gives_maps):
            rule, fix = "has no map at its end", "encoder.model=convnext_tiny, or encoder.pool=true"
            raise problem(f"encoder {model} with encoder.pool=false", rule, "none", fix)
        usual = cut.patch_size(model)
        if patch_size == "auto":
            side = min(height, width)
            patch_size = usual if weights is not None else cut.fitting_patch(usual, side)
        check_integer("encoder.patch_size", patch_size, 1, "encoder.patch_size=auto")
        if not cut.gives_maps and (height != width or height % int(patch_size)):
            rule = f"reads square images whose sides are multiples of {patch_size} pixels"
            fix = "encoder.model=convnext_tiny, or another encoder.patch_size"
            raise problem(f"encoder {model}", rule, str(spec), fix)
        known = get_model_weights(model).__members__
        if weights is not None:
            check_choice("encoder.weights", weights, list(known), "encoder.weights=DEFAULT")
            if dim is not None or patch_size != usual:
                rule = f"must be null with weights, which are for patches of {usual} pixels"
                thing = "encoder.dim" if dim is not None else "encoder.patch_size"
                found = patch_size if dim is None else dim
                raise problem(thing, rule, found, "encoder.weights=null")
        if dim is None:
            net: Any = get_model(model, weights=None, **cut.options(height))
        else:
            check_integer("encoder.dim", dim, 1, "encoder.dim=96")
            blocks = check_depths(USUAL_DEPTHS if depths is None else depths)
            net = cut.of_size(model, dim, blocks, int(patch_size), height)
        drop_blocks(net, 0.0 if freeze else drop_path)
        holder, name = cut.entry(net)
        first = getattr(holder, name)
        if weights is not None:
            net.load_state_dict(cut.fitted(load_weights(known[weights], offline), usual, height))
            if spec.pixels is not None:
                fit_colours(first, first, spec.pixels, known[weights])
        setattr(holder, name, filters(first, channels, int(patch_size), weights is not None))
        stages = cut.stages(net, pool)
        super().__init__(stages, shapes_of(stages, spec, model))
        self.requires_grad_(not freeze)


def drop_blocks(net: nn.Module, drop_path: float) -> None:
    """How probable it is that a block is left out: ``drop_path`` of the last, 0 of the first."""
    from torchvision.ops import StochasticDepth

    drops = [module for module in net.modules() if isinstance(module, StochasticDepth)]
    for number, module in enumerate(drops):
        module.p = drop_path * number / max(1, len(drops) - 1)


def check_depths(depths: Sequence[int]) -> list[int]:
    """The blocks of four stages."""
    fix = "'encoder.depths=[2,2,6,2]'"
    if not isinstance(depths, list | tuple) or len(depths) != 4:
        raise problem("encoder.depths", "must be four numbers of blocks", depths, fix)
    for number in depths:
        check_integer("each number of encoder.depths", number, 1, fix)
    return list(depths)


def filters(first: nn.Conv2d, channels: int, patch_size: int, pretrained: bool) -> nn.Conv2d:
    """The patches' linear map for another number of channels, or other patches."""
    size = (patch_size, patch_size)
    if (first.in_channels, first.kernel_size) == (channels, size):
        return first
    fitted = nn.Conv2d(channels, first.out_channels, size, size)
    nn.init.trunc_normal_(fitted.weight, std=0.02)
    assert fitted.bias is not None
    nn.init.zeros_(fitted.bias)
    if pretrained:  # each filter reads the sum of the three colours by the number of channels
        assert first.bias is not None
        fitted.weight.data.copy_(first.weight.detach().sum(1, keepdim=True) / channels)
        fitted.bias.data.copy_(first.bias.detach())
    return fitted


@torch.no_grad()
def shapes_of(stages: Sequence[nn.Module], spec: Dense, model: str) -> list[Shape]:
    """What each stage gives of an example, found by trying.

    Raises:
        ValueError: where the image is too small.
    """
    x, shapes = torch.zeros(1, *spec.shape), []
    for stage in stages:
        try:
            x = stage.eval()(x)
        except RuntimeError as error:
            rule, fix = (
                "halves the image until nothing is left",
                "encoder.patch_size=1, or encoder=cnn",
            )
            raise problem(f"encoder {model}", rule, str(spec), fix) from error
        stage.train()
        shapes.append(tuple(x.shape[1:]))
    return shapes
