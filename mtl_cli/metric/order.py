"""The order of numbers, and of pairs of them, by sorts of whole numbers, which are the fastest."""

import numpy as np
from torch import from_numpy

HALF = 1 << 31
WIDTH = 16  # of the blocks whose pairs are compared one by one


def places(values: np.ndarray) -> np.ndarray:
    """Whole numbers from 0 below 2^32 [N] that are in order, and equal, as the values are."""
    if values.dtype != np.float32:
        return np.unique(values, return_inverse=True)[1].astype(np.int64)
    bits = (values + np.float32(0)).view(np.int32)  # 0 and -0 are one
    bits ^= (bits >> 31) & 0x7FFFFFFF  # those of numbers below 0 fall where the numbers rise
    return bits.astype(np.int64) + HALF


def pairs(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Two numbers from 0 below 2^32 as one, in the order of the first, then the second."""
    found = (first - HALF) << 32
    found |= second
    return found


def seconds(pairs: np.ndarray) -> np.ndarray:
    """The second numbers of `pairs`."""
    return pairs & 0xFFFFFFFF


def in_order(values: np.ndarray) -> np.ndarray:
    """Whole numbers sorted, by torch: digit by digit, in a third of NumPy's time."""
    return from_numpy(values).sort().values.numpy()


def starts(values: np.ndarray) -> np.ndarray:
    """Where values that are in order begin to be others, the first position among them."""
    return np.append(0, np.flatnonzero(values[1:] != values[:-1]) + 1)


def pairs_alike(values: np.ndarray) -> int:
    """How many pairs of values that are in order are of equal ones."""
    counts = np.diff(starts(values), append=len(values))
    return int((counts * (counts - 1)).sum()) // 2


def inversions(order: np.ndarray) -> int:
    """How many pairs of a permutation of 0 to N - 1 are out of order.

    Bit by bit from the highest on: where all higher bits are equal, each number without the bit is
    inverted with those before it that have it, as many as its position among all exceeds that
    among its own kind. Then each kind goes on by itself, in the order that it has.
    """
    bits = max(1, int(len(order) - 1).bit_length(), WIDTH.bit_length() - 1)
    numbers = np.arange(1 << bits, dtype=np.uint32)  # those behind the last are in order
    numbers[: len(order)] = order
    found = 0
    for half in (1 << bit for bit in reversed(range(WIDTH.bit_length() - 1, bits))):
        has = (numbers & np.uint32(half)) != 0
        without, with_it = np.flatnonzero(~has), np.flatnonzero(has)
        blocks = len(numbers) // (2 * half)
        first = half * (half - 1) // 2  # the sum of their positions, were they first in a block
        found += int(without.sum()) - blocks * (first + half * half * (blocks - 1))
        parts = np.empty((blocks, 2, half), np.uint32)
        for i, kind in enumerate((without, with_it)):
            parts[:, i] = numbers[kind].reshape(blocks, half)
        numbers = parts.reshape(-1)
    columns = np.ascontiguousarray(numbers.reshape(-1, WIDTH).T)
    below = (np.count_nonzero(columns[i] > columns[i + 1 :]) for i in range(WIDTH - 1))
    return found + int(sum(below))
