"""A product of probabilities, as of a click and of a conversion after it: CTCVR = CTR x CVR.

Ma et al., "Entire Space Multi-Task Model: An Effective Approach for Estimating Post-Click
Conversion Rate", SIGIR 2018, https://arxiv.org/abs/1804.07931, equation 1.
"""

from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor

from mtl_cli.basis.errors import problem
from mtl_cli.task.base import Parts
from mtl_cli.task.derived import Derived
from mtl_cli.task.two_classes import TwoClasses


class Product(TwoClasses, Derived):
    """Two classes, of which the second has the probability ``p_1 p_2 ...`` of other tasks' second.

    Its output is the logit of that, so losses, metrics and predictions are those of any binary
    task: for two logits a and b, ``z = -log(e^-a + e^-b + e^-(a + b))``, and so on along a chain.
    No probability is rounded to 0 or 1 on the way, as where probabilities are multiplied.

    Args:
        parts: what every task has; its head is not used.
        of: the names of two or more binary tasks, or products, that read one input.

    Raises:
        ValueError: where ``of`` is no list of two or more different names.
    """

    def __init__(self, parts: Parts, of: list[str]) -> None:
        super().__init__(parts)
        self.of = tuple(checked(f"{parts.slot}.of", of))

    def derive(self, outputs: Sequence[Tensor]) -> Tensor:
        exact = torch.promote_types(outputs[0].dtype, torch.float32)
        return reduce(product, (output.to(exact) for output in outputs))

    def fits(self, part: object) -> bool:
        return isinstance(part, TwoClasses)


def product(a: Tensor, b: Tensor) -> Tensor:
    """The logit of ``sigmoid(a) sigmoid(b)``."""
    return -torch.logsumexp(torch.stack([-a, -b, -a - b]), 0)


def checked(slot: str, of: object) -> list[str]:
    """The names of a list of them."""
    names = list(of) if isinstance(of, list | tuple) else []
    if len(names) < 2 or len({*map(str, names)}) < len(names) or not all(map(is_word, names)):
        rule = "must name the tasks whose probabilities are multiplied, two or more different ones"
        raise problem(slot, rule, of if of else "none", f"'{slot}=[ctr,cvr]'")
    return names


def is_word(name: object) -> bool:
    return isinstance(name, str)
