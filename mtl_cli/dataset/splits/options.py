"""How the rows of a data set become train, val and test, as a configuration says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from mtl_cli.basis.errors import check_choice, check_integer, check_number, nearest, problem
from mtl_cli.basis.numerals import is_number
from mtl_cli.dataset.files.column_names import check_name

WAYS = ["fraction", "column", "group", "time"]


@dataclass(frozen=True)
class SplitOptions:
    """How rows are dealt; see `deal`.

    Args:
        by: ``fraction``: rows are drawn, in proportion to the classes; ``column``: a column says
            train, val or test, and what it does not say is drawn; ``group``: all rows of a value of
            a column are drawn together; ``time``: the last rows by a column are test, those before
            them val.
        column: which column that is; None: of fractions.
        val: the share of val, from 0: of rows, or of groups; a whole number from 1: how many of
            them; by time, text is the moment that it begins at, see `Moments.of`.
        test: the same of test; of folds, a fold.
        seed: of the draw.
        folds: k, of which each tests on a part of its own; None: val and test are shares.
        fold: which of them this is, from 0.
        date_format: of dates in the column of ``time``; see `moments_of`.
        slot: where these options stand in the config.
    """

    by: str
    column: str | None
    val: float | str
    test: float | str
    seed: int
    folds: int | None
    fold: int | None
    date_format: str | None
    slot: str = "dataset.split"

    def __post_init__(self) -> None:
        slot = self.slot
        if self.by not in WAYS and self.column is None:
            close = nearest(str(self.by), WAYS) or "fraction"
            fix = f"{slot}.by={close}; by a column: '{slot}={{by: group, column: {self.by}}}'"
            raise problem(f"{slot}.by", f"must be one of {', '.join(WAYS)}", self.by, fix)
        check_choice(f"{slot}.by", self.by, WAYS, f"{slot}.by=fraction")
        check_name(f"{slot}.column", self.column)
        reads = self.by != "fraction"
        if reads and self.column is None:
            rule = f"must name the column that the rows are dealt by, for by={self.by}"
            fix = f"'{slot}={{by: {self.by}, column: <its name>}}'"
            raise problem(f"{slot}.column", rule, "none", fix)
        if not reads and self.column is not None:
            fix = f"'{slot}={{by: column, column: {self.column}}}', or group, or time"
            rule = "must be null for by=fraction, which reads none"
            raise problem(f"{slot}.column", rule, self.column, fix)
        for split in ("val", "test"):
            self.check_size(f"{slot}.{split}", getattr(self, split))
        check_name(f"{slot}.date_format", self.date_format)
        check_integer(f"{slot}.seed", self.seed, 0, f"{slot}.seed=0")
        self.check_folds()

    def check_size(self, thing: str, value: Any) -> None:
        """Refuses what says no size of a split, and no moment where there are none."""
        if isinstance(value, str) and (self.by != "time" or self.folds is not None):
            rule = "must be a number: a share or how many; a moment is for by=time, without folds"
            raise problem(thing, rule, value, f"{thing}={share_of(value)}")
        counted = isinstance(value, int) and not isinstance(value, bool) and value >= 1
        if not counted and not isinstance(value, str):
            check_number(thing, value, f"{thing}=0.1", 0, 0.9)

    def share(self, split: str, number: int) -> float:
        """The share of a split, of so many rows or groups; 0 where it begins at a moment."""
        if self.folds is not None and split == "test":
            return 1 / self.folds
        size = getattr(self, split)
        if isinstance(size, str):
            return 0.0
        if size < 1:
            return float(size)
        if size >= number:
            rule = f"must leave some to train on, of {number:,}"
            fix = f"{self.slot}.{split}={max(1, number // 5)}"
            if self.by == "time":
                fix += f", or '{self.slot}.{split}=from {size}' for a moment"
            raise problem(f"{self.slot}.{split}", rule, size, fix)
        return size / number

    def check_folds(self) -> None:
        """Refuses a fold that there is not."""
        if self.folds is None:
            if self.fold is not None:
                rule = "must be null where rows are not dealt into folds"
                raise problem(f"{self.slot}.fold", rule, self.fold, f"{self.slot}.folds=5")
            return
        check_integer(f"{self.slot}.folds", self.folds, 2, f"{self.slot}.folds=5")
        check_integer(f"{self.slot}.fold", self.fold, 0, f"{self.slot}.fold=0")
        if self.fold is not None and self.fold >= self.folds:
            rule = f"must be below {self.slot}.folds={self.folds}, for they count from 0"
            raise problem(f"{self.slot}.fold", rule, self.fold, f"{self.slot}.fold=0")
        if self.by == "column":
            rule = "must be null for by=column, which says what is test"
            fix = f"{self.slot}.folds=null, or {self.slot}.by=group"
            raise problem(f"{self.slot}.folds", rule, self.folds, fix)

    @classmethod
    def of(cls, said: Any) -> SplitOptions:
        """The options that stand in a config.

        Raises:
            ValueError: where they are no mapping of these options.
        """
        return cls(**checked(said, "dataset.split", [*OPTIONS, *COMMON]))

    def of_source(self, said: Any, slot: str) -> SplitOptions:
        """Those of one source, which have what it says itself, and seed and folds of all."""
        return replace(self, **checked(said or {}, slot, OPTIONS), slot=slot)


COMMON = ("seed", "folds", "fold")  # of all sources
OPTIONS = [own.name for own in fields(SplitOptions) if own.name not in (*COMMON, "slot")]


def of_run(said: Any, seed: int) -> Any:
    """The options of a config, with what the run's seed says where they say nothing.

    Without folds that is the seed of the draw. With k folds, seeds count the folds of one deal,
    then those of the next: seed ``r k + f`` is fold f of deal r.
    """
    if not isinstance(said, Mapping):
        return said
    found: dict[str, Any] = dict(said)
    folds: Any = said.get("folds")
    counts = isinstance(folds, int) and folds > 1 and found.get("fold", 0) is None
    if counts:
        found["fold"] = seed % folds
    if found.get("seed", 0) is None:
        found["seed"] = seed // folds if counts else seed
    return found


def checked(said: Any, slot: str, known: list[str]) -> Mapping[str, Any]:
    """What is said, once it is a mapping of known options."""
    if not isinstance(said, Mapping):
        by = f"by: {said if said in WAYS else 'column'}, column: <its name>"
        fix = f"'{slot}={{{by if 'by' in known else 'val: 0.1'}}}'"
        raise problem(slot, f"is a mapping of {', '.join(known)}", said, fix)
    for option in said:
        if option not in known:
            fix = f"{slot}.{nearest(str(option), known) or known[0]}=..."
            rule = f"has no such option; it has {', '.join(known)}"
            raise problem(f"{slot}.{option}", rule, said[option], fix)
    return {str(option): value for option, value in said.items()}


def share_of(text: str) -> float:
    """The share that ``20%`` or ``20 %`` means; a tenth of all else."""
    number = text.removesuffix("%").strip()
    return float(number) / 100 if text.endswith("%") and is_number(number) else 0.1
