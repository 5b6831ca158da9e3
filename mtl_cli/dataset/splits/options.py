"""How the rows of a data set become train, val and test, as a configuration says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from mtl_cli.basis.errors import check_choice, check_integer, check_number, nearest, problem
from mtl_cli.dataset.files.parts import check_name

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
        val: the share of val, from 0: of rows, or of groups.
        test: the share of test, likewise.
        seed: of the draw.
        slot: where these options stand in the config.
    """

    by: str
    column: str | None
    val: float
    test: float
    seed: int
    slot: str = "dataset.split"

    def __post_init__(self) -> None:
        slot = self.slot
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
        check_number(f"{slot}.val", self.val, f"{slot}.val=0.1", 0, 0.9)
        check_number(f"{slot}.test", self.test, f"{slot}.test=0.1", 0, 0.9)
        check_integer(f"{slot}.seed", self.seed, 0, f"{slot}.seed=0")

    @classmethod
    def of(cls, said: Any) -> SplitOptions:
        """The options that stand in a config.

        Raises:
            ValueError: where they are no mapping of these options.
        """
        return cls(**checked(said, "dataset.split", [*OPTIONS, "seed"]))

    def of_source(self, said: Any, slot: str) -> SplitOptions:
        """Those of one source, which have what it says itself; the seed is that of all sources."""
        return replace(self, **checked(said or {}, slot, OPTIONS), slot=slot)


OPTIONS = [field.name for field in fields(SplitOptions) if field.name not in ("seed", "slot")]


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
