"""Uncertainty weighting: learn each task's noise, and trust the quiet ones more.

Kendall, Gal & Cipolla, "Multi-Task Learning Using Uncertainty to Weigh Losses for Scene
Geometry and Semantics", CVPR 2018, https://arxiv.org/abs/1705.07115, section 3.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mtl_cli.basis.errors import check_number
from mtl_cli.basis.naming import module_key
from mtl_cli.weighting.base import Losses, LossWeighting


class UW(LossWeighting):
    """Minimises ``sum_k 0.5 * (exp(-s_k) * L_k + s_k)`` over the model and ``s``.

    ``s_k = log(sigma_k^2)``, learned by the same optimizer as the model, without decay, is a
    parameter for each task, so that one without a label in a step stays untouched. The same form
    serves regression and classification, where the paper's equation 10 has a factor of 2.

    Args:
        tasks: the names of the tasks.
        initial_log_variance: the first value of every ``s_k``, in nats.
    """

    def __init__(self, tasks: Sequence[str], initial_log_variance: float) -> None:
        super().__init__(tasks)
        check_number("weighting.initial_log_variance", initial_log_variance, "weighting=uw")
        start = float(initial_log_variance)
        self.log_variances = nn.ParameterDict(
            {module_key(task): nn.Parameter(torch.tensor(start)) for task in tasks}
        )

    def combine(self, losses: Losses) -> Tensor:
        s = self.learned(self.log_variances, losses)  # [K]
        return 0.5 * ((-s).exp() @ torch.stack(list(losses.values())).to(s) + s.sum())
