"""Aggregations that need of the Jacobian J [K, D] no more than its Gramian ``J J^T`` [K, K].

The Gramian has the gradients' lengths and angles: see Quinton & Rey, "Jacobian Descent For
Multi-Objective Optimization", 2024, https://arxiv.org/abs/2406.16232, section 6.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController
from torch import Tensor

from mtl_cli.weighting.aggregation import Aggregation

Array = NDArray[np.float64]


class GramianAggregation(Aggregation):
    """``d = J^T w``, with weights ``w = weigh(J J^T)``.

    J is read twice, and never copied. The weights are computed in double precision on the CPU,
    where matrices this small are quickest, after a single synchronisation.
    """

    @abstractmethod
    def weigh(self, gramian: Array, tasks: Sequence[str]) -> Array:
        """The weights of the rows, [K].

        Args:
            gramian: ``g_i . g_j``, [K, K], finite.
            tasks: the tasks of the rows, in the order of `tasks`.

        Raises:
            ArithmeticError, RuntimeError: where there are none; the step's are then all the same.
        """

    def aggregate(self, jacobian: Tensor, tasks: Sequence[str]) -> tuple[Tensor, Tensor]:
        weights = self._weights(gramian_of(jacobian), tasks).to(jacobian)
        return weights @ jacobian, weights

    def step(self, jacobian: Tensor, tasks: Sequence[str]) -> tuple[Tensor, Tensor | None]:
        gramian = gramian_of(jacobian)
        if self.overflows(gramian.diagonal(), tasks):
            return jacobian.sum(0), None
        weights = self._weights(gramian / self.grad_scale**2, tasks).to(jacobian)
        return weights @ jacobian, weights

    def _weights(self, gramian: Tensor, tasks: Sequence[str]) -> Tensor:
        try:
            with blas().limit(limits=1, user_api="blas"):
                weights = self.weigh(gramian.double().numpy(), tasks)
            if not np.isfinite(weights).all():
                raise ArithmeticError("weights that are not finite")
        except (ArithmeticError, RuntimeError, np.linalg.LinAlgError) as error:
            name = type(self).__name__
            self.note_failure(f"{name} found no weights ({error}); equal ones served")
            weights = np.full(len(tasks), 1 / len(tasks))
        return torch.from_numpy(weights)


@cache
def blas() -> ThreadpoolController:
    """Holds NumPy's and SciPy's linear algebra to one thread.

    Their threads wait for the next work in a loop, on the cores that torch's need for the rest of
    the step: at 32 tasks it would take twice as long.
    """
    return ThreadpoolController()


def gramian_of(jacobian: Tensor) -> Tensor:
    """``J J^T`` [K, K], on the CPU."""
    return (jacobian @ jacobian.T).cpu()


def cosines(gramian: Array) -> tuple[Array, Array]:
    """The lengths of the gradients [K], and the cosines between them [K, K]; of a zero one 0."""
    lengths = np.sqrt(np.diagonal(gramian))
    inverse = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return lengths, gramian * np.outer(inverse, inverse)


def square_root(gramian: Array) -> Array:
    """R [K, K] with ``R^T R`` the Gramian: in its columns, vectors of these lengths and angles."""
    lengths, between = cosines(gramian)  # short gradients keep their digits beside long ones
    values, vectors = np.linalg.eigh(between)
    root: Array = np.sqrt(values.clip(0))[:, None] * vectors.T * lengths
    return root


def random_orders(num_tasks: int) -> NDArray[np.intp]:
    """For each task an order of the others, [K, K - 1], from torch's global generator."""
    draws = torch.rand(num_tasks, num_tasks).fill_diagonal_(2.0)
    orders: NDArray[np.intp] = draws.argsort(1)[:, :-1].numpy()
    return orders
