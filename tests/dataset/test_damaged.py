"""Damaged files of rows are told in words, whatever their format and wherever the damage is."""

import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.files.options import ReadOptions
from mtl_cli.dataset.files.read import read_parts

DRAW = np.random.default_rng(0)
ROWS = pd.DataFrame(
    {"x": DRAW.normal(size=60), "word": DRAW.choice(["ü", "y", "zé"], 60), "n": range(60)}
)
WRITERS = {
    "csv": lambda path: ROWS.to_csv(path, index=False),
    "csv.gz": lambda path: ROWS.to_csv(path, index=False),
    "jsonl": lambda path: ROWS.to_json(path, orient="records", lines=True, force_ascii=False),
    "jsonl.gz": lambda path: ROWS.to_json(path, orient="records", lines=True),
    "snappy.parquet": lambda path: ROWS.to_parquet(path, compression="snappy"),
    "gzip.parquet": lambda path: ROWS.to_parquet(path, compression="gzip"),
    "zstd.parquet": lambda path: ROWS.to_parquet(path, compression="zstd"),
    "npz": lambda path: np.savez_compressed(path, x=ROWS.x, n=ROWS.n),
}
DAMAGES = {
    "a bit": lambda data, at: data[:at] + bytes([data[at] ^ 16]) + data[at + 1 :],
    "cut off": lambda data, at: data[:at],
    "half a character": lambda data, at: data[:at] + b"\xc3",
    "zeros": lambda data, at: data[:at] + bytes(20) + data[at + 20 :],
    "bytes more": lambda data, at: data[:at] + b'\x00\xff\n"' + data[at:],
    "a part twice": lambda data, at: data[:at] + data[at // 2 :],
}


def read(path: Path) -> None:
    for part in read_parts(path, ReadOptions(), text=False):
        assert len(part.table)


@pytest.mark.parametrize("kind", WRITERS)
def test_damage_is_told_in_words_or_the_rows_can_be_read(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"t.{kind}"
    WRITERS[kind](path)
    whole = path.read_bytes()
    read(path)
    draw = random.Random(kind)
    refused = []
    for damage in DAMAGES.values():
        for _ in range(8):
            path.write_bytes(damage(whole, draw.randrange(len(whole))))
            try:
                read(path)
            except Problem as error:
                refused.append(str(error))
    assert len(refused) >= 8
    assert all(str(path) in said and "try:" in said for said in refused)


def test_a_file_that_is_taken_away_while_it_is_read_is_told_in_words(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.mkdir()
    with pytest.raises(Problem):
        read(path / "inside.csv")
