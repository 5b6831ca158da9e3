"""Classification: one of several classes, as an integer; a missing label is -1."""

import torch
from torch import Tensor

from mtl_cli.task.one_class import OneClass


class Multiclass(OneClass):
    """One of C classes as an integer from 0, [B]; the head gives C logits."""

    def example_target(self, batch_size: int) -> Tensor:
        return torch.zeros(batch_size, dtype=torch.long)
