"""Two functions of two numbers whose gradients conflict: a known picture of what methods do.

Liu, Liu, Jin, Stone & Liu, "Conflict-Averse Gradient Descent for Multi-task Learning", NeurIPS
2021, https://arxiv.org/abs/2110.14048, section 5.1 and appendix B; used with other starts and
scales in Navon et al., "Multi-Task Learning as a Bargaining Game", ICML 2022,
https://arxiv.org/abs/2202.01017, section 6.1.
"""

import torch
from torch import Tensor, nn

from mtl_cli.basis.errors import problem

SMALLEST = 5e-6  # below which the logarithm's argument does not fall


class Toy(nn.Module):
    """``c1(x) f(x) + c2(x) g(x)``, the mean over the examples; the target is not read.

    ``f1 = log(max(|0.5 (-x1 - 7) - tanh(-x2)|, 5e-6)) + 6``,
    ``f2 = log(max(|0.5 (-x1 + 3) + tanh(-x2) + 2|, 5e-6)) + 6``,
    ``g1 = ((-x1 + 7)^2 + 0.1 (-x2 - 8)^2) / 10 - 20``,
    ``g2 = ((-x1 - 7)^2 + 0.1 (-x2 - 8)^2) / 10 - 20``,
    ``c1 = max(tanh(0.5 x2), 0)``, ``c2 = max(tanh(-0.5 x2), 0)``.

    Args:
        which: 1 for f1 and g1, 2 for f2 and g2.
    """

    def __init__(self, which: int) -> None:
        super().__init__()
        if which not in (1, 2):
            raise problem("loss.which", "must be 1 or 2", which, "loss.which=1")
        self.which = which

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        x1, x2 = output.unbind(1)
        if self.which == 1:
            inside, centre = 0.5 * (-x1 - 7) - torch.tanh(-x2), 7.0
        else:
            inside, centre = 0.5 * (-x1 + 3) + torch.tanh(-x2) + 2, -7.0
        f = inside.abs().clamp(min=SMALLEST).log() + 6
        g = ((-x1 + centre).square() + 0.1 * (-x2 - 8).square()) / 10 - 20
        c1, c2 = (torch.tanh(0.5 * side * x2) for side in (1, -1))
        # At x2 = 0 both have a slope, as in the papers' code: a point that starts there moves.
        c1, c2 = c1 * (c1 >= 0), c2 * (c2 >= 0)
        return (c1 * f + c2 * g).mean()
