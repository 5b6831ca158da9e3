"""A part of a step, as a weighting is told of it: a step of several batches comes in several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Part:
    """What a weighting is told of a part of a step before it gets the losses.

    Args:
        shares: how much the part's loss of each task counts in that of the step, 0 where it has
            none; over the parts they sum to 1. The gradients of the losses have this factor, their
            values have not. Empty: the step is in one part.
        is_last: whether no further part of the same step follows. Gradients add up over the parts;
            a method that works on the Jacobian adds that up, and aggregates it with the last part.
        scale: all gradients are this many times too large, against underflow in half precision, and
            the trainer divides ``.grad`` by it. What a method reads of gradients, it has to divide
            itself.
    """

    shares: Mapping[str, float] = field(default_factory=dict)
    is_last: bool = True
    scale: float = 1.0


WHOLE = Part()  # a step in one part
