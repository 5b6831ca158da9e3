"""Lists of pictures as CelebA has them: attributes under a count and a row of names, and splits.

Z. Liu, P. Luo, X. Wang & X. Tang, "Deep Learning Face Attributes in the Wild", ICCV 2015,
https://arxiv.org/abs/1411.7766: ``list_attr_celeba.txt`` and ``list_eval_partition.txt``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.files.parts import Place

if TYPE_CHECKING:
    import pyarrow

NUMBERS = ("train", "val", "test")  # that a partition calls 0, 1 and 2
FEWEST = 2  # cells in a line


def read_list(path: Path) -> tuple[pyarrow.Table, Place] | None:
    """The rows of a list whose first line is their number and whose second names the columns but
    the first, which is called image; None: it is no such list.

    Raises:
        ValueError: where a line has more or fewer cells, or lines are missing.
    """
    import pyarrow

    if path.suffix != ".txt" or not path.is_file():
        return None
    with path.open(encoding="utf-8") as lines:
        count = next(lines, "").strip()
        if not count.isdigit():
            return None
        names = next(lines, "").split()
        rows = [line.split() for line in lines if line.strip()]
    for number, row in enumerate(rows, 1):
        if len(row) != len(names) + 1:
            rule = f"must have a picture and {len(names)} values, as line 2 names them"
            found = f"{len(row)} cells"
            raise problem(f"row {number} of {path.name}", rule, found, "another copy of the file")
    if len(rows) != int(count):
        rule = f"must have {int(count):,} rows, as its first line says"
        raise problem(str(path), rule, f"{len(rows):,}", "another copy of the file")
    columns = dict(zip(["image", *names], zip(*rows, strict=True), strict=True))
    table = pyarrow.table({name: list(cells) for name, cells in columns.items()})
    return table, lambda i: f"row {i + 1} of {path.name}"


def splits_in(path: Path, pictures: Sequence[str], slot: str, origin: str | None) -> np.ndarray:
    """The split of each picture by a file with a picture and 0, 1 or 2 (or train, val or test) in
    each line.

    Raises:
        ValueError: where there is no such file, or a picture is not in it.
    """
    thing, fix = f"{slot}.partition", f"{slot}.partition=null, and dataset.split"
    if not path.is_file():
        rule = "must be a file with the split of each picture"
        raise problem(thing, rule, f"no {path}", origin or fix)
    found: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        cells = line.replace(",", " ").split()
        if len(cells) >= FEWEST:
            word = cells[1].lower()
            found[cells[0]] = NUMBERS[int(word)] if word in ("0", "1", "2") else word
    lost = [name for name in pictures if found.get(name) not in NUMBERS]
    if lost:
        rule = "must say 0, 1 or 2 (train, val or test) of every picture"
        raise problem(thing, rule, f"not of {len(lost)}: {', '.join(lost[:3])}", fix)
    return np.array([found[name] for name in pictures], dtype="<U5")
