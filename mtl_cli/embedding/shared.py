"""A vector for each category, in one table for each vocabulary, beside the row's numbers.

What rankers begin with: Covington, Adams & Sargin, "Deep Neural Networks for YouTube
Recommendations", RecSys 2016, https://doi.org/10.1145/2959100.2959190, section 3.2.
"""

from __future__ import annotations

from itertools import accumulate

import torch
from torch import Tensor, nn

from mtl_cli.basis.bag import Bag
from mtl_cli.basis.batch import Examples, Fields
from mtl_cli.basis.errors import check_integer
from mtl_cli.basis.inputs import Dense, Row
from mtl_cli.basis.linear_maps import bag_linear
from mtl_cli.embedding.base import Embedding

AUTO = "auto"


class SharedEmbedding(Embedding):
    """``[numbers, T[code] of each category, sum_i w_i T[code_i] of each list]``, [B, F].

    Columns of one vocabulary read one table. Tables of one width lie end to end in one weight,
    which is read in one go. They are drawn normal with deviation ``1 / sqrt(width)``, so that a
    vector is about as long as a standardised number.

    Args:
        spec: of the rows.
        width: of a vector where the column does not say it, from 1; ``auto``: ``6 V^0.25`` of a
            vocabulary of V; None: nothing is embedded.
    """

    starts: Tensor

    def __init__(self, spec: Row, width: int | str | None) -> None:
        if width not in (None, AUTO):
            check_integer("embedding.width", width, 1, "embedding.width=16")
        vocabularies = spec.vocabularies or tuple(range(len(spec.sizes)))
        sizes = dict(zip(vocabularies, spec.sizes, strict=True))
        said = {v: own for v, own in zip(vocabularies, spec.widths, strict=False) if own}
        widths = {v: said.get(v) or width_of(width, size) for v, size in sizes.items()}
        total = spec.numbers + sum(widths[v] for v in vocabularies)
        super().__init__(spec, spec if width is None else Dense((total,)))
        self.columns: dict[int, list[int]] = {}  # {width: the columns that have it}
        self.tables = nn.ParameterDict()  # by width
        if width is None:
            return
        starts: dict[int, int] = {}  # {vocabulary: its first row in the weight of its width}
        for size in dict.fromkeys(widths.values()):
            own = [v for v in sizes if widths[v] == size]
            rows = list(accumulate((sizes[v] for v in own), initial=0))
            starts |= dict(zip(own, rows, strict=False))
            self.columns[size] = [c for c, v in enumerate(vocabularies) if widths[v] == size]
            drawn = torch.randn(rows[-1], size).div_(size**0.5)  # in place: a table may be large
            self.tables[str(size)] = nn.Parameter(drawn)
        self.register_buffer(
            "starts", torch.tensor([starts[v] for v in vocabularies]), persistent=False
        )

    def forward(self, x: Fields) -> Examples:
        parts = [x.numbers]
        for size, columns in self.columns.items():
            parts += self.vectors(x, self.tables[str(size)], columns)
        return torch.cat(parts, 1) if self.columns else x

    def vectors(self, x: Fields, table: nn.Parameter, columns: list[int]) -> list[Tensor]:
        """The vectors [B, ...] of some columns, whose tables lie in one weight [V, W]."""
        num_codes = x.codes.shape[1]
        single = [column for column in columns if column < num_codes]
        starts = self.starts if len(columns) == len(self.starts) else self.starts[columns]
        codes = x.codes if len(single) == num_codes else x.codes[:, single]
        lists = [x.lists[column - num_codes] for column in columns if column >= num_codes]
        places = [(codes + starts[: len(single)]).flatten()]
        of_lists = zip(lists, starts[len(single) :], strict=True)
        places += [own.indices + start for own, start in of_lists]
        sizes = [own.shape[0] for own in places]
        weight, found = self.read(table, places[0] if len(places) == 1 else torch.cat(places))
        first, *others = found.split(sizes)
        vectors = nn.functional.embedding(first, weight).view(x.numbers.shape[0], -1)
        bags = (Bag(i, own.offsets, own.weights) for i, own in zip(others, lists, strict=True))
        return [vectors, *(bag_linear(bag, weight, None) for bag in bags)]


def width_of(width: int | str | None, size: int) -> int:
    """The width of the vectors of a vocabulary."""
    return round(6 * size**0.25) if width == AUTO else int(width or 0)
