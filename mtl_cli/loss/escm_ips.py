"""Inverse propensity scores: labels of clicked rows as if they stood for all impressions.

Wang et al., "ESCM2: Entire Space Counterfactual Multi-Task Model for Post-Click Conversion Rate
Estimation", SIGIR 2022, https://arxiv.org/abs/2204.05125, section 4.
"""

from torch import Tensor, nn

from mtl_cli.loss.clipped import check_least, errors, inverse


class ESCMIPS(nn.Module):
    """``1 / |D| sum_D o e(r, r^) / p``: cross-entropies e where there is a label, over all rows D.

    o is 1 where there is a label, and p the probability that another task gives to that (CTR),
    clipped from below; no gradient reaches it. Rows without a label add 0, and count as rows: where
    p is right, it is on the average the mean error of all rows. It is ESCM2-IPS beside the losses
    of CTR and of the product of both, with ``tasks.<name>.weight`` for the paper's lambda.

    Args:
        propensity: the binary task whose probability p is.
        least: to which p is clipped from below, above 0 and at most 1.
    """

    over_rows = True

    def __init__(self, propensity: str, least: float) -> None:
        super().__init__()
        check_least(least)
        self.reads = {"propensity": propensity}
        self.least = least

    def forward(self, output: Tensor, target: Tensor, propensity: Tensor) -> Tensor:
        """What each row adds, [B]."""
        there, error = errors(output, target)
        return inverse(there, propensity, self.least) * error
