"""Which classes the pixels of all pictures have, and whether train has what it takes to learn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.maps.map_target import CLASSES, MapTarget
from mtl_cli.dataset.maps.offered import offered

Seen = Mapping[int, np.ndarray]  # {class: the pixels of each picture that have it}
SHOWN = 8  # classes in a message


def names_of(target: MapTarget, seen: Seen, files: Sequence[Path | None]) -> list[str]:
    """The classes of a target, by their numbers: those of its map, else 0, 1, ...

    Args:
        target: what to predict.
        seen: which classes pictures have.
        files: of the target, a picture each.

    Raises:
        ValueError: where nobody says how many there are and the numbers leave some out.
    """
    if target.names:
        return target.names
    if target.kind not in CLASSES:
        return []
    count = target.num_classes or max(seen, default=0) + 1
    if target.num_classes is None and 1 < len(seen) < count:
        there = ", ".join(map(str, sorted(seen)[:SHOWN])) + ", ..." * (len(seen) > SHOWN)
        fix = offered(target, map={label: f"class_{label}" for label in sorted(seen)})
        fix += f", or {offered(target, num_classes=count)} where the others are classes too"
        rule = "must have classes 0, 1, 2, ... without a gap, unless it says how many there are"
        raise problem(target.slot, rule, f"the values {there}{rarest(seen, files)}", fix)
    return [str(number) for number in range(count)]


def rarest(seen: Seen, files: Sequence[Path | None]) -> str:
    """Where the class is that the fewest pictures have: it is most likely the odd one."""
    label = min(seen, key=lambda own: (np.count_nonzero(seen[own]), -own))
    there = np.flatnonzero(seen[label])
    return f"; {label} in {len(there)} of {len(files)} pictures, first in {files[there[0]]}"


def check_train(
    target: MapTarget, names: Sequence[str], seen: Seen, train: np.ndarray
) -> list[str]:
    """Refuses a target of which train teaches nothing; gives what is to be said of its classes.

    Args:
        target: what to predict.
        names: of its classes.
        seen: which of them pictures have.
        train: the pictures to train on.
    """
    here = {label: int(counts[train].sum()) for label, counts in seen.items()}
    there = [label for label, pixels in here.items() if pixels]
    thing, fix = f"tasks.{target.task}", f"another dataset.split, or '~tasks.{target.task}'"
    if not there:
        raise problem(thing, "must have a labelled pixel in train", "none", fix)
    if target.kind not in CLASSES:
        return []
    if len(there) < 2:
        gone = ", ".join(map(str, target.gone)) or "nothing"
        found = f"{names[there[0]]} alone; what counts as missing: {gone}"
        if target.map is None and 255 in target.gone and there == [0]:
            values = {0: 0, 255: 1} if target.kind == "edges" else {0: "other", 255: "it"}
            fix = f"{offered(target, map=values)}, where 255 is a class"
        raise problem(thing, "must have pixels of two classes in train", found, fix)
    lost = [name for label, name in enumerate(names) if label not in there]
    if not lost:
        return []
    shown = ", ".join(lost[:SHOWN]) + f" and {len(lost) - SHOWN} more" * (len(lost) > SHOWN)
    return [f"WARNING     {target.task}: no pixel of train is of class {shown}"]
