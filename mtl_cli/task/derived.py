"""Tasks whose output is made of the outputs of other tasks, in place of a head."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from torch import Tensor

from mtl_cli.basis.errors import nearest, problem


class Derived(ABC):
    """What such a task is beside a `Task`.

    Attributes:
        of: the tasks whose outputs it is made of.
    """

    of: tuple[str, ...]

    @abstractmethod
    def derive(self, outputs: Sequence[Tensor]) -> Tensor:
        """Its output [B, O], from those of the tasks ``of``, in their order."""

    @abstractmethod
    def fits(self, part: object) -> bool:
        """Whether a task is of a kind that it can be made of."""


def order_of(made_of: Mapping[str, Sequence[str]], known: Sequence[str]) -> list[str]:
    """The derived tasks, each after those of them that it is made of.

    Args:
        made_of: ``{derived task: the tasks that it is made of}``.
        known: all tasks.

    Raises:
        ValueError: where a part is no task, or a task is made of itself.
    """
    order: list[str] = []

    def add(task: str, path: list[str]) -> None:
        slot = f"tasks.{task}.of"
        if task in path:
            circle = " -> ".join([*path[path.index(task) :], task])
            others = [name for name in known if name not in made_of] or ["ctr", "cvr"]
            rule, fix = "must lead to tasks with heads", f"'{slot}=[{','.join(others)}]'"
            raise problem(slot, rule, f"a circle: {circle}", fix)
        for part in made_of[task]:
            if part not in known:
                others = [name for name in known if name != task]
                close = nearest(part, others)
                names = [close if name == part and close else name for name in made_of[task]]
                rule, fix = f"must name tasks: {', '.join(others)}", f"'{slot}=[{','.join(names)}]'"
                raise problem(slot, rule, part, fix)
            if part in made_of and part not in order:
                add(part, [*path, task])
        order.append(task)

    for task in made_of:
        if task not in order:
            add(task, [])
    return order
