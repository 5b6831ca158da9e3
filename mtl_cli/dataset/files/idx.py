"""The IDX format of MNIST's files: a few bytes that say type and shape, then the numbers.

Y. LeCun & C. Cortes, "The MNIST database of handwritten digits", section "File formats".
"""

import gzip
import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.files.encoded import open_bytes

UNSIGNED_BYTE = 8


def read_idx(path: Path, num_dimensions: int) -> np.ndarray:
    """The array of unsigned bytes in an IDX file, packed by gzip or not.

    Raises:
        ValueError: where the file is truncated, corrupt, or no such array.
    """

    def wrong(rule: str, found: str) -> ValueError:
        return problem(str(path), rule, found, "delete the file, and fetch it anew")

    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise wrong("must be a readable file of the IDX format", str(error)) from error
    start = 4 + 4 * num_dimensions
    if len(data) < start or data[:4] != bytes([0, 0, UNSIGNED_BYTE, num_dimensions]):
        rule = f"must be an IDX file of bytes in {num_dimensions} dimensions"
        raise wrong(rule, f"{len(data)} bytes that begin with {data[:4].hex(' ')}")
    shape = struct.unpack(f">{num_dimensions}I", data[4:start])
    if len(data) != start + math.prod(shape):
        rule = f"must hold {start + math.prod(shape)} bytes for its shape {shape}"
        raise wrong(rule, f"{len(data)} bytes")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def idx_shape(path: Path) -> tuple[int, ...] | None:
    """The shape that an IDX file of unsigned bytes says it has; None where it is none."""
    try:
        with open_bytes(path) as stream:
            start = stream.read(4)
            if len(start) < 4 or start[:3] != bytes([0, 0, UNSIGNED_BYTE]):
                return None
            sizes = stream.read(4 * start[3])
            return struct.unpack(f">{start[3]}I", sizes) if len(sizes) == 4 * start[3] else None
    except (OSError, EOFError, zlib.error):
        return None


def read_idx_parts(path: Path, shape: tuple[int, ...], num_rows: int) -> Iterator[np.ndarray]:
    """The array of an IDX file of that shape, some rows at a time, without ever holding it whole.

    Raises:
        ValueError: where the file is truncated or corrupt.
    """
    row_bytes = math.prod(shape[1:])
    left = shape[0]
    try:
        with open_bytes(path) as stream:
            stream.seek(4 + 4 * len(shape))
            while left:
                rows = min(left, num_rows)
                data = stream.read(rows * row_bytes)
                if len(data) < rows * row_bytes:
                    raise EOFError(f"the file ends {left - len(data) // row_bytes} rows too early")
                yield np.frombuffer(data, np.uint8).reshape(rows, *shape[1:])
                left -= rows
            if stream.read(1):  # at the end, a packed file checks its sum
                raise EOFError("it goes on after the last of them")
    except (OSError, EOFError, zlib.error) as error:
        rule = f"must hold the bytes of its shape {shape}"
        raise problem(str(path), rule, str(error), "another copy of the file") from error
