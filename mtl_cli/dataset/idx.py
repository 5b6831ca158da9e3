"""The IDX format of MNIST's files: a few bytes that say type and shape, then the numbers.

Y. LeCun & C. Cortes, "The MNIST database of handwritten digits", section "File formats".
"""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from mtl_cli.errors import problem

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
