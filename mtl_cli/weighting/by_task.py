"""Numbers that belong to tasks one by one: those that a user gives, and those of a step's tasks."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from mtl_cli.basis.errors import check_number, problem
from mtl_cli.basis.rows import on_device


def check_each(
    option: str, given: Sequence[float] | None, tasks: Sequence[str], default: float
) -> list[float]:
    """The numbers for each task, in their order; the default where None are given.

    Raises:
        ValueError: where it is not one finite number for each task.
    """
    if given is None:
        return [default] * len(tasks)
    fix = f"'{option}={[default] * len(tasks)}'"
    if not isinstance(given, list | tuple) or len(given) != len(tasks):
        raise problem(option, f"must have a number for each task: {', '.join(tasks)}", given, fix)
    for number in given:
        check_number(f"each number of {option}", number, fix)
    return [float(number) for number in given]


def places(tasks: Sequence[str], present: Iterable[str], device: torch.device) -> slice | Tensor:
    """The index of the present tasks' entries in a tensor of all, in the order of ``present``.

    Args:
        tasks: all of them.
        present: some of them.
        device: of the tensor.
    """
    names = list(present)
    if names == list(tasks):
        return slice(None)
    return on_device([tasks.index(name) for name in names], device)
