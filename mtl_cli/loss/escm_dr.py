"""Doubly robust: errors are imputed where there is no label, and corrected where there is one.

Wang et al., "ESCM2: Entire Space Counterfactual Multi-Task Model for Post-Click Conversion Rate
Estimation", SIGIR 2022, https://arxiv.org/abs/2204.05125, section 4.
"""

from torch import Tensor, nn

from mtl_cli.loss.clipped import check_least, errors, inverse


class ESCMDR(nn.Module):
    """``1 / |D| sum_D [e^ + o (e - e^) / p] + 1 / |D| sum_D o (e - e^)^2 / p``, over all rows D.

    e is the cross-entropy where there is a label (o = 1), p the probability of its being there,
    and e^ = softplus of the output of an imputation tower. The first sum is on the average that of
    all rows' errors if p is right or e^ is; the second trains the tower alone: were it to reach the
    prediction, e's variance would be minimised too, and rates pulled towards a half. No gradient
    reaches p.

    Args:
        propensity: the binary task whose probability p is.
        imputation: the task, of one output, that imputes: ``tasks.<name>=tower``.
        least: to which p is clipped from below, above 0 and at most 1.
    """

    over_rows = True
    towers = ("imputation",)  # what it reads that is no probability

    def __init__(self, propensity: str, imputation: str, least: float) -> None:
        super().__init__()
        check_least(least)
        self.reads = {"propensity": propensity, "imputation": imputation}
        self.least = least

    def forward(
        self, output: Tensor, target: Tensor, propensity: Tensor, imputation: Tensor
    ) -> Tensor:
        """What each row adds, [B]."""
        there, error = errors(output, target)
        imputed = nn.functional.softplus(imputation)
        weight = inverse(there, propensity, self.least)
        return doubly_robust(weight, error, imputed) + weight * (error.detach() - imputed).square()


def doubly_robust(weight: Tensor, error: Tensor, imputed: Tensor) -> Tensor:
    """``e^ + o (e - e^) / p`` of each row, [B], with the weight ``o / p``."""
    return imputed + weight * (error - imputed)
