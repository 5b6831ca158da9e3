"""Codes of categories by a hash, where there are too many to keep: fixed, so that others repeat it.

Version 1: the code of a value is ``1 + h % (size - 1)``; h is the BLAKE2b digest of 8 bytes of the
value's one writing (`canonical`: 5, "5" and 5.0 are ``5``) in UTF-8, read as a little-endian whole
number. Code 0 is for what is missing.
"""

from __future__ import annotations

from hashlib import blake2b

from mtl_cli.basis.errors import check_integer, problem

RULE = "1 + h % (hash - 1), h: BLAKE2b of 8 bytes of the text in UTF-8, little-endian; 0: missing"
LARGEST = 2**31 - 1  # codes are kept in 32 bits


def hashed(text: str, size: int) -> int:
    """The code of a value, from 1 to size - 1."""
    digest = blake2b(text.encode(), digest_size=8).digest()
    return 1 + int.from_bytes(digest, "little") % (size - 1)


def check_hash(column: str, size: int | None) -> None:
    """Refuses a number of codes that no hash can have; None: no hash."""
    if size is not None:
        option = f"dataset.columns.{column}.hash"
        fix = f"{option}=1_000_000"
        check_integer(option, size, 2, fix)
        if size > LARGEST:
            raise problem(option, f"may be {LARGEST:,} at most: codes have 32 bits", size, fix)
