"""Binary classification: two classes as floats 0 and 1; a missing label is NaN."""

from mtl_cli.task.base import Parts
from mtl_cli.task.two_classes import TwoClasses


class Binary(TwoClasses):
    """Two classes as floats 0 and 1, [B]; the head gives one logit."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
