"""Rows of numbers: what a file says is what the model reads, or a word about the cell."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import Dense
from mtl_cli.dataset.correlated import Correlated
from mtl_cli.dataset.readers.numbers import NumberReader
from mtl_cli.dataset.sincos import SinCos

READER = NumberReader({"point": ["a", "b"], "other": ["c"]})
COMMON = {"seed": 0, "batch_size": 8, "eval_batch_size": 8, "shuffle": True, "drop_last": False}


def read(path: Path, *tasks: str, input: str = "point") -> tuple[torch.Tensor, dict, dict]:
    parts = list(READER.read(path, input, 10, tasks))
    x = torch.cat([part.inputs[input] for part in parts])
    targets = {task: torch.cat([part.targets[task] for part in parts]) for task in tasks}
    return x, targets, {k: [v for part in parts for v in part.names[k]] for k in parts[0].names}


def test_columns_are_found_by_name_in_any_order(tmp_path: Path) -> None:
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(7, 4)), columns=list("bcad"))
    frame.to_csv(tmp_path / "x.csv", index=False)
    x, targets, names = read(tmp_path / "x.csv", "d")
    np.testing.assert_allclose(x, frame[["a", "b"]].to_numpy(), rtol=1e-6)
    np.testing.assert_allclose(targets["d"], frame["d"], rtol=1e-6)
    assert names["row"] == list(range(1, 8))
    assert x.dtype == targets["d"].dtype == torch.float32
    x, _, _ = read(tmp_path / "x.csv", input="other")
    np.testing.assert_allclose(x[:, 0], frame["c"], rtol=1e-6)


def test_whole_numbers_and_numbers_in_quotes_are_numbers(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text('a,b\n1,"2"\n3,"4.5"\n')
    assert read(tmp_path / "x.csv")[0].tolist() == [[1, 2], [3, 4.5]]


def test_a_missing_label_is_missing_and_a_missing_number_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b,y\n1,2,3\n1,2,\n")
    _, targets, _ = read(tmp_path / "x.csv", "y")
    assert targets["y"].isnan().tolist() == [False, True]
    (tmp_path / "x.csv").write_text("a,b\n1,2\n1,\n1,\n")
    with pytest.raises(Problem, match=r"column b[\s\S]*nothing in row 2 \(2 rows like it\)"):
        read(tmp_path / "x.csv")


@pytest.mark.parametrize("cell", ["red", "inf", "1e999"])
def test_what_is_no_finite_number_is_an_error(cell: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(f"a,b\n1,2\n1,{cell}\n")
    with pytest.raises(Problem, match="column b"):
        read(tmp_path / "x.csv")


def test_its_state_makes_it_again() -> None:
    again = NumberReader.from_state(READER.state())
    assert again.inputs == READER.inputs == {"point": Dense((2,)), "other": Dense((1,))}


@pytest.mark.parametrize("inputs", ["shared", "per_task"])
def test_sincos_reads_its_own_points_back(inputs: str, tmp_path: Path) -> None:
    data = SinCos.of(num_samples=40, noise=0.1, split="random", inputs=inputs, **COMMON)
    assert data.reader.inputs == data.inputs
    rows = data.splits["test"]
    for task, name in data.tasks.items():
        columns = {name: rows.inputs[name][:, 0], task: rows.targets[task]}
        pd.DataFrame({k: v.numpy() for k, v in columns.items()}).to_parquet(tmp_path / "x.parquet")
        [part] = data.reader.read(tmp_path / "x.parquet", name, 10, [task])
        assert torch.equal(part.inputs[name], rows.inputs[name])
        assert torch.equal(part.targets[task], rows.targets[task])


def test_correlated_reads_its_own_points_back(tmp_path: Path) -> None:
    options = {"correlation": 0.5, "dimension": 3, "scale": 1.0, "num_sines": 1}
    data = Correlated.of(num_samples=40, **options, **COMMON)
    assert data.reader.inputs == data.inputs
    rows = data.splits["test"]
    labels = {task: target.numpy() for task, target in rows.targets.items()}
    np.savez(tmp_path / "x.npz", x=rows.inputs["x"].numpy(), **labels)
    [part] = data.reader.read(tmp_path / "x.npz", "x", 10, list(labels))
    assert torch.equal(part.inputs["x"], rows.inputs["x"])
    assert torch.equal(part.targets["y2"], rows.targets["y2"])
