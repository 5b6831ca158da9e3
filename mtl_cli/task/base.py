"""A task: the input that it reads, and the head, loss, metrics and weight that it brings.

Labels may be missing: NaN in a float target, -1 in a class target. They count neither in the loss,
which is the mean over the labelled examples, nor in the metrics.
"""

from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

from mtl_cli.basis.errors import check_number, problem
from mtl_cli.task.calibration import Calibrated
from mtl_cli.task.mean_loss import MeanLoss
from mtl_cli.task.tried_metric import try_metric

if TYPE_CHECKING:
    from torchmetrics import Metric

BALANCED = "balanced"  # a word for weights of classes: their labels in train say how much
Balance = Callable[[Tensor, int], Tensor]  # train labels and number of outputs to weights
MakeHead = Callable[[tuple[int, ...], int], nn.Module]


@dataclass(frozen=True)
class Parts:
    """What every task has, of whatever kind it is.

    Args:
        name: the key of the task's targets, losses and metrics.
        input: the name of the input that it reads.
        head: makes the head from the shape of the features and the number of outputs.
        loss: ``loss(output, target)``, the mean over the labels; with an attribute ``reduction``
            of "sum", their sum, which is divided by their number.
        metrics: ``{name: metric}``; the first one is what reports compare.
        plots: ``{name: metric}``, of metrics that draw themselves: computed once, on test.
        weight: multiplies the task's loss before any weighting sees it.
        balanced: the options of the loss that are to weigh classes by their train labels.
        weight_decay: multiplies the weight after each epoch.
        shift: added to the logit of a binary task, where its labels say which train rows are kept.
    """

    name: str
    input: str
    head: MakeHead
    loss: nn.Module
    metrics: Mapping[str, "Metric"]
    plots: Mapping[str, "Metric"]
    weight: float
    balanced: Collection[str] = ()
    weight_decay: float = 1.0
    shift: float = 0.0

    @property
    def slot(self) -> str:
        """Where they stand in a configuration."""
        return f"tasks.{self.name}"


