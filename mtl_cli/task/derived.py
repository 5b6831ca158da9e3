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

        def fix(names: Sequence[str]) -> str:
            leave_out = f"'~tasks.{task}'"
            return f"'{slot}=[{','.join(names)}]'" if len(names) > 1 else leave_out

        if task in path:
            circle = " -> ".join([*path[path.index(task) :], task])
            headed = [name for name in known if name not in made_of]
            raise problem(slot, "must lead to tasks with heads", f"a circle: {circle}", fix(headed))
        for part in made_of[task]:
            if part not in known:
                others = [name for name in known if name != task]
                names = [name for name in made_of[task] if name in others]
                free = [name for name in others if name not in names]
                names += [nearest(part, free) or free[0]] if free else []
                raise problem(slot, f"must name tasks: {', '.join(others)}", part, fix(names))
            if part in made_of and part not in order:
                add(part, [*path, task])
        order.append(task)

    for task in made_of:
        if task not in order:
            add(task, [])
    return order
