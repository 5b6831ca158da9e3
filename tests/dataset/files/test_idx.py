"""IDX files against torchvision's reader; files that are none are refused."""

import gzip
import struct

import numpy as np
import pytest
from torchvision.datasets.mnist import read_sn3_pascalvincent_tensor

from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.files.idx import read_idx

SHAPES = [(7,), (0,), (3, 5), (2, 3, 4), (1, 28, 28), (3, 0, 4)]


def idx(array: np.ndarray) -> bytes:
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return head + array.astype(np.uint8).tobytes()


def values(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_was_written_is_read_packed_or_not(shape, tmp_path):
    array = values(*shape)
    (tmp_path / "plain").write_bytes(idx(array))
    (tmp_path / "packed.gz").write_bytes(gzip.compress(idx(array)))
    for name in ("plain", "packed.gz"):
        found = read_idx(tmp_path / name, len(shape))
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("shape", [(7,), (3, 5), (4, 28, 28)])
def test_it_reads_as_torchvision_does(shape, tmp_path):
    (tmp_path / "file").write_bytes(idx(values(*shape)))
    theirs = read_sn3_pascalvincent_tensor(str(tmp_path / "file"))
    np.testing.assert_array_equal(read_idx(tmp_path / "file", len(shape)), theirs.numpy())


IMAGES = idx(values(2, 3, 4))
PACKED = gzip.compress(IMAGES)
WRONG = {
    "empty": ("images", b""),
    "head cut": ("images", IMAGES[:9]),
    "head alone": ("images", IMAGES[:16]),
    "cut": ("images", IMAGES[:-1]),
    "too long": ("images", IMAGES + b"\0"),
    "of another type": ("images", IMAGES[:2] + b"\x0d" + IMAGES[3:]),
    "of other dimensions": ("images", idx(values(24))),
    "wrong magic": ("images", b"\1" + IMAGES[1:]),
    "a web page": ("images", b"<html><body>404 Not Found</body></html>"),
    "packed, without saying so": ("images", PACKED),
    "packed empty": ("images.gz", b""),
    "packed cut": ("images.gz", PACKED[:-9]),
    "packed head cut": ("images.gz", PACKED[:5]),
    "packed damaged": ("images.gz", PACKED[:20] + bytes([PACKED[20] ^ 255]) + PACKED[21:]),
    "packed sum wrong": ("images.gz", PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:]),
    "packed and followed by rubbish": ("images.gz", PACKED + b"rubbish"),
    "not packed, though it says so": ("images.gz", IMAGES),
}


@pytest.mark.parametrize(("name", "content"), WRONG.values(), ids=WRONG)
def test_what_is_no_such_file_is_told_in_four_parts(name, content, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(
        Problem, match=r" must .*\.\n  found: \S.*\n  try:   delete the file"
    ) as error:
        read_idx(path, 3)
    assert str(error.value).startswith(str(path))


def test_a_file_that_cannot_be_opened_is_told_too(tmp_path):
    with pytest.raises(Problem, match="must be a readable file"):
        read_idx(tmp_path / "missing", 3)
