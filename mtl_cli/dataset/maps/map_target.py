"""What a configuration says of a map to predict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from mtl_cli.basis.errors import check_choice, check_integer, check_number, nearest, problem
from mtl_cli.dataset.columns.labels import KINDS as LABELS
from mtl_cli.dataset.files.column_names import check_name

# {kind: (the type of what is kept, its channels; 0: a plane without a dimension of its own)}
KINDS: Mapping[str, tuple[type, int]] = {
    "segmentation": (np.int16, 0),
    "depth": (np.float32, 1),
    "normals": (np.float16, 3),
    "edges": (np.int8, 1),
}
CLASSES = ("segmentation", "edges")  # kinds whose pixels are classes
MISSING: Mapping[str, Sequence[float]] = {"segmentation": (255, -1), "edges": (255, -1)}
LARGEST = 32_767  # class
EXAMPLE = "'dataset.targets={road: segmentation, distance: depth}'"


@dataclass(frozen=True)
class MapTarget:
    """One target.

    Args:
        task: its name.
        kind: of `KINDS`.
        column: the column, or the folder, of its files; None: that of its name, or of its kind.
        missing: values that are missing labels; None: 255 and -1 of classes, 0 of depths. NaN is
            missing anyway, and so is a normal of length 0.
        map: ``{value: class}`` of a segmentation, or to 0 and 1 of edges; ``*`` stands for all
            other values, null for none. None: values are the numbers of the classes.
        num_classes: of a segmentation; None: as many as the files or the map have.
        scale: what depths are multiplied by: 0.001 makes metres of millimetres.
    """

    task: str
    kind: str
    column: str | None = None
    missing: Sequence[float] | None = None
    map: Mapping[Any, Any] | None = field(default=None, hash=False)
    num_classes: int | None = None
    scale: float = 1.0

    def __post_init__(self) -> None:
        slot = self.slot
        check_choice(f"{slot}.kind", self.kind, list(KINDS), f"{slot}.kind=segmentation")
        check_name(f"{slot}.column", self.column)
        for value in self.missing or ():
            check_number(f"each of {slot}.missing", value, f"'{slot}.missing=[255]'")
        self.check_map()
        if self.num_classes is not None:
            check_integer(f"{slot}.num_classes", self.num_classes, 2, f"{slot}.num_classes=5")
        check_number(f"{slot}.scale", self.scale, f"{slot}.scale=0.001", 1e-12)

    def check_map(self) -> None:
        """Refuses a map that is none, or of what has no classes."""
        if self.map is None:
            return
        edges = self.kind == "edges"
        values = [*self.map] if isinstance(self.map, Mapping) else []
        plain = all(value == "*" or is_number(value) for value in values)
        known = not edges or {str(own) for own in self.map.values()} <= {"0", "1", "None"}
        if not values or self.kind not in CLASSES or not plain or not known:
            mapping = "{0: 0, 255: 1}" if edges else "{0: other, 255: road}"
            kind = self.kind if edges else "segmentation"
            fix = f"'{self.slot}={{kind: {kind}, map: {mapping}}}'"
            rule = "is {value: class}" + ", 0 or 1" * edges + ", of a segmentation or edges"
            raise problem(f"{self.slot}.map", rule, self.map, fix)
        if self.num_classes is not None:
            fix = f"{self.slot}.num_classes=null"
            raise problem(f"{self.slot}.num_classes", "is said by its map", self.num_classes, fix)

    @property
    def slot(self) -> str:
        """Where it stands in the config."""
        return f"dataset.targets.{self.task}"

    @property
    def names(self) -> list[str]:
        """The classes that its map has, in its order; those of edges are 0 and 1."""
        said = [str(own) for own in (self.map or {}).values() if own is not None]
        return ["0", "1"] if self.kind == "edges" else list(dict.fromkeys(said))

    @property
    def highest(self) -> int:
        """The largest class that there may be."""
        if self.map or self.kind == "edges":
            return len(self.names) - 1
        return LARGEST if self.num_classes is None else self.num_classes - 1

    @property
    def gone(self) -> Sequence[float]:
        """The values of missing labels."""
        return MISSING.get(self.kind, (0,)) if self.missing is None else self.missing

    @property
    def done(self) -> dict[str, Any]:
        """All that is done to a file, for the key of a cache."""
        return asdict(self) | {"map": [[str(k), v] for k, v in (self.map or {}).items()]}


def is_number(value: Any) -> bool:
    """Whether a key of a map is a value that a pixel may have."""
    try:
        return not isinstance(value, bool) and np.isfinite(float(value))
    except (TypeError, ValueError):
        return False


OPTIONS = [own.name for own in fields(MapTarget) if own.name != "task"]


def map_targets_of(said: Any) -> dict[str, MapTarget]:
    """``{task: what is said of it}``.

    Args:
        said: ``{task: its kind}``, or ``{task: {"kind": ..., the other options}}``.

    Raises:
        ValueError: where there is none, or an option is unknown or of another kind.
    """
    if not said or not isinstance(said, Mapping):
        rule = "must name what to predict, each with its kind"
        raise problem("dataset.targets", rule, said or "none", EXAMPLE)
    return {str(task): map_target_of(str(task), own) for task, own in said.items()}


def map_target_of(task: str, said: Any) -> MapTarget:
    """One of them."""
    slot = f"dataset.targets.{task}"
    if not isinstance(said, Mapping):
        known = [*KINDS, *LABELS]  # the others are no maps, and read elsewhere
        check_choice(slot, said, known, f"'dataset.targets={{{task}: segmentation}}'")
        return MapTarget(task, said)
    for option in said:
        if option not in OPTIONS:
            rule = f"has no such option; it has {', '.join(OPTIONS)}"
            fix = f"{slot}.{nearest(str(option), OPTIONS) or 'kind'}=..."
            raise problem(f"{slot}.{option}", rule, said[option], fix)
    if "kind" not in said:
        fix = f"{slot}.kind=segmentation"
        raise problem(slot, f"must say its kind: {', '.join(KINDS)}", said, fix)
    return MapTarget(task, **said)
