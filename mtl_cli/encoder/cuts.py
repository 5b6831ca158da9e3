"""How torchvision's networks of patches are made in another size, and cut into stages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import Tensor, nn

from mtl_cli.encoder.torchvision_stages import (
    ChannelsFirst,
    ChannelsLast,
    FirstPosition,
    OnPositions,
    Patches,
    in_pairs,
)

LARGE, SMALL = 96, 4  # sides from which on a vision transformer's patches are its own, or these
SIZES = (1, 2, 4, 8)  # of the channels of four stages, in those of the first


class Cut(ABC):
    """A family of networks.

    Attributes:
        gives_maps: whether the last stage may give a map.
    """

    gives_maps: ClassVar[bool] = True

    def patch_size(self, model: str) -> int:
        """Pixels on the side of a patch of the network as it is published."""
        return 4

    def fitting_patch(self, usual: int, side: int) -> int:
        """The same for images whose shorter side has so many pixels."""
        return next((size for size in (4, 2) if size <= min(usual, side // 16)), 1)

    def options(self, image_size: int) -> dict[str, Any]:
        """What torchvision's function for a network takes."""
        return {}

    def fitted(self, state: dict[str, Tensor], patch_size: int, image_size: int) -> Any:
        """Pretrained weights for another size of the picture."""
        return state

    @abstractmethod
    def of_size(
        self, model: str, dim: int, depths: Sequence[int], patch_size: int, image_size: int
    ) -> nn.Module:
        """A network of one's own, of the family of a model."""

    @abstractmethod
    def entry(self, net: nn.Module) -> tuple[nn.Module, str]:
        """The module that holds the first convolution, and its name there."""

    @abstractmethod
    def stages(self, net: Any, pool: bool) -> list[nn.Module]:
        """The network in stages, without its classifier."""


class CutConvNeXt(Cut):
    """Four stages; the layer norm before the classifier ends the last one where it is pooled."""

    def of_size(
        self, model: str, dim: int, depths: Sequence[int], patch_size: int, image_size: int
    ) -> nn.Module:
        from torchvision.models.convnext import CNBlockConfig, ConvNeXt

        widths = [dim * size for size in SIZES]
        following = [*widths[1:], None]
        blocks = [CNBlockConfig(*own) for own in zip(widths, following, depths, strict=True)]
        return ConvNeXt(blocks)

    def entry(self, net: Any) -> tuple[nn.Module, str]:
        return net.features[0], "0"

    def stages(self, net: Any, pool: bool) -> list[nn.Module]:
        end = [net.avgpool, net.classifier[0], nn.Flatten(1)] if pool else []
        return in_pairs(net.features, [nn.Identity(), nn.Identity()], end)


class CutSwin(Cut):
    """Four stages, which hand on maps with their channels first."""

    def of_size(
        self, model: str, dim: int, depths: Sequence[int], patch_size: int, image_size: int
    ) -> nn.Module:
        from torchvision.models import swin_transformer as swin

        second = "_v2_" in model
        return swin.SwinTransformer(
            [patch_size, patch_size],
            dim,
            list(depths),
            num_heads=[max(1, dim // 32) * size for size in SIZES],
            window_size=[8, 8] if second else [7, 7],
            block=swin.SwinTransformerBlockV2 if second else swin.SwinTransformerBlock,
            downsample_layer=swin.PatchMergingV2 if second else swin.PatchMerging,
        )

    def entry(self, net: Any) -> tuple[nn.Module, str]:
        return net.features[0], "0"

    def stages(self, net: Any, pool: bool) -> list[nn.Module]:
        end = [net.norm, ChannelsFirst(), *([net.avgpool, nn.Flatten(1)] if pool else [])]
        return in_pairs(net.features, [ChannelsLast(), ChannelsFirst()], end)


class CutViT(Cut):
    """A stage for the patches and one for each layer; the class token is the first of a picture's
    vectors [B, D, 1 + N], and the last stage gives it alone."""

    gives_maps = False

    def patch_size(self, model: str) -> int:
        return int(model.rpartition("_")[2])

    def fitting_patch(self, usual: int, side: int) -> int:
        return usual if side >= LARGE else SMALL

    def options(self, image_size: int) -> dict[str, Any]:
        return {"image_size": image_size}

    def fitted(self, state: dict[str, Tensor], patch_size: int, image_size: int) -> Any:
        from torchvision.models.vision_transformer import interpolate_embeddings

        return interpolate_embeddings(image_size, patch_size, state)

    def of_size(
        self, model: str, dim: int, depths: Sequence[int], patch_size: int, image_size: int
    ) -> nn.Module:
        from torchvision.models import VisionTransformer

        return VisionTransformer(
            image_size, patch_size, sum(depths), max(1, dim // 64), dim, 4 * dim
        )

    def entry(self, net: Any) -> tuple[nn.Module, str]:
        return net, "conv_proj"

    def stages(self, net: Any, pool: bool) -> list[nn.Module]:
        layers = [OnPositions(layer) for layer in net.encoder.layers]
        last = nn.Sequential(layers[-1], FirstPosition(net.encoder.ln))
        return [Patches(net), *layers[:-1], last]


CUTS: Mapping[str, Cut] = {"convnext": CutConvNeXt(), "swin": CutSwin(), "vit": CutViT()}
