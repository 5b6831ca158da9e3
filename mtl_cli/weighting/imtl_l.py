"""IMTL-L: learned scales bring the losses of all tasks to one size.

Liu, Li, Kuang, Xue, Chen, Yang, Liao & Zhang, "Towards Impartial Multi-task Learning", ICLR 2021,
https://openreview.net/forum?id=IMPnRXEWpvr, section 3.2.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mtl_cli.basis.naming import module_key
from mtl_cli.weighting.base import Losses, LossWeighting


class IMTLL(LossWeighting):
    """Minimises ``sum_k exp(s_k) L_k - s_k`` over the model and ``s``, from ``s_k = 0``.

    s is learned by the same optimizer as the model, without decay. At rest ``exp(s_k) L_k = 1``. A
    task alone gets ``exp(s_k)`` times its gradient.

    TorchJD's IMTLL has all ``s_k`` in one parameter, where an optimizer with momentum moves that of
    a task without a label, too; here each is a parameter.

    Args:
        tasks: the names of the tasks.
    """

    def __init__(self, tasks: Sequence[str]) -> None:
        super().__init__(tasks)
        self.log_scales = nn.ParameterDict(
            {module_key(task): nn.Parameter(torch.zeros(())) for task in tasks}
        )

    def combine(self, losses: Losses) -> Tensor:
        s = self.learned(self.log_scales, losses)  # [K]
        return s.exp() @ torch.stack(list(losses.values())).to(s) - s.sum()
