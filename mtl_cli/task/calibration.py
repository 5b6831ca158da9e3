"""Logits of a sample of the rows, made those of all rows."""

from torch import Tensor


class Calibrated:
    """The part of a `Task` that knows by how much a sample of train shifts its logit.

    He et al., "Practical Lessons from Predicting Clicks on Ads at Facebook", ADKDD 2014,
    https://doi.org/10.1145/2648584.2648589, section 6.3: where a share w of the rows of class 0 is
    kept, ``p' = p / (p + (1 - p) / w)``, which adds log w to the logit.

    Attributes:
        shift: what is added; 0: train has all rows.
    """

    shift: float

    def calibrated(self, output: Tensor) -> Tensor:
        """The output for all rows, from what the head learned of a sample of them."""
        return output + self.shift if self.shift else output

    def as_trained(self, output: Tensor) -> Tensor:
        """The output for the sample, which the training loss compares."""
        return output - self.shift if self.shift else output
