"""First values of a parameter that a config gives, in place of those drawn at random."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mtl_cli.basis.errors import problem

Matrix = Sequence[Sequence[float]]


def set_initial(slot: str, parameter: Tensor, values: Matrix | None) -> None:
    """Gives a matrix its first values; leaves it as it is where they are None.

    Raises:
        ValueError: where they are no numbers, or not as many.
    """
    if values is None:
        return
    rows, columns = parameter.shape
    rule, fix = f"must be {rows} lists of {columns} numbers each, or null", f"{slot}=null"
    try:
        given = torch.tensor(values, dtype=parameter.dtype)
    except (TypeError, ValueError) as error:
        raise problem(slot, rule, values, fix) from error
    if given.shape != parameter.shape:
        raise problem(slot, rule, f"the shape {list(given.shape)}", fix)
    with torch.no_grad():
        parameter.copy_(given)
