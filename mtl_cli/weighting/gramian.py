"""Aggregations that need of the Jacobian J [K, D] no more than its Gramian ``J J^T`` [K, K].

The Gramian has the gradients' lengths and angles: see Quinton & Rey, "Jacobian Descent For
Multi-Objective Optimization", 2024, https://arxiv.org/abs/2406.16232, section 6.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController
from torch import Tensor

from mtl_cli.basis import ranks
from mtl_cli.basis.device import send
from mtl_cli.weighting.aggregation import Aggregation

Array = NDArray[np.float64]


class GramianAggregation(Aggregation):
    """``d = J^T w``, with weights ``w = weigh(J J^T)``.

    J is read twice, and never copied as a whole. The weights are computed in double precision on
    the CPU, where matrices this small are quickest. Products of rows are taken in J's precision,
    and in double where that would cost digits: see `gramian_of` and `mix`.

    A device is waited for once a step, for the Gramian.
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
        return self.mixture(jacobian, self.gramian(jacobian), tasks)

    def step(self, jacobian: Tensor, tasks: Sequence[str]) -> tuple[Tensor, Tensor | None]:
        gramian = self.gramian(jacobian)
        if self.overflows(gramian.diagonal(), tasks):
            return jacobian.sum(0), None
        return self.mixture(jacobian, gramian / self.part.scale**2, tasks)

    def feature_step(self, jacobian: Tensor, tasks: Sequence[str]) -> tuple[Tensor, Tensor | None]:
        return self.step(jacobian, tasks)

    def gramian(self, jacobian: Tensor) -> Tensor:
        """`gramian_of` the Jacobian of all processes."""
        gramian = gramian_of(jacobian)
        if self.on == "features":  # of each its own examples'
            ranks.add_up([gramian])
        return gramian

    def mixture(
        self, jacobian: Tensor, gramian: Tensor, tasks: Sequence[str]
    ) -> tuple[Tensor, Tensor]:
        """The rows' sum with the method's weights, and these."""
        weights = self._weights(gramian.numpy(), tasks)
        ranks.take_from_first([torch.from_numpy(weights)])  # other machines round otherwise
        factors = send(torch.from_numpy(weights).to(jacobian.dtype), jacobian.device)
        return mix(weights, factors, jacobian, gramian.numpy()), factors

    def _weights(self, gramian: Array, tasks: Sequence[str]) -> Array:
        try:
            with blas().limit(limits=1, user_api="blas"):
                weights = self.weigh(gramian, tasks)
            if not np.isfinite(weights).all():
                raise ArithmeticError("weights that are not finite")
        except (ArithmeticError, RuntimeError, np.linalg.LinAlgError) as error:
            name = type(self).__name__
            self.note_failure(f"{name} found no weights ({error}); equal ones served")
            weights = np.full(len(tasks), 1 / len(tasks))
        return weights


@cache
def blas() -> ThreadpoolController:
    """Holds NumPy's and SciPy's linear algebra to one thread.

    Their threads wait for the next work in a loop, on the cores that torch's need for the rest of
    the step: at 32 tasks it would take twice as long.
    """
    return ThreadpoolController()


def gramian_of(jacobian: Tensor) -> Tensor:
    """``J J^T`` [K, K], in double precision on the CPU.

    Single precision leaves errors of 1e-7 in cosines. Where gradients nearly depend on each other
    these would be all that a method sees of what is left, and the products are taken in double.
    """
    gramian = (jacobian @ jacobian.T).cpu().double()
    if jacobian.dtype == torch.float64 or apart(gramian.numpy()):
        return gramian
    return torch.stack([b @ b.T for b in in_double(jacobian)]).sum(0).cpu()


def apart(gramian: Array) -> bool:
    """Whether cosines of single precision are good for five digits of any mixture of gradients."""
    squares = np.diagonal(gramian)
    if not ((squares > SQUARES[0]) & (squares < SQUARES[1])).all():
        return False
    with blas().limit(limits=1, user_api="blas"):
        return bool(np.linalg.eigvalsh(cosines(gramian)[1])[0] > APART)


def mix(weights: Array, factors: Tensor, jacobian: Tensor, gramian: Array) -> Tensor:
    """``weights @ J`` [D], added up in double where it is far shorter than its terms.

    Args:
        weights: [K].
        factors: the same beside J, in its precision.
        jacobian: [K, D].
        gramian: that of J, or of a multiple of it.
    """
    longest = (np.abs(weights) * np.sqrt(np.diagonal(gramian))).max()
    if weights @ gramian @ weights > (CANCELLED * longest) ** 2:
        return factors @ jacobian
    exact = torch.from_numpy(weights)
    return torch.cat([send(exact, b.device) @ b for b in in_double(jacobian)]).to(jacobian)


def in_double(jacobian: Tensor) -> Iterator[Tensor]:
    """Its columns in double precision, block by block; on the CPU where the device has no such."""
    at = torch.device("cpu") if jacobian.device.type == "mps" else jacobian.device
    for block in jacobian.split(BLOCK, dim=1):
        yield block.to(at).double()


APART = 1e-2  # the least eigenvalue of the cosines
CANCELLED = 1e-2  # of its longest term is left of a sum, and two of its seven digits lost
SQUARES = 1e-30, 1e30  # lengths whose squares single precision holds
BLOCK = 1 << 14  # columns that fit a cache


def cosines(gramian: Array) -> tuple[Array, Array]:
    """The lengths of the gradients [K], and the cosines between them [K, K]; of a zero one 0."""
    lengths = np.sqrt(np.diagonal(gramian))
    inverse = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return lengths, gramian * np.outer(inverse, inverse)


def equal_products(gramian: Array, wanted: Array) -> tuple[Array, Array]:
    """The weights of the shortest d whose ``g_k . d / |g_k|`` are as wanted, and what these are.

    With U the gradients of length 1 in its rows, ``d = U^+ wanted``; in terms of the cosines
    ``C = U U^T`` that is ``U^T C^+ wanted``. Gradients of zero, and directions below the rounding
    of single precision, have no say.
    """
    lengths, between = cosines(gramian)
    some = lengths > 0
    values, vectors = np.linalg.eigh(between)
    vectors, values = vectors[:, values > ROUNDING], values[values > ROUNDING]
    parts = vectors.T @ (wanted * some)
    units = vectors @ (parts / values)
    return np.divide(units, lengths, out=np.zeros_like(units), where=some), vectors @ parts


def square_root(gramian: Array) -> Array:
    """R [K, K] with ``R^T R`` the Gramian: in its columns, vectors of these lengths and angles.

    Its columns never depend on each other: what two gradients differ by, within the rounding that
    they came with, is widened to that, so that no weights grow beyond its inverse.
    """
    lengths, between = cosines(gramian)  # short gradients keep their digits beside long ones
    values, vectors = np.linalg.eigh(between)
    root: Array = np.sqrt(values.clip(ROUNDING))[:, None] * vectors.T * lengths
    return root


# The rounding of gradients in single precision, squared: what varies less is no direction.
ROUNDING = 1e-12


def random_orders(num_tasks: int) -> NDArray[np.intp]:
    """For each task an order of the others, [K, K - 1]."""
    draws = torch.rand(num_tasks, num_tasks).fill_diagonal_(2.0)
    orders: NDArray[np.intp] = draws.argsort(1)[:, :-1].numpy()
    return orders
