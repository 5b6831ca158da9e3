"""Examples by their positions, of any kind of input, and where and how large they are."""

import torch
from torch import Tensor

from mtl_cli.basis.bag import Bag
from mtl_cli.basis.batch import Encoded, Examples, Fields, Joint
from mtl_cli.dataset.prepared.stored import Kept, Stored


def part_of(x: Kept, positions: Tensor) -> Kept:
    """The examples at these positions, all in the host's memory; of stored ones none is read."""
    if isinstance(x, Joint):
        own = {name: part_of(part, positions) for name, part in x.parts.items()}
        return Joint(own, x.present[positions])
    return x.at(positions) if isinstance(x, Stored) else take(x, positions, positions)


def take(x: Kept, rows: Tensor | slice, here: Tensor | slice) -> Examples:
    """The examples at ``rows``; of a tensor by whole rows, which is faster than by elements.

    Args:
        x: all of them.
        rows: which, on their device.
        here: the same in the host's memory, by which the size of a bag's part is known.
    """
    if isinstance(x, Bag):
        return x[here]
    if isinstance(x, Stored):
        return x.take(here)
    if isinstance(x, Joint):
        own = {name: take(part, rows, here) for name, part in x.parts.items()}
        return Joint(own, take_tensor(x.present, rows))
    if isinstance(x, Fields):
        numbers, codes = take_tensor(x.numbers, rows), take_tensor(x.codes, rows)
        return Fields(numbers, codes, tuple(own[here] for own in x.lists))
    if isinstance(x, Encoded):
        return Encoded(take_tensor(x.features, rows))
    return take_tensor(x, rows)


def take_tensor(x: Tensor, rows: Tensor | slice) -> Tensor:
    """The rows of a tensor."""
    return x.index_select(0, rows) if isinstance(rows, Tensor) else x[rows]


def device_of(x: Kept) -> torch.device:
    """The device on which examples lie."""
    if isinstance(x, Joint):
        return x.present.device
    if isinstance(x, Fields):
        return x.numbers.device
    if isinstance(x, Encoded):
        return x.features.device
    return x.device if isinstance(x, Tensor | Stored) else x.offsets.device


def row_bytes(x: Kept) -> int:
    """About how many bytes an example takes once it is prepared."""
    if isinstance(x, Stored):
        return 4 * x.whole[0].numel()
    if isinstance(x, Joint):
        return sum(map(row_bytes, x.parts.values()))
    if isinstance(x, Fields):
        parts: tuple[Examples, ...] = (x.numbers, x.codes, *x.lists)
        return sum(map(row_bytes, parts))
    if isinstance(x, Encoded):
        return row_bytes(x.features)
    return 4 * x[0].numel() if isinstance(x, Tensor) else 8 * len(x.indices) // len(x)
