"""A constant learning rate, after a warm-up where one is asked for."""

from mtl_cli.scheduler.base import Scheduler


class Constant(Scheduler):
    """``factor = 1``."""

    def factor(self, step: int) -> float:
        return 1.0