class Task(Calibrated, MeanLoss):
    """What all kinds of tasks have in common.

    Args:
        parts: what every task has.
        out_features: O, the number of outputs of the head.
    """

    def __init__(self, parts: Parts, out_features: int) -> None:
        super().__init__()
        loss, slot = parts.loss, parts.slot
        check_number(f"{slot}.weight", parts.weight, f"{slot}.weight=1.0", 0)
        decay = self.weight_decay = parts.weight_decay
        check_number(f"{slot}.weight_decay", decay, f"{slot}.weight_decay=1.0", 0)
        if not isinstance(loss, nn.Module):
            rule = "is a whole part, chosen by its name"
            raise problem(f"{slot}.loss", rule, loss, f"{slot}.loss={loss}")
        self.name = parts.name
        self.input = parts.input
        self.make_head = parts.head
        self.criterion = loss
        self.shift = parts.shift
        check_number(f"{slot}.shift", self.shift, f"{slot}.shift=0.0")
        self.trained = bool(getattr(loss, "trains", True))
        self.reads = tuple(getattr(loss, "reads", {}).values())  # tasks, by their outputs
        self.over_rows = bool(getattr(loss, "over_rows", False))
        self.weight = parts.weight
        self.out_features = out_features
        self.balanced = tuple(parts.balanced)
        for option in self.balanced:  # a part of the state, for evaluation and resume
            self.check_balanced(option)
            loss.register_buffer(option, self.balance(option, self.example_target(1)))
        for option, weights in self.class_weights().items():
            if not ((weights >= 0) & weights.isfinite()).all():
                rule, fix = "must be finite and at least 0", f"{slot}.loss.{option}={BALANCED}"
                raise problem(f"{slot}.loss.{option}", rule, str(weights.tolist()), fix)
        # Not submodules: no part of the model's state.
        self.__dict__ |= {"metrics": dict(parts.metrics), "plots": dict(parts.plots), "numbers": []}

    metrics: dict[str, "Metric"]
    plots: dict[str, "Metric"]
    numbers: list[dict[str, "Metric"]]  # of each number, where a task has several
    size: tuple[int, int] | None = None  # height and width of the labels, where those are maps
    has_labels: ClassVar[bool] = True
    of_classes: ClassVar[bool] = False  # whether labels are classes, not numbers
    trees_minimise: ClassVar[str] = "squared_error"  # of numbers, in scikit-learn's words
    balances: ClassVar[Mapping[str, Balance]] = {}  # {option of a loss that weighs classes: how}

    def weight_at(self, epoch: int) -> float:
        """What multiplies the loss in an epoch, from 1: ``weight * weight_decay^(epoch - 1)``."""
        return self.weight * self.weight_decay ** (epoch - 1)

    @abstractmethod
    def predict(self, output: Tensor) -> Tensor:
        """What users and metrics read: probabilities, or values in the original unit."""

    @abstractmethod
    def example_target(self, batch_size: int) -> Tensor:
        """A valid target, to try the loss on."""

    def example_output(self, batch_size: int) -> Tensor:
        """What a head could give, likewise."""
        return torch.zeros(batch_size, self.out_features)

    def prior(self, target: Tensor) -> Tensor | None:
        """What can be predicted without an input, from the train labels: one prediction [1, O, ...]
        for every example. None: there are no labels to predict."""
        return None

    def output_of(self, prediction: Tensor) -> Tensor:
        """The output [B, O, ...] of a head that would predict this, [B, O, ...]."""
        return prediction

    def check_targets(self, target: Tensor) -> None:
        """Refuses labels that the task cannot have."""

    def fit(self, target: Tensor) -> None:
        """Learns what it has to know of the train targets, before training."""
        for option in self.balanced:
            getattr(self.criterion, option).copy_(self.balance(option, target))

    @property
    def num_classes(self) -> int:
        """How many classes its labels may be, or for how many labels or numbers it has outputs."""
        return self.out_features

    def balance(self, option: str, target: Tensor) -> Tensor:
        """The weights of classes that an option of the loss is to have, for these labels."""
        return self.balances[option](target, self.num_classes)

    def class_weights(self) -> dict[str, Tensor]:
        """The weights of classes that the loss has, by its options."""
        kept = self.criterion._buffers
        return {name: own for name in self.balances if (own := kept.get(name)) is not None}

    def check_balanced(self, option: str) -> None:
        """Refuses to balance what is no weight of this task's classes."""
        own = [name for name in self.balances if name in self.criterion._buffers]
        if option not in own:
            slot = f"tasks.{self.name}.loss"
            rule = "must be null, a number or a list of numbers"
            fix = f"{slot}.{own[0]}=balanced" if own else f"{slot}.{option}=null"
            raise problem(f"{slot}.{option}", rule, BALANCED, fix)

    def try_loss(self) -> None:
        """Refuses a loss that does not fit the task, by trying it on made-up labels."""
        target = self.example_target(4)
        output = self.example_output(4)
        self.tried(self.align(output, target), target)

    def tried(self, output: Tensor, target: Tensor) -> Tensor:
        """The loss, or an error that says why there is none."""
        try:
            return self.criterion(output, target, *[output] * len(self.reads))
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            raise self.unfitting(str(error).splitlines()[0]) from error

    @torch.no_grad()
    def try_metrics(self) -> None:
        """Refuses a metric that cannot read the task or gives several numbers, in the same way."""
        target = self.example_target(8)
        prediction, label = self.score(self.example_output(8), target)
        for name, metric in self.metrics.items():
            slot = f"tasks.{self.name}.metrics.{name}"
            try_metric(metric, slot, self.kind(), prediction, label)

    def score(
        self, output: Tensor, target: Tensor, complete: bool = False
    ) -> tuple[Tensor, Tensor]:
        """What a metric compares: predictions and labels, without the missing ones."""
        return self.keep_labelled(self.predict(self.align(output, target)), target, complete)

    def score_numbers(self, output: Tensor, target: Tensor) -> list[tuple[Tensor, Tensor]]:
        """What the metrics of each number compare, where a task has several."""
        return []
