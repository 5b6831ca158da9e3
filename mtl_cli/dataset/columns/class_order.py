"""In which order the classes of a target are: by value, by the alphabet, or as somebody says."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.files.cells import is_number, sort_names


def in_order(
    task: str, kind: str, names: Collection[str], order: Sequence[str] | None
) -> list[str]:
    """The classes in the order of their indices.

    Args:
        task: the task's name.
        kind: its kind; the classes of an ordinal target need an order that means something.
        names: the classes that there are.
        order: all classes from the lowest to the highest; None: numbers by their value.

    Raises:
        ValueError: where a class has no place in the order, or words have none.
    """
    if order is not None:
        if lacking := [name for name in sort_names(names) if name not in order]:
            thing, fix = f"dataset.targets.{task}.order", f"[{', '.join([*order, *lacking])}]"
            rule, found = "must have a place for each class", f"none for {', '.join(lacking[:5])}"
            raise problem(thing, rule, found, f"{fix}, from the lowest to the highest")
        return list(order)
    known = sort_names(names)
    if kind == "ordinal" and len(known) > 1 and not all(map(is_number, known)):
        rule = "is ordinal: its classes must be numbers, or their order be said"
        found = ", ".join(known[:5]) + ", ..." * (len(known) > 5)
        said = f"{{kind: ordinal, order: [{', '.join(known)}]}}"
        fix = f"'dataset.targets.{task}={said}', with these put from the lowest to the highest"
        raise problem(f"tasks.{task}", rule, found, fix)
    return known
