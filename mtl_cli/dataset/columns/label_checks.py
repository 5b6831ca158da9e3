"""What labels cannot be: unmapped, constant, of one class in train, or of another kind."""

from __future__ import annotations

from torch import Tensor

from mtl_cli.basis.errors import Problem, problem
from mtl_cli.basis.numerals import is_number
from mtl_cli.dataset.columns.spelling import as_map, joined
from mtl_cli.dataset.files.cells import SeenLabels

MANY = 20  # classes; where most labels differ, too, they are no classes


def unmapped(thing: str, unknown: list[str], seen: SeenLabels, rule: str, fix: str) -> Problem:
    """The error for labels, or other words in a column, that stand for nothing."""
    found = "; ".join(
        f"{label!r} ({seen.counts[label]} times, first in {seen.first[label]})"
        for label in unknown[:3]
    )
    found += f"; and {len(unknown) - 3} more" if len(unknown) > 3 else ""
    return problem(thing, rule, found, fix)


def check_kind(task: str, kind: str, names: list[str], num_labels: int) -> None:
    """Refuses classes that are none of the kind that was said."""
    few = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    numbers = all(map(is_number, names))
    many = 2 * len(names) > num_labels
    fractions = numbers and any(not float(x).is_integer() for x in names)
    if len(names) < 2:
        rule, fix = "must have labels of two classes", f"'~tasks.{task}'"
    elif kind == "binary" and len(names) > 2:
        other = "regression" if numbers and len(names) > MANY else "multiclass"
        fix = f"'dataset.targets={{{task}: {other}}}'"
        if (meant := joined(names)) and len({*meant.values()}) == 2:
            fix = f"map: {as_map(meant)} in dataset.targets.{task}, since capitals alone differ"
        rule = "is binary: it must have two labels"
    elif kind in ("multiclass", "ordinal") and len(names) > MANY and (many or fractions):
        rule = f"is {kind}: its labels must be classes"
        fix = f"'dataset.targets={{{task}: regression}}'" if numbers else f"'~tasks.{task}'"
    else:
        return
    found = f"{len(names)} different ones in {num_labels} labels: {few}"
    raise problem(f"tasks.{task}", rule, found, fix)


def check_train_targets(task: str, kind: str, names: list[str], target: Tensor) -> None:
    """Refuses train labels that nothing can be learned from: constant ones, or of one class.

    Of several numbers, each has to vary.
    """
    if kind in ("regression", "count", "amount"):
        several = target.dim() > 1
        for i, own in enumerate(target.unbind(1) if several else [target]):
            thing = f"tasks.{task}, column {names[i]}," if several else f"tasks.{task}"
            check_varies(thing, labelled(own), f"'~tasks.{task}'")
        return
    there = labelled(target)
    if not len(there):
        raise problem(f"tasks.{task}", "must have a label in train", "none", f"'~tasks.{task}'")
    if kind in ("binary", "multiclass", "ordinal"):
        known = there.unique().tolist()
        if len(known) < 2:
            lacking = [name for i, name in enumerate(names) if i not in known]
            shown = ", ".join(lacking[:5]) + ", ..." * (len(lacking) > 5)
            rule, fix = (
                "must have two classes in train, or nothing tells them apart",
                "another split, or a label map",
            )
            raise problem(f"tasks.{task}", rule, f"no {shown}", fix)


def check_varies(thing: str, there: Tensor, fix: str) -> None:
    """Refuses numbers that are all alike, or of which there is none."""
    if not len(there):
        raise problem(thing, "must have a label in train", "none", fix)
    if there.min() == there.max():
        found = f"{there[0].item():g} in all {len(there)} rows"
        raise problem(thing, "must vary in train", found, fix)


def labelled(target: Tensor) -> Tensor:
    """The labels that are there, without the missing ones."""
    return target[~target.isnan() if target.is_floating_point() else target != -1]
