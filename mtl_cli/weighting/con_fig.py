"""ConFIG: the direction that makes the same angle with every task's gradient.

Liu, Chu & Thuerey, "ConFIG: Towards Conflict-free Training of Physics Informed Neural Networks",
ICLR 2025, https://arxiv.org/abs/2408.11104, equations 2 and 3.
"""

from collections.abc import Sequence

import numpy as np

from mtl_cli.weighting.gramian import Array, equal_products
from mtl_cli.weighting.preference import PreferenceAggregation


class ConFIG(PreferenceAggregation):
    """``d = (sum_k g_k . v) v``, with the v of length 1 whose ``v . g_k / |g_k|`` are the same.

    With U the gradients of length 1 in its rows, v is ``U^+ u`` to scale, where u, the preference,
    says what the products are to be in proportion; in terms of the cosines ``C = U U^T`` that is
    ``U^T C^+ u``. A task alone gives its own gradient, K equal ones K times that. The order of the
    tasks does not matter, and gradients of zero have no say.

    Departure: the pseudo-inverse is C's, which has the squares of U's singular values: those below
    1e-6, the rounding of gradients in single precision, count as none. Down to these, d differs
    from that of U in double precision by less than 1e-5 of its length.

    Args:
        tasks: the names of the tasks.
        on, chunk_size, losses: see `Aggregation`.
        preference: u, a number of at least 0 for each task; None: the same for each.
    """

    def weigh(self, gramian: Array, tasks: Sequence[str]) -> Array:
        wanted = self.preferences(tasks)
        weights, products = equal_products(gramian, wanted)
        lengths = np.sqrt(np.diagonal(gramian))
        square = wanted @ (lengths * weights)  # of the direction's length
        if square <= 0:
            return np.zeros_like(weights)
        scaled: Array = weights * (lengths @ products / square)
        return scaled
