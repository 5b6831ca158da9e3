"""Classification: one of several classes, as an integer; a missing label is -1."""

import torch
from torch import Tensor

<<<<<<< HEAD
from mtl_cli.task.base import Parts
from mtl_cli.task.class_index import ClassIndex
from mtl_cli.task.prior import TINY


class Multiclass(ClassIndex):
    """One of C classes as an integer from 0, [B]; the head gives C logits."""

    usual_loss = "cross_entropy"

    def __init__(self, parts: Parts, num_classes: int) -> None:
        super().__init__(parts, num_classes, out_features=num_classes)

    def label_weights(self, target: Tensor) -> Tensor | None:
        """Torch's cross-entropies divide by the sum of the weights of the labels' classes."""
        criterion = self.criterion
        if not isinstance(criterion, nn.CrossEntropyLoss | nn.NLLLoss):
            return None
        if criterion.weight is None and criterion.ignore_index < 0:
            return None
        own = torch.ones_like(target, dtype=torch.get_default_dtype())
        if criterion.weight is not None:
            own = criterion.weight[target.clamp(min=0)]
        return own.masked_fill(target == criterion.ignore_index, 0)

    def predict(self, output: Tensor) -> Tensor:
        return output.softmax(1)

    def output_of(self, prediction: Tensor) -> Tensor:
        return prediction.double().clamp(min=TINY).log().float()
=======
from mtl_cli.task.one_class import OneClass


class Multiclass(OneClass):
    """One of C classes as an integer from 0, [B]; the head gives C logits."""

    def keep_labelled(
        self, output: Tensor, target: Tensor, complete: bool, labels: int | None = None
    ) -> tuple[Tensor, Tensor]:
        if complete:
            return output, target
        return super().keep_labelled(output.movedim(1, -1), target, complete, labels)  # [.., C]
>>>>>>> a5b77a8 (Tasks of every pixel: segmentation, depth, normals and edges, heads of maps, and architectures that give features after any stage)

    def example_target(self, batch_size: int) -> Tensor:
        return torch.zeros(batch_size, dtype=torch.long)
