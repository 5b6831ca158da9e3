"""What tasks with labels 0 and 1 have in common; a missing label is NaN."""

from torch import Tensor

from mtl_cli.errors import problem
from mtl_cli.task.base import Task


class ZeroOne(Task):
    """Labels 0 and 1 as floats; the head gives a logit for each."""

    usual_loss = "bce"

    def is_labelled(self, target: Tensor) -> Tensor:
        return ~target.isnan()

    def predict(self, output: Tensor) -> Tensor:
        return output.sigmoid()

    def check_targets(self, target: Tensor) -> None:
        wrong = target[~((target == 0) | (target == 1) | target.isnan())]
        if len(wrong):
            kind = type(self).__name__.lower()
            rule = f"is {kind}: its labels must be 0 or 1 (NaN where missing)"
            raise problem(
                f"tasks.{self.name}", rule, wrong[0].item(), "task=regression or multiclass"
            )
