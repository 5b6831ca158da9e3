"""What tasks with labels 0 and 1 have in common; a missing label is NaN."""

from typing import ClassVar

from torch import Tensor

from mtl_cli.basis.errors import problem
from mtl_cli.task.balance import positive_weights
from mtl_cli.task.base import Task
from mtl_cli.task.prior import TINY, mean_label


class ZeroOne(Task):
    """Labels 0 and 1 as floats; the head gives a logit for each."""

    usual_loss = "bce"
    of_classes = True
    balances: ClassVar = {"pos_weight": positive_weights}

    def is_labelled(self, target: Tensor) -> Tensor:
        return ~target.isnan()

    def predict(self, output: Tensor) -> Tensor:
        return output.sigmoid()

    def prior(self, target: Tensor) -> Tensor:
        """The share of ones among each label's, a half where it has none."""
        return mean_label(target, self.out_features).nan_to_num(nan=0.5)

    def output_of(self, prediction: Tensor) -> Tensor:
        return prediction.double().clamp(TINY, 1 - TINY).logit().float()

    def check_targets(self, target: Tensor) -> None:
        wrong = target[~((target == 0) | (target == 1) | target.isnan())]
        if len(wrong):
            kind = type(self).__name__.lower()
            rule = f"is {kind}: its labels must be 0 or 1 (NaN where missing)"
            raise problem(
                f"tasks.{self.name}", rule, wrong[0].item(), "task=regression or multiclass"
            )
