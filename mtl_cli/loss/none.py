"""No loss: of a task that is measured and predicted, and never trained by labels of its own."""

from torch import Tensor, nn


class NoLoss(nn.Module):
    """0, whatever the output: no gradient comes of it.

    Attributes:
        trains: whether it is one of the losses of a step.
        reduction: as torch's losses have it.
    """

    trains = False

    def __init__(self) -> None:
        super().__init__()
        self.reduction = "mean"

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Zeros [], or of each label where ``reduction`` is ``none``."""
        return output.new_zeros(target.shape if self.reduction == "none" else ())
