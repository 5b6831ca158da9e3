"""The head of a task on what an architecture gives it."""

from typing import Any

from torch import nn

from mtl_cli.arch.base import Architecture
from mtl_cli.basis.errors import problem
from mtl_cli.head.dense import DenseHead
from mtl_cli.task.base import Task


def make_head(task: Task, arch: Architecture) -> nn.Module:
    """The head; of one that reads maps the architecture is told which stages it reads.

    Raises:
        ValueError: where a task of maps has a head of vectors, or the other way round.
    """
    name, make = task.name, task.make_head
    kind = class_of(make)
    slot, dense = f"tasks.{name}.head", isinstance(kind, type) and issubclass(kind, DenseHead)
    if task.size is None:
        if dense:
            rule = "gives maps, and needs a task whose labels are maps"
            found = f"{kind.__name__} for a task with one label an example"
            raise problem(slot, rule, found, f"{slot}=linear")
        return make(arch.out_shapes[name], task.out_features)
    if not dense:
        rule = "must give maps, since the labels are maps"
        raise problem(slot, rule, getattr(kind, "__name__", kind), f"{slot}=fcn, or head=fcn")
    make_dense: Any = make
    shapes = arch.stage_shapes.get(name, [arch.out_shapes[name]])
    head: DenseHead = make_dense(shapes, task.out_features, size=task.size)
    arch.taps[name] = head.taps
    return head


def class_of(make: Any) -> Any:
    """The class that a factory, a partial or the class itself makes."""
    return getattr(make, "kind", getattr(make, "func", make))
