"""What a configuration says of a target: its kind alone, or also its columns, map and weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from mtl_cli.basis.errors import check_choice, nearest, problem
from mtl_cli.dataset.columns.labels import KINDS
from mtl_cli.dataset.files.column_names import check_name

SEVERAL = ("regression", "multilabel")  # kinds of which a target may be several columns
EXAMPLE = "'dataset.targets={income: binary, age: regression}'"
# {a kind of task that reads labels of another kind: that one}, so that one word says both
LABELS_OF: Mapping[str, str] = {"ranking": "binary", "plain_regression": "regression"}


@dataclass(frozen=True)
class TargetOptions:
    """One target.

    Args:
        task: its name.
        kind: regression, count, amount, binary, multiclass, ordinal or multilabel.
        column: where it stands; None: in the column that has its name.
        columns: several, of a regression of several numbers or a multilabel target, of zeros and
            ones; None: ``column`` alone.
        map: ``{label: class}``; ``*`` stands for all other labels, null for none. None: labels are
            the classes.
        weight: the column of how much each row counts in its loss; None: as rows count anyway.
        order: of an ordinal target, its classes from the lowest to the highest; None: as numbers
            go, or an ordered category of pandas says. Of a binary one, first what is 0.
        where: its sample space: a binary target, or a column of zeros and ones. Labels are missing
            where that is not 1; None: it has labels everywhere.
    """

    task: str
    kind: str
    column: str | None = None
    columns: Sequence[str] | None = None
    map: Mapping[Any, Any] | None = field(default=None, hash=False)
    weight: str | None = None
    order: Sequence[Any] | None = field(default=None, hash=False)
    where: str | None = None

    def __post_init__(self) -> None:
        slot = self.slot
        check_choice(f"{slot}.kind", self.kind, KINDS, f"{slot}.kind=regression")
        if self.columns is not None and (self.kind not in SEVERAL or self.column is not None):
            rule = f"are of a {' or '.join(SEVERAL)} target, in place of its column"
            kind = self.kind if self.kind in SEVERAL else SEVERAL[-1]
            fix = f"'{slot}={{kind: {kind}, columns: [{','.join(map(str, self.columns))}]}}'"
            raise problem(f"{slot}.columns", rule, f"a {self.kind} target", fix)
        if self.columns is not None and not (
            self.columns and isinstance(self.columns, list | tuple)
        ):
            rule, fix = "must be a list of columns", f"'{slot}.columns=[{self.columns or 'a,b'}]'"
            raise problem(f"{slot}.columns", rule, self.columns, fix)
        check_name(f"{slot}.column", self.column)
        check_name(f"{slot}.weight", self.weight)
        check_name(f"{slot}.where", self.where)
        for name in self.columns or ():
            check_name(f"each of {slot}.columns", name)
        if self.map is not None and (not isinstance(self.map, Mapping) or self.columns):
            fix = f"'{slot}.map={{yes: 1, no: 0}}'"
            raise problem(f"{slot}.map", "is {label: class}, of one column", self.map, fix)
        self.check_order()

    def check_order(self) -> None:
        """Refuses an order that is none, or of what has none."""
        thing, example = f"{self.slot}.order", "{kind: ordinal, order: [low, mid, high]}"
        if self.order is None:
            return
        if self.kind not in ("ordinal", "binary"):
            rule, fix = "is of ordinal or binary classes", f"'{self.slot}={example}'"
            raise problem(thing, rule, f"a {self.kind} target", fix)
        order = self.order if isinstance(self.order, list | tuple) else ()
        if self.kind == "binary" and len(order) != 2:
            rule, two = "must be two classes, what is 0 first", "{kind: binary, order: [no, yes]}"
            raise problem(thing, rule, self.order, f"'{self.slot}={two}'")
        if len(set(map(str, order))) < max(2, len(order)) or None in order:
            rule = "must be a list of different classes, from the lowest to the highest"
            raise problem(thing, rule, self.order, f"'{self.slot}={example}'")

    @property
    def slot(self) -> str:
        """Where it stands in the config."""
        return f"dataset.targets.{self.task}"

    def order_of_classes(self, found: Sequence[str] | None) -> Sequence[Any] | None:
        """Its classes from the lowest to the highest, as said, else as the column's cells were
        ``found`` to be ordered; None: nothing says it, or nothing asks."""
        asks = self.kind == "ordinal" and self.map is None
        return found if asks and self.order is None else self.order

    def made_of(self) -> list[str]:
        """The columns that it is made of."""
        return list(self.columns) if self.columns is not None else [self.column or self.task]


OPTIONS = [own.name for own in fields(TargetOptions) if own.name != "task"]


def targets_of(said: Any, example: str = EXAMPLE) -> dict[str, TargetOptions]:
    """``{task: what is said of it}``.

    Args:
        said: ``{task: its kind}``, or ``{task: {"kind": ..., the other options}}``.
        example: of the words that say it, for messages.

    Raises:
        ValueError: where there is none, or an option is unknown or of another kind.
    """
    if not said or not isinstance(said, Mapping):
        rule = "must name what to predict, each with its kind"
        raise problem("dataset.targets", rule, said or "none", example)
    return {str(task): target_of(str(task), own) for task, own in said.items()}


def target_of(task: str, said: Any) -> TargetOptions:
    """One of them."""
    slot = f"dataset.targets.{task}"
    if not isinstance(said, Mapping):
        labels = labels_of(said)
        check_choice(slot, labels, KINDS, f"'dataset.targets={{{task}: regression}}'")
        return TargetOptions(task, labels)
    for option in said:
        if option not in OPTIONS:
            rule = f"has no such option; it has {', '.join(OPTIONS)}"
            fix = f"{slot}.{nearest(str(option), OPTIONS) or 'kind'}=..."
            raise problem(f"{slot}.{option}", rule, said[option], fix)
    if "kind" not in said:
        raise problem(slot, f"must say its kind: {', '.join(KINDS)}", said, f"{slot}.kind=binary")
    return TargetOptions(task, **{**said, "kind": labels_of(said["kind"])})


def labels_of(kind: Any) -> Any:
    """The kind of the labels of a kind of task."""
    return LABELS_OF.get(kind, kind) if isinstance(kind, str) else kind
