"""Dynamic weight average: what has been learning slowly weighs more in the next epoch.

Liu, Johns & Davison, "End-to-End Multi-Task Learning with Attention", CVPR 2019,
https://arxiv.org/abs/1803.10704, equation 7.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from mtl_cli.basis.errors import check_number, problem
from mtl_cli.weighting.base import Losses, LossWeighting
from mtl_cli.weighting.by_task import places


class DWA(LossWeighting):
    """Minimises ``sum_k K softmax(r / T)_k L_k``.

    ``r_k`` is the mean of task k's loss over the last epoch, divided by that over the one before;
    it is 1 until the task has had two epochs with a label, so that all weights are 1 at first. K
    counts the tasks of the step. A task alone has the weight 1, K tasks with equal gradients get K
    times that gradient.

    TorchJD's DWA counts all tasks in every step, and keeps what it counted in no state; here the
    epochs' means come from the trainer.

    Args:
        tasks: the names of the tasks.
        temperature: T, above 0; the larger, the more equal the weights.
    """

    means: Tensor

    def __init__(self, tasks: Sequence[str], temperature: float) -> None:
        super().__init__(tasks)
        check_number("weighting.temperature", temperature, "weighting.temperature=2.0", 0)
        if temperature == 0:
            rule, fix = "must be above 0", "weighting.temperature=2.0"
            raise problem("weighting.temperature", rule, temperature, fix)
        self.temperature = temperature
        # Of the last two epochs in which each task had a label; NaN: there were none.
        self.register_buffer("means", torch.full((2, len(self.tasks)), torch.nan))

    def combine(self, losses: Losses) -> Tensor:
        values = torch.stack(list(losses.values()))  # [K], or fewer in a part of a step
        tasks = self.tasks_of_step(losses)
        older, newer = self.means[:, places(self.tasks, tasks, self.means.device)]
        rates = newer / older
        rates = torch.where(rates.isfinite(), rates, 1.0)
        weights = len(tasks) * (rates / self.temperature).softmax(0)
        return weights[places(tasks, losses, weights.device)].to(values) @ values

    def end_epoch(self, means: Mapping[str, float]) -> None:
        for task, mean in means.items():
            k = self.tasks.index(task)
            self.means[0, k] = self.means[1, k]
            self.means[1, k] = mean
