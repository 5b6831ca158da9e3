"""The MMoE paper's synthetic data: what its formula says."""

import numpy as np
import pytest
import torch

from mtl_cli.dataset.correlated import Correlated


def made(**options: object) -> Correlated:
    values = {"num_samples": 4000, "correlation": 0.5, "dimension": 6, "scale": 1.0}
    values |= {"num_sines": 0, "seed": 3, "batch_size": 32, "eval_batch_size": 32}
    return Correlated.of(**(values | {"shuffle": True, "drop_last": False} | options))


def fitted(dataset: Correlated) -> np.ndarray:
    """The tasks' vectors, found by least squares, [d, 2]."""
    table = dataset.splits["train"]
    targets = np.stack([table.targets[task].numpy() for task in ("y1", "y2")], 1)
    return np.linalg.lstsq(table.inputs["x"].numpy(), targets, rcond=None)[0]


@pytest.mark.parametrize("correlation", [-1.0, 0.0, 0.5, 0.9, 1.0])
def test_the_cosine_of_the_tasks_vectors_is_the_correlation(correlation: float) -> None:
    vectors = fitted(made(correlation=correlation, scale=2.0))
    lengths = np.linalg.norm(vectors, axis=0)
    assert lengths == pytest.approx([2, 2], abs=0.02)
    assert vectors[:, 0] @ vectors[:, 1] / lengths.prod() == pytest.approx(correlation, abs=0.01)


def test_the_sines_are_those_of_the_formula_and_the_noise_has_its_variance() -> None:
    vectors = fitted(made(num_samples=40000))  # the same seed draws the same vectors first
    dataset = made(num_samples=40000, num_sines=3)
    table = dataset.splits["train"]
    z = table.inputs["x"].numpy() @ vectors
    expected = z + np.sin(z) + np.sin(2 * z + 1) + np.sin(3 * z + 4)
    noise = np.stack([table.targets[t].numpy() for t in ("y1", "y2")], 1) - expected
    assert noise.mean() == pytest.approx(0, abs=0.01)
    assert noise.var(0) == pytest.approx([0.01, 0.01], rel=0.05)


def test_at_correlation_one_the_tasks_differ_by_their_noise_alone() -> None:
    table = made(correlation=1.0, num_sines=10).splits["train"]
    difference = table.targets["y1"] - table.targets["y2"]
    assert float(difference.var()) == pytest.approx(0.02, rel=0.1)


def test_the_splits_are_disjoint_parts_of_all_examples() -> None:
    dataset = made()
    assert dataset.sizes == {"train": 2800, "val": 600, "test": 600}
    rows = torch.cat([table.inputs["x"] for table in dataset.splits.values()])
    assert len(rows.unique(dim=0)) == 4000


@pytest.mark.parametrize("option", [{"correlation": 1.5}, {"dimension": 1}, {"num_sines": -1}])
def test_what_the_formula_cannot_take_is_refused(option: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"dataset.{next(iter(option))}"):
        made(**option)
