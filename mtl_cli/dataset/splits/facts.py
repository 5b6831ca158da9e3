"""What a deal of rows gave: how many rows, groups and moments each split has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mtl_cli.dataset.splits.options import SplitOptions
from mtl_cli.dataset.splits.times import Moments

Rows = Mapping[str, np.ndarray]  # {split: its rows}


def facts_of(
    options: SplitOptions, rows: Rows, groups: np.ndarray | None, moments: Moments | None
) -> dict[str, Any]:
    """``{"by": ..., "train": {"rows": ..., "groups": ..., "from": ..., "to": ...}, ...}``.

    Args:
        options: by which rows were dealt.
        rows: of each split.
        groups: the group of each row, [N]; None: rows are not dealt by groups.
        moments: when each row is; None: rows are not dealt by time.
    """
    said: dict[str, Any] = {"by": options.by, "column": options.column}
    if options.by in ("fraction", "group") or options.folds is not None:
        said["seed"] = options.seed
    if options.folds is not None:
        said |= {"folds": options.folds, "fold": options.fold}
    facts: dict[str, Any] = {key: own for key, own in said.items() if own is not None}
    for split, own in rows.items():
        facts[split] = {"rows": len(own)}
        if groups is not None:
            facts[split]["groups"] = len(np.unique(groups[own]))
        if moments is not None and len(own):
            facts[split]["from"], facts[split]["to"] = moments.ends(own)
    if moments is not None and options.folds is not None:
        facts["left out"] = {"rows": len(moments.values) - sum(map(len, rows.values()))}
    return facts


def lines_of(facts: Mapping[str, Any], name: str = "") -> list[str]:
    """The same in a line or two; none where the sizes of the splits say it all.

    Args:
        facts: see `facts_of`.
        name: of the source that they are of, where there are several.
    """
    column = facts.get("column")
    parts = {split: facts[split] for split in ("train", "val", "test") if facts[split]["rows"]}
    said = []
    if "folds" in facts:
        last, deal = facts["folds"] - 1, f", of deal {facts['seed']}" * (facts["by"] != "time")
        said.append(f"fold {facts['fold']} of 0 to {last}{deal}: its rows are test")
    if facts["by"] == "group":
        counts = ", ".join(f"{split} {own['groups']:,}" for split, own in parts.items())
        said.append(f"by {column}: {counts} of them; none is in two splits")
    if "remark" in facts:
        said.append(facts["remark"])
    if facts["by"] == "time":
        ends = ", ".join(f"{split} {own['from']} to {own['to']}" for split, own in parts.items())
        left = facts.get("left out", {}).get("rows", 0)
        said.append(f"by {column}: {ends}" + f"; {left:,} later rows are left out" * bool(left))
    return [f"split       {f'{name}: ' * bool(name)}{line}" for line in said]
