"""How the outputs of derived tasks come of those of others, in a model's forward pass."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from torch import Tensor

from mtl_cli.basis.errors import nearest, problem
from mtl_cli.task.base import Task
from mtl_cli.task.derived import Derived, order_of
from mtl_cli.task.tower import Tower
from mtl_cli.task.two_classes import TwoClasses


class Derivation:
    """The derived tasks of a model, each after those that it is made of.

    Args:
        tasks: all of the model's.

    Attributes:
        parts: the tasks that some task is made of.

    Raises:
        ValueError: where a task is made of itself, of what is no task, of one of another kind, or
            of one that reads another input; likewise of what losses read.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        named = {task.name: task for task in tasks}
        found = {name: task for name, task in named.items() if isinstance(task, Derived)}
        order = order_of({name: task.of for name, task in found.items()}, list(named))
        self.tasks: dict[str, Derived] = {name: found[name] for name in order}
        self.parts = {part for task in self.tasks.values() for part in task.of}
        for name, derived in self.tasks.items():
            fitting = [own for own in named if own != name and derived.fits(named[own])]
            check_parts(named[name], derived, [named[part] for part in derived.of], fitting)
        for task in tasks:
            check_read(task, named)

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


def check_parts(
    task: Task, derived: Derived, parts: Sequence[Task], fitting: Sequence[str]
) -> None:
    """Refuses parts of another kind, or of other examples; offers those that are ``fitting``."""
    slot = f"tasks.{task.name}"
    for part in parts:
        if not derived.fits(part):
            rule = "must name binary tasks, or products of such"
            others = [name for name in fitting if name not in derived.of]
            kept = [name for name in derived.of if name in fitting] + others
            fix = f"'{slot}.of=[{','.join(kept[:2])}]'"
            fix = fix if len(kept) > 1 else f"'~tasks.{task.name}'"
            raise problem(f"{slot}.of", rule, f"{part.name}, {part.kind()}", fix)
        if part.input != task.input:
            rule = f"must read the input that its parts read, {part.input}"
            fix = f"tasks.{task.name}.input={part.input} tasks.{part.name}.input={part.input}"
            raise problem(f"{slot}.input", rule, task.input, fix)


def check_read(task: Task, tasks: Mapping[str, Task]) -> None:
    """Refuses outputs that the loss of a task cannot read."""
    slot = f"tasks.{task.name}.loss"
    if task.reads and not isinstance(task, TwoClasses):
        raise task.unfitting("reads outputs of other tasks, and weighs labels 0 and 1")
    towers = getattr(task.criterion, "towers", ())
    for option, name in getattr(task.criterion, "reads", {}).items():
        kind, word = (Tower, "tower") if option in towers else (TwoClasses, "binary")
        others = [n for n, own in tasks.items() if isinstance(own, kind) and n != task.name]
        if name not in others:
            found = f"{name}, {tasks[name].kind()}" if name in tasks else name
            close = (others and nearest(str(name), others)) or (others or [name or word])[0]
            fix = f"{slot}.{option}={close}" + ("" if others else f" tasks.{close}={word}")
            raise problem(f"{slot}.{option}", f"must name a {word} task beside it", found, fix)
        if tasks[name].input != task.input:
            fix = f"tasks.{name}.input={task.input}"
            rule = f"must read the input that {task.name} reads, {task.input}"
            raise problem(f"tasks.{name}.input", rule, tasks[name].input, fix)
