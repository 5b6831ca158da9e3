"""Scale-invariant weighting: the sum of the losses' logarithms, in which no unit counts.

The product of the losses, as in the geometric loss strategy of Chennupati, Sistu, Yogamani &
Rawashdeh, "MultiNet++: Multi-Stream Feature Aggregation and Geometric Loss Strategy for
Multi-Task Learning", CVPR workshops 2019, https://arxiv.org/abs/1904.08492, without the root.
"""

import torch
from torch import Tensor

from mtl_cli.weighting.base import Losses, LossWeighting
from mtl_cli.weighting.positive import Positive


class SI(LossWeighting):
    """Minimises ``sum_k log L_k``: every loss has the weight ``1 / L_k``.

    A task alone gets its gradient divided by its loss; K equal losses, K times that.

    Args:
        tasks: the names of the tasks.
    """

    def combine(self, losses: Losses) -> Tensor:
        values = torch.stack(list(losses.values()))  # [K]
        self.need(Positive("a logarithm (weighting=si)", losses, values))
        return values.log().sum()
