"""Regression: real-valued targets; a missing label is NaN."""

import math
import warnings
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mtl_cli.basis.errors import check_boolean, check_integer
from mtl_cli.task.base import Parts, Task
from mtl_cli.task.prior import mean_label

if TYPE_CHECKING:
    from torchmetrics import Metric


class Regression(Task):
    """Real-valued targets, [B] or [B, O].

    With ``standardize``, the head predicts, and the loss compares, targets scaled to mean 0 and
    standard deviation 1 on the train split; metrics and predictions stay in the original unit.
    What stands between is in double precision, which keeps the seconds of a time of 1.7e9 s.
    """

    usual_loss = "mse"
    mean: Tensor
    scale: Tensor

    def __init__(self, parts: Parts, num_outputs: int, standardize: bool) -> None:
        check_integer(f"{parts.slot}.num_outputs", num_outputs, 1, f"{parts.slot}.num_outputs=1")
        check_boolean(f"{parts.slot}.standardize", standardize)
        super().__init__(parts, num_outputs)
        self.standardize = standardize
        self.only_differences = False
        self.register_buffer("mean", torch.zeros(num_outputs, dtype=torch.float64))
        self.register_buffer("scale", torch.ones(num_outputs, dtype=torch.float64))

    def fit(self, target: Tensor) -> None:
        super().fit(target)
        if not self.standardize:
            return
        columns = target.reshape(len(target), self.out_features, -1).double()  # [B, O, ...]
        count = (~columns.isnan()).sum((0, 2)).clamp(min=1)  # [O]
        mean = columns.nan_to_num().sum((0, 2)) / count
        variance = (columns - mean[:, None]).nan_to_num().square().sum((0, 2)) / count
        self.mean.copy_(mean)
        self.scale.copy_(torch.where(variance > 0, variance.sqrt(), 1.0))

    def is_labelled(self, target: Tensor) -> Tensor:
        return ~target.isnan()

    def to_loss_unit(self, target: Tensor) -> Tensor:
        if self.standardize:
            mean, scale = (self.per_output(x, target) for x in (self.mean, self.scale))
            target = (target - mean) / scale
        return target.to(torch.get_default_dtype())

    def predict(self, output: Tensor) -> Tensor:
        if not self.standardize:
            return output
        return output * self.per_output(self.scale, output) + self.per_output(self.mean, output)

    def prior(self, target: Tensor) -> Tensor:
        """The mean of each output, in the original unit."""
        return mean_label(target, self.out_features).nan_to_num()

    def output_of(self, prediction: Tensor) -> Tensor:
        mean, scale = (self.per_output(x.cpu(), prediction) for x in (self.mean, self.scale))
        return ((prediction.double() - mean) / scale).float()

    def per_output(self, values: Tensor, like: Tensor) -> Tensor:
        """``values`` [O] in a shape that broadcasts over ``like`` [B] or [B, O, ...]."""
        return values.view(-1, *[1] * (like.dim() - 2))

    @torch.no_grad()
    def try_metrics(self) -> None:
        """Looks, too, whether all metrics are of differences alone, as the mean squared error is.

        They then see prediction and label less the mean of train: torchmetrics sums squares in
        single precision, in which R² of times of 1.7e9 s would be noise.
        """
        super().try_metrics()
        several = range(self.out_features) if self.out_features > 1 else ()
        self.numbers[:] = [{name: m.clone() for name, m in self.metrics.items()} for _ in several]
        label = self.example_target(8)
        prediction = label.roll(1, 0)
        found = [
            (self.tried_metric(metric, prediction, label, by) for by in (0.0, 8.0))
            for metric in self.metrics.values()
        ]
        self.only_differences = not self.plots and all(
            math.isclose(*two, rel_tol=1e-3) for two in found
        )

    @staticmethod
    def tried_metric(metric: "Metric", prediction: Tensor, label: Tensor, by: float) -> float:
        """The metric of both moved ``by`` some way; NaN where it has none."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            metric.update(prediction + by, label + by)
            try:
                return float(metric.compute())
            except (RuntimeError, ValueError):
                return math.nan
            finally:
                metric.reset()

    def compared(self, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Predictions and labels as metrics see them, the missing ones among them."""
        prediction = self.predict(self.align(output, target))
        kind = torch.promote_types(prediction.dtype, target.dtype)
        if self.standardize and self.only_differences:
            mean, kind = self.per_output(self.mean, target), output.dtype
            prediction, target = prediction - mean, target - mean
        return prediction.to(kind), target.to(kind)

    def score(
        self, output: Tensor, target: Tensor, complete: bool = False
    ) -> tuple[Tensor, Tensor]:
        return self.keep_labelled(*self.compared(output, target), complete)

    def score_numbers(self, output: Tensor, target: Tensor) -> list[tuple[Tensor, Tensor]]:
        if not self.numbers:
            return []
        predictions, labels = self.compared(output, target)
        return [
            self.keep_labelled(prediction, label, complete=False)
            for prediction, label in zip(predictions.unbind(1), labels.unbind(1), strict=True)
        ]

    def example_target(self, batch_size: int) -> Tensor:
        shape = (batch_size, *[self.out_features] * (self.out_features > 1))
        return torch.linspace(-1, 1, math.prod(shape)).view(shape)

    def try_loss(self) -> None:
        super().try_loss()
        target = self.example_target(4)
        right, wrong = self.tried(target, target), self.tried(target + 1, target)
        if not right < wrong:  # cross-entropy takes floats for probabilities, and would train
            raise self.unfitting("no less where the prediction is right than where it is wrong")
        target = target / 2 + 2.5  # from 2 to 3, where losses of a 0 or 1 fall or stay 0 for ever
        right = self.tried(target, target)
        if any(self.tried(target + far, target) <= right for far in (-1000, 1000)):
            raise self.unfitting(
                "no greater where the prediction is 1000 away than where it is right"
            )
