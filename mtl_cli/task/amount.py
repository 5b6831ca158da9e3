"""Amounts from 0, as of watch time or money: many are 0, and the others spread over magnitudes.

Wang, Liu & Miao, "A Deep Probabilistic Model for Customer Lifetime Value Prediction", 2019,
https://arxiv.org/abs/1912.07753. A missing label is NaN.
"""

import warnings

import torch
from torch import Tensor
from torch.nn.functional import softplus

from mtl_cli.basis.errors import problem
from mtl_cli.basis.sums import at_least_single
from mtl_cli.task.base import Parts, Task
from mtl_cli.task.prior import TINY, mean_label

LEAST = 1e-3  # deviation of the logarithm, which is divided by
MOST = 44.0  # logarithm of a prediction, of which metrics take the square


class Amount(Task):
    """Amounts, [B]. The head gives a logit, and mean and deviation of the logarithm of what is
    above 0, each relative to what train has on the average: three zeros are the distribution of
    all labels of train. The prediction is the mean, ``p exp(m + s^2 / 2)``, in the original unit.

    The loss compares amounts with the geometric mean of those above 0 in train as their unit, so
    that its value, a log likelihood, is the same for seconds and for minutes.
    """

    usual_loss = "ziln"
    logit: Tensor
    log_unit: Tensor
    deviation: Tensor

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts, out_features=3)
        for name, value in (("logit", 0.0), ("log_unit", 0.0), ("deviation", 1.0)):
            self.register_buffer(name, torch.tensor(value))

    def fit(self, target: Tensor) -> None:
        super().fit(target)
        there = target[self.is_labelled(target)].double()
        logs = there[there > 0].log()
        share = len(logs) / max(1, len(there))
        self.logit.copy_(torch.tensor(share).clamp(TINY, 1 - TINY).logit())
        if len(logs):
            self.log_unit.copy_(logs.mean())
            spread = logs.std(correction=0)
            self.deviation.copy_(spread if spread > LEAST else torch.ones(()))

    @property
    def num_classes(self) -> int:
        return 1

    def distribution(self, output: Tensor) -> Tensor:
        """Logit, and mean and deviation of the logarithm in the loss's unit, [B, 3]."""
        logit, mean, raw = at_least_single(output).unbind(1)
        spread = self.deviation * softplus(raw) / softplus(raw.new_zeros(()))
        return torch.stack([logit + self.logit, mean, spread.clamp(min=LEAST)], 1)

    def is_labelled(self, target: Tensor) -> Tensor:
        return ~target.isnan()

    def to_loss_unit(self, target: Tensor) -> Tensor:
        return (target * (-self.log_unit.to(target.dtype)).exp()).to(torch.get_default_dtype())

    def read_by_loss(self, output: Tensor) -> Tensor:
        return self.distribution(output)

    def predict(self, output: Tensor) -> Tensor:
        """The mean, [B, 1]."""
        logit, mean, spread = self.distribution(output).split(1, 1)
        log = mean + spread.square() / 2 + self.log_unit
        return logit.sigmoid() * log.clamp(max=MOST).exp()

    def prior(self, target: Tensor) -> Tensor:
        """The mean amount, 0 where there is no label."""
        return mean_label(target, 1).nan_to_num()

    def output_of(self, prediction: Tensor) -> Tensor:
        """With the share of amounts above 0, and their deviation, that train has."""
        logit, log_unit, deviation = (
            x.double().to(prediction.device) for x in (self.logit, self.log_unit, self.deviation)
        )
        amount = prediction.double().clamp(min=TINY) / logit.sigmoid()
        mean = amount.log() - log_unit - deviation.square() / 2
        return torch.cat([torch.zeros_like(mean), mean, torch.zeros_like(mean)], 1).float()

    def score(
        self, output: Tensor, target: Tensor, complete: bool = False
    ) -> tuple[Tensor, Tensor]:
        prediction, target = super().score(output, target, complete)
        return prediction.squeeze(1), target.to(prediction.dtype)

    def check_targets(self, target: Tensor) -> None:
        wrong = target[~((target >= 0) & target.isfinite() | target.isnan())]
        if len(wrong):
            rule = "is an amount: its labels must be numbers from 0 (NaN where missing)"
            fix = f"tasks.{self.name}=regression"
            raise problem(f"tasks.{self.name}", rule, wrong[0].item(), fix)

    def example_target(self, batch_size: int) -> Tensor:
        return torch.arange(batch_size).float()

    def try_loss(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a loss of one number says first what it may mean
            super().try_loss()
        target = self.example_target(4)
        log = target.clamp(min=1).log()
        logit = torch.where(target > 0, 9.0, -9.0)
        right, wrong = (
            self.tried(torch.stack([logit * sign, log, torch.full_like(log, 0.1)], 1), target)
            for sign in (1, -1)
        )
        if not right < wrong:
            raise self.unfitting("no less where what is 0, and what is not, is foretold")
