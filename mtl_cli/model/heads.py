"""The head of a task on what an architecture gives it."""

from typing import Any

from torch import nn

from mtl_cli.arch.base import Architecture
from mtl_cli.basis.errors import problem
from mtl_cli.head.dense import DenseHead, NoMap
from mtl_cli.task.base import Task


def make_head(task: Task, arch: Architecture, maps_by: str | None) -> nn.Module:
    """The head; of one that reads maps the architecture is told which stages it reads.

    Args:
        task: whose head it is.
        arch: gives its features.
        maps_by: what to type for an encoder that gives maps; None: another encoder.

    Raises:
        ValueError: where a task of maps has a head of vectors, or the other way round.
    """
    name, make = task.name, task.make_head
    kind = class_of(make)
    slot, dense = f"tasks.{name}.head", isinstance(kind, type) and issubclass(kind, DenseHead)
    where = getattr(make, "slot", slot)  # a task's own, or that of all
    if task.size is None:
        if dense:
            rule = "gives maps, and needs a task whose labels are maps"
            found = f"{kind.__name__} for a task with one label an example"
            more = ", or head=linear where no task has maps" * (where == "head")
            raise problem(slot, rule, found, f"{slot}=linear{more}")
        return make(arch.out_shapes[name], task.out_features)
    if not dense:
        rule = "must give maps, since the labels are maps"
        raise problem(slot, rule, getattr(kind, "__name__", kind), f"{where}=fcn")
    make_dense: Any = make
    shapes = arch.stage_shapes.get(name, [arch.out_shapes[name]])
    try:
        head: DenseHead = make_dense(shapes, task.out_features, size=task.size)
    except NoMap as error:
        fix = maps_by or "encoder=resnet"
        raise problem(
            slot, error.rule, error.found, fix if arch.stage_shapes else error.fix
        ) from None
    arch.taps[name] = head.taps
    return head


def class_of(make: Any) -> Any:
    """The class that a factory, a partial or the class itself makes."""
    return getattr(make, "kind", getattr(make, "func", make))
