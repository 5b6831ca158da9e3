"""ConFIG: the direction that makes the same angle with every task's gradient.

Liu, Chu & Thuerey, "ConFIG: Towards Conflict-free Training of Physics Informed Neural Networks",
ICLR 2025, https://arxiv.org/abs/2408.11104, equations 2 and 3.
"""

from collections.abc import Sequence

import numpy as np

from mtl_cli.weighting.gramian import Array, cosines
from mtl_cli.weighting.preference import PreferenceAggregation

# The rounding of cosines in single precision: what varies less is taken as no direction at all.
ROUNDING = 1e-6


class ConFIG(PreferenceAggregation):
    """``d = (sum_k g_k . v) v``, with the v of length 1 whose ``v . g_k / |g_k|`` are the same.

    With U the gradients of length 1 in its rows, v is ``U^+ u`` to scale, where u, the preference,
    says what the products are to be in proportion; in terms of the cosines ``C = U U^T`` that is
    ``U^T C^+ u``. A task alone gives its own gradient, K equal ones K times that. The order of the
    tasks does not matter, and gradients of zero have no say.

    Departure: the pseudo-inverse is C's, and takes directions below the rounding of single
    precision as none.

    Args:
        tasks: the names of the tasks.
        on, chunk_size, losses: see `Aggregation`.
        preference: u, a number of at least 0 for each task; None: the same for each.
    """

    def weigh(self, gramian: Array, tasks: Sequence[str]) -> Array:
        lengths, between = cosines(gramian)
        some = lengths > 0
        wanted = self.preferences(tasks) * some
        units: Array = np.linalg.pinv(between, ROUNDING, hermitian=True) @ wanted
        products = between @ units  # of each unit gradient and the direction
        square = units @ products
        if square <= 0:
            return np.zeros_like(units)
        units = units * (lengths @ products / square)
        return np.divide(units, lengths, out=np.zeros_like(units), where=some)
