"""Linear maps of what is no plain tensor of numbers: bags of words, token ids, rows of a table,
and inputs that are made of such."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from mtl_cli.basis.bag import Bag
from mtl_cli.basis.batch import Fields, Joint
from mtl_cli.basis.naming import module_key


class CountTokens(nn.Module):
    """Texts [B, L] as bags of words: each token counts 1, padding 0."""

    def forward(self, x: Tensor) -> Bag:
        return Bag.of_rows(x, (x != 0).to(torch.get_default_dtype()))


class BagLinear(nn.Module):
    """``nn.Linear`` on the counts of a bag of words: the weighted sum of its words' rows."""

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        bound = 1 / math.sqrt(in_features)
        self.weight = nn.Parameter(torch.empty(in_features, out_features).uniform_(-bound, bound))
        self.bias = (
            nn.Parameter(torch.empty(out_features).uniform_(-bound, bound)) if bias else None
        )

    def forward(self, x: Bag) -> Tensor:
        return bag_linear(x, self.weight, self.bias)


def bag_linear(x: Bag, weight: Tensor, bias: Tensor | None) -> Tensor:
    """``counts @ weight + bias`` for ``weight`` of shape [V, O], as [B, O]."""
    out = nn.functional.embedding_bag(
        x.indices,
        weight,
        x.offsets,
        mode="sum",
        per_sample_weights=x.weights,
        include_last_offset=True,
    )
    return out if bias is None else out + bias


class RowLinear(nn.Module):
    """``nn.Linear`` on the numbers of a row, plus a vector of its own for each category's code,
    and the weighted sum of such vectors for a list of categories.

    The vectors of all columns lie end to end in one table, which is read in one go.
    """

    def __init__(
        self,
        num_numbers: int,
        sizes: Sequence[int],
        list_sizes: Sequence[int],
        out_features: int,
        bias: bool = True,
    ) -> None:
        super().__init__()
        every = [*sizes, *list_sizes]
        bound = 1 / math.sqrt(num_numbers + len(every))

        def draw(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.empty(shape).uniform_(-bound, bound))

        self.weight = draw(out_features, num_numbers) if num_numbers else None
        self.vectors = draw(sum(every), out_features)
        self.bias = draw(out_features) if bias else None
        self.starts: Tensor
        starts = torch.tensor([0, *every[:-1]]).cumsum(0)  # of each column's vectors
        self.register_buffer("starts", starts, persistent=False)

    def forward(self, x: Fields) -> Tensor:
        return row_linear(x, self.weight, self.vectors, self.starts, self.bias)


def row_linear(
    x: Fields, weight: Tensor | None, vectors: Tensor, starts: Tensor, bias: Tensor | None
) -> Tensor:
    """``numbers @ weight.T + sum_c vectors[starts_c + code_c] + bias`` of rows, as [B, O]."""
    num_codes = x.codes.shape[1]
    if num_codes:
        codes = x.codes + starts[:num_codes]  # [B, C]
        out = nn.functional.embedding_bag(codes, vectors, mode="sum")
    else:
        out = vectors.new_zeros(x.numbers.shape[0], vectors.shape[1])
    for own, start in zip(x.lists, starts[num_codes:], strict=True):
        out = out + bag_linear(Bag(own.indices + start, own.offsets, own.weights), vectors, None)
    if weight is not None:
        return out + nn.functional.linear(x.numbers, weight, bias)
    return out if bias is None else out + bias


class JoinedLinear(nn.Module):
    """``sum_p (W_p x_p where there is x_p, else m_p) + bias`` of examples that are made of parts.

    The bias and each m_p begin at zero.

    Args:
        maps: ``{part: its linear map, without bias}``.
        out_features: O.
        bias: whether there is one.
    """

    def __init__(self, maps: Mapping[str, nn.Module], out_features: int, bias: bool) -> None:
        super().__init__()
        self.names = list(maps)
        self.maps = nn.ModuleDict({module_key(name): own for name, own in maps.items()})
        self.missing = nn.Parameter(torch.zeros(len(maps), out_features))
        self.bias = nn.Parameter(torch.zeros(out_features)) if bias else None

    def forward(self, x: Joint) -> Tensor:
        total: Tensor | None = self.bias
        for p, name in enumerate(self.names):
            own = self.maps[module_key(name)](x.parts[name])
            own = torch.where(x.present[:, p, None], own, self.missing[p])
            total = own if total is None else total + own
        assert total is not None
        return total
