"""What stands beside a run's results: the floor, and for tables a reference."""

from __future__ import annotations

import logging
from typing import Any

from mtl_cli.dataset.base import Dataset
from mtl_cli.training.by_number import ByNumber, by_number
from mtl_cli.training.evaluation import Figures, evaluate
from mtl_cli.training.stand_in import StandIn
from mtl_cli.training.trainer import Trainer
from mtl_cli.yardstick import reference
from mtl_cli.yardstick.floor import Floor
from mtl_cli.yardstick.reference import Reference

log = logging.getLogger(__name__)


def yardsticks(dataset: Dataset, trainer: Trainer, own: ByNumber) -> dict[str, Any]:
    """The figures of the floor and of the reference, on test (on val where there is no test), by
    the tasks' own losses and metrics; for the summary.

    Args:
        dataset: that was trained on.
        trainer: after its training.
        own: what the model reached on test in each number of the tasks that have several.
    """
    loaders = trainer.loaders
    split = next((split for split in ("test", "val") if split in loaders), None)
    if split is None:
        return {}
    device = trainer.device
    tasks = {name: task for name, task in trainer.model.tasks.items() if task.has_labels}

    numbers: dict[str, ByNumber] = {}

    def score(stand_in: StandIn, name: str) -> Figures:
        most = trainer.settings.max_batches
        figures = evaluate(stand_in, loaders[split], stand_in.tasks, device, most, numbers=True)
        numbers[name] = by_number(stand_in.tasks, dataset.class_names)
        return figures

    floor = Floor(tasks, dataset.targets("train"), device)
    found: dict[str, Any] = {"floor": score(floor, "floor"), "floor_split": split}
    table = dataset.plain_table
    if table is not None and trainer.settings.max_batches is None:  # else it is a mere trial
        size = reference.size(tasks, table)
        if size <= table.most:
            trees = Reference(tasks, table, device)
            found |= {"reference": score(trees, "reference"), "reference_name": trees.called}
        elif table.most:
            fix = f"dataset.reference={size} trains them"
            log.info("reference   too large for trees, %s labels x classes; %s", f"{size:,}", fix)
    return found | ({"numbers": {"test": own, **numbers}} if own else {})
