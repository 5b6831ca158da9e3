"""A digest of examples: two data sets have the same one where all their numbers are the same."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from torch import Tensor

from mtl_cli.basis.batch import Fields, matrix

SIZE = 16  # bytes


def digest_of(content: Any) -> str:
    """Of tensors in mappings and dataclasses, at any depth, with their names, types and shapes;
    without fields that are not compared."""
    digest = hashlib.blake2b(digest_size=SIZE)
    add(digest, content)
    return digest.hexdigest()


def add(digest: hashlib.blake2b, node: Any) -> None:
    if isinstance(node, Fields) and not node.lists:  # as rows were, when they were numbers alone
        node = matrix(node)
    if isinstance(node, Tensor):
        digest.update(f"{node.dtype} {tuple(node.shape)} ".encode())
        digest.update(node.detach().cpu().contiguous().numpy().data)
        return
    if callable(own := getattr(node, "content", None)):  # what lies on disk, and is known by less
        add(digest, own())
        return
    if is_dataclass(node):
        node = {field.name: getattr(node, field.name) for field in fields(node) if field.compare}
    if isinstance(node, tuple):
        node = dict(enumerate(node))
    assert isinstance(node, Mapping)
    for name, value in node.items():
        digest.update(f"{name!r}: ".encode())
        add(digest, value)
