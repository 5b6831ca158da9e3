"""Ordered classes, as ratings are: one of them, as an integer; a missing label is -1."""

import torch
from torch import Tensor

from mtl_cli.task.base import Parts
from mtl_cli.task.class_index import ClassIndex
from mtl_cli.task.prior import TINY


class Ordinal(ClassIndex):
    """One of K classes in their order, from 0, [B]; the head gives K - 1 logits.

    Each is that of the chance to be in a higher class than k, for those who are in k or above. The
    predicted class is the median, the middle one by the probabilities: it is the least far off in
    the mean.
    """

    usual_loss = "corn"

    def __init__(self, parts: Parts, num_classes: int) -> None:
        self.check_classes(parts.slot, num_classes)
        super().__init__(parts, num_classes, out_features=num_classes - 1)

    @property
    def num_classes(self) -> int:
        return self.out_features + 1

    def label_weights(self, target: Tensor) -> Tensor | None:
        """The loss divides by the sum of the weights of the labels' classes."""
        weight = self.class_weights().get("weight")
        return None if weight is None else weight[target.clamp(min=0)]

    def align(self, output: Tensor, target: Tensor) -> Tensor:
        """The one logit of two classes keeps its dimension."""
        return output

    def predict(self, output: Tensor) -> Tensor:
        """The probability of each class, [B, K, ...]."""
        at_least = output.sigmoid().cumprod(1)  # [B, K - 1, ...], the chances of classes from 1
        everyone = torch.ones_like(output[:, :1])
        stays = torch.cat([(-output).sigmoid(), everyone], 1)
        return torch.cat([everyone, at_least], 1) * stays

    @staticmethod
    def median(probabilities: Tensor) -> Tensor:
        """The first class up to which half of the probability lies, [B, ...]."""
        return (probabilities[:, :-1].cumsum(1) < 0.5).sum(1)

    def output_of(self, prediction: Tensor) -> Tensor:
        own = prediction.double().clamp(min=TINY)
        above = own.flip(1).cumsum(1).flip(1)[:, 1:]
        return (above.log() - own[:, :-1].log()).float()

    def score(
        self, output: Tensor, target: Tensor, complete: bool = False
    ) -> tuple[Tensor, Tensor]:
        classes = self.median(self.predict(output))
        if complete:
            return classes, target
        there = self.is_labelled(target)
        return classes[there], target[there]

    def example_target(self, batch_size: int) -> Tensor:
        return self.num_classes - 1 - torch.arange(batch_size) % self.num_classes

    def try_loss(self) -> None:
        super().try_loss()
        # One more example than classes, so that no shape fits by broadcasting.
        target = torch.arange(self.num_classes + 1) % self.num_classes
        sure = torch.eye(self.num_classes)[target]
        right, wrong = (self.tried(self.output_of(sure.roll(by, 1)), target) for by in (0, 1))
        if not right < wrong:
            raise self.unfitting("no less where the class is right than where it is wrong")
