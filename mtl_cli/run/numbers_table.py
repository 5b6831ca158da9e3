"""The figures of each number of a task that has several, as the terminal shows them."""

from __future__ import annotations

from collections.abc import Mapping

from mtl_cli.comparison.table import text_table
from mtl_cli.training.by_number import ByNumber

MOST_NUMBERS = 10  # of a task, which are shown


def numbers_table(numbers: Mapping[str, ByNumber]) -> str:
    """The figures of single numbers on test, of tasks that have several, the first ones of many.

    Args:
        numbers: ``{"test": those of the model, "floor" and "reference": those beside it}``.
    """
    titles = {"test": "test", "floor": "floor", "reference": "trees"}
    beside = {title: numbers[key] for key, title in titles.items() if key in numbers}
    rows = [
        [task, number, metric, *(own[task][number][metric] for own in beside.values())]
        for task, of_task in numbers["test"].items()
        for number, values in list(of_task.items())[:MOST_NUMBERS]
        for metric in values
    ]
    table = text_table(["task", "number", "metric", *beside], rows)
    more = [t for t, of_task in numbers["test"].items() if len(of_task) > MOST_NUMBERS]
    return table + (f"\nmore numbers of {', '.join(more)}: summary.json" if more else "")
