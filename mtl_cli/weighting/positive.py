"""The check of methods that need losses above zero: they take logarithms, or quotients."""

from torch import Tensor

from mtl_cli.basis.errors import problem
from mtl_cli.weighting.base import Losses


def check_positive(method: str, losses: Losses, values: Tensor, rule: str = "above 0") -> None:
    """Refuses what is not above zero, and says which task it is of.

    It reads a number from the device, which a step pays for only here. A loss that is NaN passes:
    the trainer names it.

    Args:
        method: the choice of ``weighting=``.
        losses: ``{task: scalar}``.
        values: what must be above zero of each loss, [K].
        rule: where the losses have to be for that.
    """
    if not bool((values <= 0).any()):
        return
    task, loss = next((t, x) for (t, x), v in zip(losses.items(), values, strict=True) if v <= 0)
    fix = "weighting=fixed, or weighting=uw; or another loss of that task"
    raise problem(f"the loss of task {task!r}", f"must be {rule} for {method}", loss.item(), fix)
