"""The table that a run ends with: each task's figures, beside the floor's and the trees'."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mtl_cli.comparison.history import Curves
from mtl_cli.comparison.remarks import listed
from mtl_cli.comparison.table import text_table


def final_table(summary: dict[str, Any], curves: Curves) -> str:
    """The figures of each task with its best weights, the floor's and the reference's beside them.

    Args:
        summary: of the run.
        curves: of its epochs; the loss on train is that of the epoch whose weights are kept.
    """
    epochs: dict[str, int] = summary["best_epoch"]
    losses = {task: dict(own.get("loss", {}).get("train", [])) for task, own in curves.items()}
    train = {t: {"loss": losses.get(t, {}).get(epoch)} for t, epoch in epochs.items()}
    summary = {**summary, "train": train}
    parts = {"train": "train", "val": "best", "test": "test", "floor": "floor"}
    if "reference" in summary:
        parts["trees"] = "reference"
    rows = [
        [task, metric, *(summary.get(key, {}).get(task, {}).get(metric) for key in parts.values())]
        for task, metrics in summary["metrics"].items()
        for metric in (*metrics, *["loss"] * ("loss" in curves.get(task, {})))
    ]
    lines = [text_table(["task", "metric", *parts], rows), f"train and val: {in_words(epochs)}"]
    if "floor" in summary:
        on = f"on {summary['floor_split']}"
        lines.append(f"floor {on}: always the train mean, or the train shares of the classes")
    if "reference" in summary:
        lines.append(f"trees {on}: {summary['reference_name']}, each target alone")
    return "\n".join(lines)


def in_words(epochs: Mapping[str, int]) -> str:
    """Of which epochs the best weights are."""
    if len({*epochs.values()}) == 1:
        return f"epoch {next(iter(epochs.values()))}, whose weights are kept"
    own = [f"{task} {epoch}" for task, epoch in epochs.items()]
    return f"each task's epoch whose weights are kept ({listed(own)})"
