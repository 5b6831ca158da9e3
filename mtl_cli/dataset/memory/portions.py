"""Where the rows of each batch lie in an order: all of them, or those of one of several
processes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mtl_cli.basis import ranks


@dataclass(frozen=True)
class Portions:
    """The rows of batches, one batch after the other.

    Args:
        order: of the rows, on the host; None: as they lie.
        bounds: where each batch begins in it, and the end of the last.
        idle: the batches of which nothing is this process's: it reads a row that counts nowhere.
    """

    order: Tensor | None
    bounds: list[int]
    idle: frozenset[int] = frozenset()


def portions(order: Tensor | None, count: int, batch_size: int, own: bool) -> Portions:
    """The portions of batches of ``batch_size``, of which the last may have fewer rows.

    Args:
        order: of the rows, on the host; None: as they lie.
        count: of the rows.
        batch_size: rows a batch, in all processes together.
        own: whether those of this process alone are wanted.
    """
    full, rest = divmod(count, batch_size)
    if not own:
        bounds = [*range(0, count, batch_size), count]
        return Portions(order, bounds)
    rows = torch.arange(count) if order is None else order
    mine, last = ranks.own_part(batch_size), ranks.own_part(rest)
    idle = {batch for batch in range(full) if mine.start == mine.stop}
    idle |= {full} if rest and last.start == last.stop else set()
    mine, last = (slice(0, 1) if s.start == s.stop else s for s in (mine, last))
    parts = [rows[: full * batch_size].view(full, batch_size)[:, mine].flatten()]
    parts += [rows[full * batch_size :][last]]
    length = mine.stop - mine.start
    bounds = [*range(0, length * full + 1, length)]
    if rest:
        bounds.append(bounds[-1] + last.stop - last.start)
    return Portions(torch.cat(parts), bounds, frozenset(idle))
