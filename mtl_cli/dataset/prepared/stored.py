"""Examples that stay in an array on disk: which of its rows they are, and the way to the device."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from mtl_cli.basis.batch import Examples
from mtl_cli.basis.device import send

SHARE = 0.5  # of a device's free memory that examples may take
AT_ONCE = 1024  # examples on the way to a device


@dataclass(frozen=True)
class Stored:
    """Some rows of an array that is mapped into memory and may be larger than that.

    Args:
        whole: the array, on the host.
        rows: which of its rows, [N], on the host.
        marks: a number made of each row of the array, by which it is known; None: by all it holds.
        device: where what is taken goes to.
    """

    whole: Tensor
    rows: Tensor
    marks: Tensor | None = field(default=None, compare=False)
    device: torch.device = field(default=torch.device("cpu"), compare=False)

    def __len__(self) -> int:
        return len(self.rows)

    def to(self, device: torch.device) -> Stored | Tensor:
        """The same for a device; a tensor there, where an accelerator has room for all of it."""
        if device.type == "cpu":
            return self
        if device.type != "cuda" or self.num_bytes() > SHARE * torch.cuda.mem_get_info(device)[0]:
            return replace(self, device=device)
        there = self.whole.new_empty((len(self), *self.whole.shape[1:]), device=device)
        for first in range(0, len(self), AT_ONCE):
            part = self.whole.index_select(0, self.rows[first : first + AT_ONCE])
            there[first : first + AT_ONCE] = part.to(device)
        return there

    def num_bytes(self) -> int:
        return len(self) * self.whole[0].numel() * self.whole.element_size()

    def at(self, positions: Tensor) -> Stored:
        """The examples at these positions, which stay where they are."""
        return replace(self, rows=self.rows[positions])

    def content(self) -> Any:
        """By what its examples are known; see `digest_of`."""
        return (
            {"whole": self.whole, "rows": self.rows}
            if self.marks is None
            else self.marks[self.rows]
        )

    def take(self, part: Tensor | slice) -> Tensor:
        """Some of the examples, on the device."""
        return send(self.whole.index_select(0, self.rows[part]), self.device)


Kept = Examples | Stored  # as examples lie in memory, or on disk
