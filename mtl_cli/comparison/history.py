"""What ``metrics.csv`` says of the epochs: every figure as a line of points."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from mtl_cli.basis.errors import problem
from mtl_cli.disk.run_folder import COLUMNS
from mtl_cli.disk.writing import in_words

EPOCH_SPLITS = ("train", "val", "test")

Points = list[tuple[int, float]]  # (epoch, value)
Curves = dict[str, dict[str, dict[str, Points]]]  # task, metric, split


def read_history(path: Path, torn: bool = False) -> Curves:
    """The epoch rows of ``metrics.csv``, without the totals.

    Args:
        path: of the file.
        torn: whether the last row may be half a row, as a kill leaves it.

    Raises:
        ValueError: where a row is damaged; it names the row.
    """
    curves: Curves = {}
    with in_words(path), open(path, encoding="utf-8", errors="replace", newline="") as file:
        text = file.read()
        reader = csv.reader(io.StringIO(text[: text.rfind("\n") + 1] if torn else text, newline=""))
        row: list[str] = []
        try:
            row = next(reader, [])
            if row != list(COLUMNS):
                raise ValueError
            for row in reader:
                epoch, _, split, task, metric, value = row
                point = int(epoch), float(value)
                if split not in EPOCH_SPLITS:
                    if split != "step":
                        raise ValueError
                elif task:
                    splits = curves.setdefault(task, {}).setdefault(metric, {})
                    splits.setdefault(split, []).append(point)
        except (ValueError, csv.Error) as error:
            fix = "take the line out, or repeat the run"
            where = f"{path}, line {reader.line_num or 1}"
            raise problem(
                where, f"must be {','.join(COLUMNS)}", ",".join(row)[:200], fix
            ) from error
    return curves
