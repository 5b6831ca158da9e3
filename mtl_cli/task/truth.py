"""How far predicted probabilities are from the true ones, which made-up data knows."""

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, full

from mtl_cli.basis.errors import problem
from mtl_cli.task.base import Parts, Task
from mtl_cli.task.derived import Derived
from mtl_cli.task.prior import TINY, mean_label
from mtl_cli.task.two_classes import TwoClasses


class Truth(Task, Derived):
    """The output of another task of two classes, with true probabilities [B] as its labels.

    So errors are measured on all examples, also on those where the other task has no label. Its
    labels never train: who has them would need no model.

    Args:
        parts: what every task has; its head is not used, and its loss is ``none``.
        of: the name of the other task, in a list.

    Raises:
        ValueError: where ``of`` names no task or several, or there is a loss.
    """

    usual_loss = "none"
    trees_minimise: ClassVar[str] = "squared_error"

    def __init__(self, parts: Parts, of: list[str]) -> None:
        super().__init__(parts, out_features=1)
        names = list(of) if isinstance(of, list | tuple) else []
        if len(names) != 1 or not isinstance(names[0], str):
            rule = "must name the one task whose probabilities are measured, in a list"
            found = of if of else "none"
            raise problem(f"{parts.slot}.of", rule, found, f"'{parts.slot}.of=[cvr]'")
        if self.trained:
            slot = f"{parts.slot}.loss"
            rule = "must be none: true probabilities are there to measure, not to train"
            raise problem(slot, rule, type(parts.loss).__name__, f"{slot}=none")
        self.of = (names[0],)

    def derive(self, outputs: Sequence[Tensor]) -> Tensor:
        return outputs[0]

    def fits(self, part: object) -> bool:
        return isinstance(part, TwoClasses)

    def is_labelled(self, target: Tensor) -> Tensor:
        return ~target.isnan()

    def predict(self, output: Tensor) -> Tensor:
        return output.sigmoid()

    def prior(self, target: Tensor) -> Tensor:
        """The mean of the true probabilities."""
        return mean_label(target, 1).nan_to_num(nan=0.5)

    def output_of(self, prediction: Tensor) -> Tensor:
        return prediction.double().clamp(TINY, 1 - TINY).logit().float()

    def example_target(self, batch_size: int) -> Tensor:
        return full((batch_size,), 0.25)

    def check_targets(self, target: Tensor) -> None:
        wrong = target[(target < 0) | (target > 1)]
        if len(wrong):
            rule, fix = "has probabilities as its labels, from 0 to 1", "a target of such"
            raise problem(f"tasks.{self.name}", rule, wrong[0].item(), fix)
