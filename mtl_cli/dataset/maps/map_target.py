"""What a configuration says of a map to predict, and how a file of it becomes labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from mtl_cli.basis.errors import check_choice, check_integer, check_number, nearest, problem
from mtl_cli.dataset.columns.labels import KINDS as LABELS
from mtl_cli.dataset.files.parts import check_name
from mtl_cli.dataset.files.picture_files import JPEG, read_map
from mtl_cli.dataset.maps.offered import with_value

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
SHORT = 0.5  # a normal that is shorter is none
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

    def read(self, file: Path) -> np.ndarray:
        """The labels of a file, [C, H, W], or [H, W] of a segmentation: -1 or NaN where missing."""
        if self.kind in CLASSES and file.suffix.lower() in JPEG:
            rule = "must not be a JPEG, which changes the numbers of classes"
            raise problem(str(file), rule, file.suffix, "the mask as PNG or .npy")
        array = read_map(file, 3 if self.kind == "normals" else 1)
        if self.kind == "normals":
            return unit_vectors(array)
        plane = array[..., 0]
        gone = np.isnan(plane) if plane.dtype.kind == "f" else np.zeros(plane.shape, dtype=bool)
        for value in self.gone:
            gone |= plane == float(value)
        if self.kind == "depth":
            return self.depths(plane, gone, file)
        found = self.classes(plane, gone, file)
        return found if self.kind == "segmentation" else found[None].astype(np.int8)

    def depths(self, plane: np.ndarray, gone: np.ndarray, file: Path) -> np.ndarray:
        """Depths [1, H, W], NaN where missing."""
        found = np.where(gone, np.nan, plane.astype(np.float64) * self.scale)
        rule = "must hold depths from 0, and numbers that are finite"
        self.check(file, plane, (found < 0) | np.isinf(found), rule)
        return found[None].astype(np.float32)

    def classes(self, plane: np.ndarray, gone: np.ndarray, file: Path) -> np.ndarray:
        """Numbers of classes [H, W], -1 where missing."""
        if self.map is None:
            wrong = ~gone & ~((plane >= 0) & (plane <= self.highest) & (plane == np.floor(plane)))
            rule = f"must hold classes from 0 to {self.highest}, or what is missing"
            self.check(file, plane, wrong, rule)
            return np.where(gone, -1.0, plane).astype(np.int16)
        names, rest = self.names, self.map.get("*", LARGEST)
        start = LARGEST if rest is LARGEST else number_of(rest, names)
        found = np.full(plane.shape, start, dtype=np.int16)
        found[gone] = -1
        for value, name in self.map.items():
            if value != "*":
                found[plane == float(value)] = number_of(name, names)
        rule = f"must hold values of its map, {', '.join(map(str, self.map))}"
        self.check(file, plane, found == LARGEST, rule)
        return found

    def check(self, file: Path, plane: np.ndarray, wrong: np.ndarray, rule: str) -> None:
        """Refuses a file with wrong pixels, and says where the first one is."""
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            value = plane[row, column]
            found = f"{value:g} in row {row}, column {column}"
            raise problem(str(file), rule, found, with_value(self, float(value)))


def is_number(value: Any) -> bool:
    """Whether a key of a map is a value that a pixel may have."""
    try:
        return not isinstance(value, bool) and np.isfinite(float(value))
    except (TypeError, ValueError):
        return False


def number_of(name: Any, names: Sequence[str]) -> int:
    """The number of a class; -1: it is none."""
    return -1 if name is None else names.index(str(name))


def unit_vectors(array: np.ndarray) -> np.ndarray:
    """Normals [3, H, W] of floats, or of bytes from -1 (0) to 1 (255); NaN where missing."""
    found = array.astype(np.float32)
    found = (found / 127.5 - 1 if array.dtype == np.uint8 else found).transpose(2, 0, 1)
    length = np.sqrt((found**2).sum(0))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(length > SHORT, found / length, np.nan).astype(np.float16)


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
