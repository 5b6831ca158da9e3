"""Two regression tasks whose relatedness is a number: the synthetic data of the MMoE paper.

Ma, Zhao, Yi, Chen, Hong & Chi, "Modeling Task Relationships in Multi-task Learning with
Multi-gate Mixture-of-Experts", KDD 2018, https://doi.org/10.1145/3219819.3220007, section 3.2,
equations 2-4.
"""

import numpy as np
import torch

from mtl_cli.basis.errors import check_integer, check_number
from mtl_cli.basis.inputs import Dense
from mtl_cli.dataset.memory.batching import Batching
from mtl_cli.dataset.memory.in_memory import InMemoryDataset
from mtl_cli.dataset.memory.rows import Rows
from mtl_cli.dataset.readers.numbers import NumberReader

NOISE_VARIANCE = 0.01
SHARES = (0.7, 0.15)  # of train and val; the rest is test


class Correlated(InMemoryDataset):
    """``y_k = w_k.x + sum_{i=1..m} sin(i w_k.x + (i - 1)^2) + noise`` for k = 1, 2, x ~ N(0, I).

    ``w_1 = c u_1`` and ``w_2 = c (p u_1 + sqrt(1 - p^2) u_2)`` for orthogonal unit vectors u_1 and
    u_2 of R^d. The paper leaves alpha_i and beta_i of its sines open; here they are i and
    (i - 1)^2. At p = 1 the tasks differ by their noise alone.

    Args:
        num_samples: examples in all; 70 % train, 15 % val, 15 % test.
        correlation: p, the cosine of w_1 and w_2, from -1 to 1.
        dimension: d, at least 2.
        scale: c, the length of w_1 and w_2.
        num_sines: m.
        seed: of the vectors and the examples.
        batching: see `InMemoryDataset`.
    """

    def __init__(
        self,
        num_samples: int,
        correlation: float,
        dimension: int,
        scale: float,
        num_sines: int,
        seed: int,
        batching: Batching,
    ) -> None:
        check_integer("dataset.num_samples", num_samples, 10, "dataset.num_samples=10000")
        check_number("dataset.correlation", correlation, "dataset.correlation=0.9", -1, 1)
        check_integer("dataset.dimension", dimension, 2, "dataset.dimension=100")
        check_number("dataset.scale", scale, "dataset.scale=1.0", 0)
        check_integer("dataset.num_sines", num_sines, 0, "dataset.num_sines=10")
        check_integer("dataset.seed", seed, 0, "dataset.seed=0")
        draw = np.random.default_rng(seed)
        basis, _ = np.linalg.qr(draw.standard_normal((dimension, 2)))  # [d, 2], orthonormal
        x = draw.standard_normal((num_samples, dimension))
        across = np.sqrt(1 - correlation**2)
        vectors = scale * basis @ np.array([[1, correlation], [0, across]])  # [d, 2]: w_1, w_2
        projections = x @ vectors  # [N, 2]
        y = projections + sum(
            np.sin(i * projections + (i - 1) ** 2) for i in range(1, num_sines + 1)
        )
        y += np.sqrt(NOISE_VARIANCE) * draw.standard_normal(y.shape)
        ends = np.cumsum([round(share * num_samples) for share in SHARES])

        def table(rows: slice) -> Rows:
            inputs, targets = (torch.from_numpy(a[rows].astype(np.float32)) for a in (x, y))
            return Rows({"x": inputs}, {f"y{k + 1}": targets[:, k].contiguous() for k in (0, 1)})

        super().__init__(
            splits={
                "train": table(slice(None, ends[0])),
                "val": table(slice(ends[0], ends[1])),
                "test": table(slice(ends[1], None)),
            },
            inputs={"x": Dense((dimension,))},
            tasks={"y1": "x", "y2": "x"},
            source="generated",
            batching=batching,
        )
        self.reader = NumberReader({"x": [f"x_{i + 1}" for i in range(dimension)]})
