"""Fixed weights: the sum of the losses, each times the weight that its task was given."""

from collections.abc import Sequence

from torch import Tensor, nn

from mtl_cli.weighting.base import Losses, Weighting


class Fixed(Weighting):
    """Minimises ``sum_k L_k``, where ``L_k`` holds the task's weight (``tasks.<name>.weight``).

    It adds no weights of its own, and reports none.
    """

    def backward(
        self,
        losses: Losses,
        shared: Sequence[nn.Parameter],
        specific: Sequence[nn.Parameter],
        extra: Tensor | None = None,
        features: Sequence[Tensor] = (),
    ) -> None:
        terms = [*losses.values(), *([] if extra is None else [extra])]
        sum(terms[1:], start=terms[0]).backward()
