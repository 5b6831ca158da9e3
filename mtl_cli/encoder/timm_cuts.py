"""How networks of timm are cut into stages."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any

import torch
from torch import Tensor, nn

from mtl_cli.encoder.timm_stages import Piece

MAP, VECTORS = 4, 3  # dimensions of a batch of maps, and of the vectors of all positions


@torch.no_grad()
def cut(net: Any, shape: tuple[int, ...], pool: bool) -> list[Piece] | None:
    """The stages of a network without classifier; None: it gives no map.

    Args:
        net: in evaluation mode.
        shape: of an image.
        pool: whether the last one gives a vector.
    """
    x = torch.linspace(-1, 1, shape[0] * shape[1] * shape[2]).reshape(1, *shape)
    whole = net(x)
    for way in (by_sizes, by_blocks):
        if (pieces := way(net, x, whole, pool)) is not None:
            return pieces
    if pool:
        return [Piece([net], False, False)] if whole.dim() == 2 else None
    out = net.forward_features(x)
    last = gives_last(net)
    if not isinstance(out, Tensor) or out.dim() != MAP:
        return None
    return [Piece([Features(net)], False, last)]


def gives_last(net: Any) -> bool:
    """Whether a network's maps have their channels last."""
    return getattr(net, "output_fmt", "NCHW") == "NHWC"


def agrees(x: Any, whole: Tensor) -> bool:
    """Whether stages in a row have given what the network gives."""
    if not isinstance(x, Tensor) or x.shape != whole.shape:
        return False
    return x.is_meta or torch.allclose(x, whole, rtol=1e-3, atol=1e-4)


def by_sizes(net: Any, x: Tensor, whole: Tensor, pool: bool) -> list[Piece] | None:
    """A stage up to each module whose features ``features_only`` gives; the last one ends, where it
    is pooled, in what comes after those: None where that is not the network."""
    ends = [own["module"] for own in getattr(net, "feature_info", ())]
    parts: list[list[nn.Module]] = [[]]
    for name, module in modules_in_a_row(net, ends):
        if not isinstance(module, nn.Identity):
            parts[-1].append(module)
        if len(parts) <= len(ends) and name == ends[len(parts) - 1]:
            parts.append([])
    if len(parts) != len(ends) + 1 or not ends:
        return None
    *stages, rest = parts
    try:
        for modules in stages:
            for module in modules:
                x = module(x)
            if x.dim() != MAP:
                return None
        for module in rest:
            x = module(x)
    except Exception:  # whatever a module says that is called otherwise than by the network
        return None
    if not agrees(x, whole):
        return None
    last = gives_last(net)
    pieces = [Piece(modules, last and i > 0, last) for i, modules in enumerate(stages)]
    if pool:
        pieces[-1] = Piece([*stages[-1], *rest], last and len(stages) > 1, False)
    return pieces


def modules_in_a_row(net: nn.Module, ends: list[str]) -> Iterator[tuple[str, nn.Module]]:
    """The modules of a network in their order, by name; those of a sequence where it holds one that
    is in ``ends``."""
    for name, child in net.named_children():
        holds = isinstance(child, nn.Sequential) and any(e.startswith(f"{name}.") for e in ends)
        if not holds:
            yield name, child
            continue
        for inner, module in modules_in_a_row(child, [e.partition(".")[2] for e in ends]):
            yield f"{name}.{inner}", module


def by_blocks(net: Any, x: Tensor, whole: Tensor, pool: bool) -> list[Piece] | None:
    """A stage for the patches, and one for each block of a vision transformer; the last one ends in
    the network's norm and what it pools, or in the map of the patches. None: it is none."""
    from timm.models.vision_transformer import VisionTransformer

    if not isinstance(net, VisionTransformer):
        return None
    blocks = list(net.blocks)
    before = without(net, {"blocks", "norm", *AFTER})
    after = Pooled(without(net, set(dict(net.named_children())) - AFTER))
    try:
        features = before.forward_features(x)
        for block in blocks:
            features = block(features)
        features = net.norm(features)
        if features.dim() != VECTORS or not agrees(after(features), whole):
            return None
    except Exception:  # see `by_sizes`
        return None
    end: nn.Module = after
    if not pool:
        height, width = net.patch_embed.grid_size
        if features.shape[1] != net.num_prefix_tokens + height * width:
            return None
        end = OfPatches(net.num_prefix_tokens, height, width)
    pieces = [Piece([Features(before)], False, True)]
    pieces += [Piece([block], True, True) for block in blocks]
    pieces[-1] = Piece([blocks[-1], net.norm, end], True, not pool)
    return pieces


AFTER = {"attn_pool", "fc_norm", "head_drop", "head", "head_dist"}  # the last block's norm


def without(net: nn.Module, names: set[str]) -> Any:
    """The same network but for some of its modules; of its own parameters those that pass."""
    part = copy(net)
    kept = {name: nn.Identity() if name in names else m for name, m in net._modules.items()}
    part._modules = kept
    if "patch_embed" in names:  # classes, positions and registers are the patches'
        part._parameters, part._buffers = {}, {}
    return part


class Features(nn.Module):
    """A network up to its classifier's pooling."""

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        return self.net.forward_features(x)


class Pooled(nn.Module):
    """What a network's classifier reads, of the vectors of all positions."""

    def __init__(self, net: Any) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        return self.net.forward_head(x, pre_logits=True)


class OfPatches(nn.Module):
    """The vectors of all patches as a map with its channels last, [B, N, D] to [B, H, W, D]."""

    def __init__(self, prefix: int, height: int, width: int) -> None:
        super().__init__()
        self.prefix, self.size = prefix, (height, width)

    def forward(self, x: Tensor) -> Tensor:
        return x[:, self.prefix :].unflatten(1, self.size)
