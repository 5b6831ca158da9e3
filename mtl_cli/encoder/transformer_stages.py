"""The stages of a transformer: texts and images as vectors, channels first, and layers on them.

The papers are those that `transformer` names.
"""

import math

import torch
from torch import Tensor, nn

from mtl_cli.basis.errors import problem
from mtl_cli.basis.inputs import Dense, Tokens

MOST_PATCHES = 4096  # that an error proposes: attention takes the square of their number


def grid(spec: Dense, patch_size: int) -> tuple[int, int]:
    """How many rows and columns of patches an image has."""
    if len(spec.shape) != 3:
        rule = "reads token ids or images [C, H, W]"
        raise problem("encoder transformer", rule, str(spec), "encoder=mlp")
    height, width = spec.shape[1:]
    if height % patch_size or width % patch_size:
        common = math.gcd(height, width)
        divisor = max(d for d in range(1, min(common, patch_size) + 1) if common % d == 0)
        rule = f"must divide the sides of the image, {height} and {width} pixels"
        fix = f"encoder.patch_size={divisor}"
        if height * width > MOST_PATCHES * divisor**2:
            fix = "encoder=resnet, which reads sides of any length"
        raise problem("encoder.patch_size", rule, patch_size, fix)
    return height // patch_size, width // patch_size


def draw_positions(*shape: int) -> nn.Parameter:
    """Learned positions, at first as large as the first paper's sinusoids (mean square 1/2)."""
    return nn.Parameter(math.sqrt(0.5) * torch.randn(shape))


class EmbedTokens(nn.Module):
    """A vector for each word plus one for its position; zeros for padding."""

    def __init__(self, spec: Tokens, dim: int) -> None:
        super().__init__()
        self.words = nn.Embedding(spec.vocabulary_size, dim, padding_idx=0)
        self.positions = draw_positions(spec.length, dim)

    def forward(self, x: Tensor) -> Tensor:
        vectors = self.words(x) + self.positions[: x.shape[1]]  # [B, L, D]
        return (vectors * (x != 0).unsqueeze(2)).transpose(1, 2)  # [B, D, L]


class EmbedPatches(nn.Module):
    """A linear map of each patch plus a vector for its position."""

    def __init__(self, spec: Dense, dim: int, patch_size: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(spec.shape[0], dim, patch_size, patch_size)
        self.positions = draw_positions(dim, *grid(spec, patch_size))

    def forward(self, x: Tensor) -> Tensor:
        return self.patches(x) + self.positions  # [B, D, H, W]


class Layer(nn.Module):
    """torch's encoder layer, normalising before, on channels first."""

    def __init__(self, dim: int, num_heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(
            dim, num_heads, hidden, dropout, "gelu", batch_first=True, norm_first=True
        )

    def forward(self, x: Tensor) -> Tensor:
        positions = x.flatten(2).transpose(1, 2)  # [B, L, D]
        if x.dim() == 4:  # an image
            out = self.layer(positions)
        else:
            is_word = find_words(x)
            # Without words, attention over nothing would be NaN: padding then attends to padding.
            ignored = ~is_word & is_word.any(1, keepdim=True)
            out = self.layer(positions, src_key_padding_mask=ignored) * is_word.unsqueeze(2)
        return out.transpose(1, 2).unflatten(2, x.shape[2:])


class Norm(nn.Module):
    """Normalises the channels of each patch of an image."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x.movedim(1, -1)).movedim(-1, 1)  # [B, D, H, W]


class Mean(nn.Module):
    """Normalises, then takes the mean over an image's patches or a text's words."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor) -> Tensor:
        out = self.norm(x.flatten(2).transpose(1, 2))  # [B, L, D]
        if x.dim() == 4:  # an image
            return out.mean(1)
        is_word = find_words(x).unsqueeze(2)
        return (out * is_word).sum(1) / is_word.sum(1).clamp(min=1)  # [B, D]


def find_words(x: Tensor) -> Tensor:
    """Which positions of a text [B, D, L] are words, not padding, as [B, L]."""
    return (x != 0).any(1)
