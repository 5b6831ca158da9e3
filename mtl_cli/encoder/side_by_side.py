"""Stages of several encoders side by side, of examples that are made of parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mtl_cli.basis.alongside import Alongside
from mtl_cli.basis.batch import Examples, Joint
from mtl_cli.basis.naming import module_key
from mtl_cli.encoder.base import Shape


class SideBySide(Alongside):
    """A stage of each part: of examples, or of features that lie side by side, [B, *shape].

    Args:
        names: of the parts.
        stages: of each.
        widths: how many channels each part has: in what a first stage gives, else in what is read.
        is_first: whether it reads examples.
        add: whether what comes out is added up, else it is concatenated.
    """

    def __init__(
        self,
        names: Sequence[str],
        stages: Sequence[nn.Module],
        widths: Sequence[int],
        is_first: bool,
        add: bool,
    ) -> None:
        super().__init__()
        self.names, self.widths, self.add = list(names), list(widths), add
        own = zip(names, stages, strict=True)
        self.parts = nn.ModuleDict({module_key(name): stage for name, stage in own})
        self.missing = nn.Parameter(torch.zeros(sum(widths))) if is_first else None

    def alongside(self) -> Iterable[nn.Module]:
        return self.parts.values()

    def forward(self, x: Examples) -> Tensor:
        if self.missing is None:
            assert isinstance(x, Tensor)
            read: Any = x.split(self.widths, 1)
        else:
            assert isinstance(x, Joint)
            read = [x.parts[name] for name in self.names]
        given = [own(part) for own, part in zip(self.parts.values(), read, strict=True)]
        if self.missing is not None:
            assert isinstance(x, Joint)
            vectors = self.missing.split(self.widths)
            for p, (features, vector) in enumerate(zip(given, vectors, strict=True)):
                ones = [1] * (features.dim() - 2)
                there = x.present[:, p].view(-1, 1, *ones)
                given[p] = torch.where(there, features, vector.view(1, -1, *ones))
        return torch.stack(given).sum(0) if self.add else torch.cat(given, 1)


def beside(shapes: Sequence[Shape]) -> Shape | None:
    """The shape of features side by side: vectors, or maps; None where they do not fit."""
    fits = len({shape[1:] for shape in shapes}) == 1 and len(shapes[0]) in (1, 3)
    return (sum(shape[0] for shape in shapes), *shapes[0][1:]) if fits else None
