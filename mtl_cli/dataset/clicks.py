"""Impressions of which the truth is known: clicks, conversions that only clicks show, and both's
true probabilities. See `World`.

Made to measure what no log of impressions can show: how far predicted conversion rates are from the
true ones over all impressions, not over the clicked ones alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from torch import from_numpy

from mtl_cli.basis.errors import check_integer, problem
from mtl_cli.dataset.columns.target import Target
from mtl_cli.dataset.columns.writing import Writing
from mtl_cli.dataset.files.column_names import check_columns
from mtl_cli.dataset.files.options import ReadOptions
from mtl_cli.dataset.files.parts import Part, place_among
from mtl_cli.dataset.memory.batching import Batching
from mtl_cli.dataset.memory.in_memory import InMemoryDataset
from mtl_cli.dataset.memory.rows import Rows
from mtl_cli.dataset.readers.table import INPUT, TableReader
from mtl_cli.dataset.tables.grouping import check_groups, groups_in
from mtl_cli.dataset.tables.impressions import TRAITS, World
from mtl_cli.dataset.tables.inference import Inference
from mtl_cli.dataset.tables.types import check_said
from mtl_cli.disk.writing import written

if TYPE_CHECKING:
    import pyarrow

CLICK = Target("ctr", "binary", ["click"], None, None)
TARGETS = {
    "ctr": CLICK,
    "cvr": Target("cvr", "binary", ["conversion"], None, None, CLICK),
    "ctcvr": Target("ctcvr", "binary", ["conversion"], None, None),
    "potential": Target("potential", "binary", ["potential"], None, None),
    "true_ctr": Target("true_ctr", "regression", ["p_click"], None, None),
    "true_cvr": Target("true_cvr", "regression", ["p_conversion"], None, None),
    "true_ctcvr": Target("true_ctcvr", "regression", ["p_both"], None, None),
}
COLUMNS: Mapping[str, Mapping[str, Any]] = {
    **{name: {"type": "category"} for name in ("user", "item", "topic")},
    "interests": {"type": "list"},
    "position": {"type": "number"},
    **{f"{side}{k + 1}": {"type": "number"} for side in "uv" for k in range(TRAITS)},
}
# Of columns that say nothing else.
USUAL: Mapping[str, Any] = {
    "min_count": 2,
    "max_vocabulary": 1_000_000,
    "decimal": ".",
    "thousands": None,
    "date_format": None,
}


class Clicks(InMemoryDataset):
    """Input ``row``, and a task for each target that the config has among `TARGETS`.

    ``ctr`` is a click, ``cvr`` a conversion after a click, whose labels are missing where there was
    none, ``ctcvr`` both. ``potential`` is the conversion of every impression if it were clicked: no
    log has it, and what learns from it is a bound of what others can reach. ``true_ctr``,
    ``true_cvr`` and ``true_ctcvr`` are the true probabilities of every impression, by which tasks
    of the kind ``truth`` measure predictions; they never train. Impressions are in the order of
    their time: the last are test, those before val.

    Args:
        num_train, num_val, num_test: impressions of each split.
        world: what they are drawn by.
        seed: of the world and the impressions.
        columns: what columns are, in place of what they are here, as of a table.
        out: a Parquet file that all impressions are written to, with their split and what nobody
            sees of them; see `World.impressions`. None: none.
        group_columns: columns whose groups batches carry, for metrics within groups; None: none.
        batching: see `InMemoryDataset`.
    """

    shared: ClassVar[Mapping[str, type]] = MappingProxyType({"world": World, "batching": Batching})

    def __init__(
        self,
        num_train: int,
        num_val: int,
        num_test: int,
        world: World,
        seed: int,
        columns: Mapping[str, Mapping[str, Any]] | None,
        out: str | None,
        group_columns: Sequence[str] | None,
        batching: Batching,
    ) -> None:
        counts = {"train": num_train, "val": num_val, "test": num_test}
        for split, count in counts.items():
            thing = f"dataset.num_{split}"
            check_integer(thing, count, 10 * (split == "train"), f"{thing}=20000")
        check_integer("dataset.seed", seed, 0, "dataset.seed=0")
        own = {} if columns is None else columns
        check_said(own)
        check_columns(COLUMNS, own, "dataset.columns")
        table = world.impressions(sum(counts.values()), seed)
        at = np.split(np.arange(len(table)), np.cumsum([*counts.values()])[:-1])
        rows_of = dict(zip(counts, at, strict=True))
        if out is not None:
            write(table, counts, out)
        check_groups(table, carried := list(group_columns or ()))
        place = place_among([Part(Path("generated"), table)])
        inferred = Inference(place, rows_of["train"], {**COLUMNS, **own}, USUAL)
        inferred.learn({name: table.column(name) for name in COLUMNS})
        self.reader = TableReader(
            *(inferred.learned, vars(ReadOptions()), TARGETS, None, {}),
            *(vars(Writing()), carried),
        )
        codes = (inferred.codes[column.name] for column in self.reader.columns)
        rows = self.reader.parts.examples(len(table), codes)
        targets = {name: own.labels(table.column, place) for name, own in TARGETS.items()}
        groups = groups_in(table, carried, place)
        self.drawn = [split for split, count in counts.items() if count]
        self.notes = (remark(table), *inferred.lines())
        if world.gamma:
            self.notice = (
                f"generated with a hidden cause (gamma={world.gamma}): no loss is unbiased"
            )
        whole = Rows({INPUT: rows}, targets, {}, groups)
        super().__init__(
            splits={split: whole.at(from_numpy(at)) for split, at in rows_of.items()},
            inputs=self.reader.inputs,
            tasks=dict.fromkeys(TARGETS, INPUT),
            source="generated",
            batching=batching,
        )


def remark(table: pyarrow.Table) -> str:
    """How often there are clicks and conversions, and how much the clicked ones mislead."""
    click, potential = (table.column(name).to_numpy() for name in ("click", "potential"))
    after = potential[click == 1].mean() if click.any() else np.nan
    return (
        f"clicks: {click.mean():.2%} of {len(click):,} impressions; conversions: {after:.2%} of the"
        f" clicked, and {potential.mean():.2%} if all were clicked"
    )


def write(table: pyarrow.Table, counts: Mapping[str, int], out: str) -> None:
    """Writes impressions with their truth and their split."""
    import pyarrow
    from pyarrow import parquet

    path = Path(out).expanduser()
    if path.suffix != ".parquet":
        named = path.with_suffix(".parquet")
        raise problem("dataset.out", "must end in .parquet", out, f"dataset.out={named}")
    if not path.parent.is_dir():
        fix = f"dataset.out={path.name}"
        raise problem("dataset.out", "must lie in a folder that is there", out, fix)
    splits = pyarrow.array(np.repeat(list(counts), list(counts.values())))
    with written(path) as beside:
        parquet.write_table(table.append_column("split", splits), beside)
