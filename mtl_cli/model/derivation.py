"""How the outputs of derived tasks come of those of others, in a model's forward pass."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from torch import Tensor

from mtl_cli.basis.errors import problem
from mtl_cli.task.base import Task
from mtl_cli.task.derived import Derived, order_of


class Derivation:
    """The derived tasks of a model, each after those that it is made of.

    Args:
        tasks: all of the model's.

    Raises:
        ValueError: where a task is made of itself, of what is no task, of one of another kind, or
            of one that reads another input.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        named = {task.name: task for task in tasks}
        found = {name: task for name, task in named.items() if isinstance(task, Derived)}
        order = order_of({name: task.of for name, task in found.items()}, list(named))
        self.tasks: dict[str, Derived] = {name: found[name] for name in order}
        for name, derived in self.tasks.items():
            check_parts(named[name], derived, [named[part] for part in derived.of])

    def needed(self, tasks: Collection[str] | None) -> Collection[str] | None:
        """The tasks with all that they are made of; None: all."""
        if tasks is None or not self.tasks:
            return tasks
        needed = set(tasks)
        for name, task in reversed(self.tasks.items()):
            if name in needed:
                needed.update(task.of)
        return needed

    def add(
        self, outputs: dict[str, Tensor], order: Mapping[str, Task], tasks: Collection[str] | None
    ) -> dict[str, Tensor]:
        """The outputs of ``tasks`` (all, where None) in their order, from those of heads."""
        if not self.tasks:
            return outputs
        for name, task in self.tasks.items():
            if all(part in outputs for part in task.of):
                outputs[name] = task.derive([outputs[part] for part in task.of])
        wanted = order if tasks is None else tasks
        return {name: outputs[name] for name in order if name in outputs and name in wanted}


def check_parts(task: Task, derived: Derived, parts: Sequence[Task]) -> None:
    """Refuses parts of another kind, or of other examples."""
    slot = f"tasks.{task.name}"
    for part in parts:
        if not derived.fits(part):
            rule, fix = "must name binary tasks, or products of such", f"tasks.{part.name}=binary"
            raise problem(f"{slot}.of", rule, f"{part.name}, {part.kind()}", fix)
        if part.input != task.input:
            rule = f"must read the input that its parts read, {part.input}"
            fix = f"tasks.{task.name}.input={part.input} tasks.{part.name}.input={part.input}"
            raise problem(f"{slot}.input", rule, task.input, fix)
