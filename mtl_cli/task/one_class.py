"""What tasks have in common whose head gives a logit for each class, of examples or of pixels."""

import torch
from torch import Tensor, nn

from mtl_cli.task.base import Parts
from mtl_cli.task.class_index import ClassIndex
from mtl_cli.task.prior import TINY


class OneClass(ClassIndex):
    """One of C classes as an integer from 0, [B, ...]; the head gives C logits, [B, C, ...]."""

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
