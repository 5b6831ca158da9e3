"""What a sweep minimises, and that there are such figures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, ListConfig

from mtl_cli.basis.errors import problem
from mtl_cli.run.build import Run
from mtl_cli.training.wish import as_word, check_wish, weights_of


def objective(figure: Any, summary: dict[str, Any]) -> Any:
    """What a sweep minimises: a figure of val where there is one, else of train.

    ``loss`` is the sum of the tasks' unweighted losses; a metric of which higher is better is
    turned negative; a mapping gives the sum of such figures by their weights, a list a tuple.
    """
    if isinstance(figure, Mapping):
        return math.fsum(weight * objective(own, summary) for own, weight in figure.items())
    if not isinstance(figure, str):
        return tuple(objective(one, summary) for one in figure)
    figures = summary["best"] or summary["train"]
    if figure == "loss":
        return math.fsum(values.get("loss", 0.0) for values in figures.values())
    task, _, metric = figure.partition("/")
    direction = summary["metrics"][task].get(metric, {"higher_is_better": False})
    return figures[task][metric] * (-1 if direction["higher_is_better"] else 1)


def check_figures(cfg: DictConfig, run: Run) -> None:
    """Refuses a ``trainer.select`` or ``objective`` that no figure of the run is called.

    Without a val split there are the losses of train alone to minimise.
    """
    directed = {
        f"{name}/{metric}": own.higher_is_better is not None
        for name, task in run.model.tasks.items()
        for metric, own in task.metrics.items()
    }
    losses = [f"{name}/loss" for name, task in run.model.tasks.items() if task.trained]
    figures = [*losses, *directed]
    check_wish("trainer.select", cfg.trainer.select, figures, directed)
    wished = cfg.objective if isinstance(cfg.objective, ListConfig) else [cfg.objective]
    for figure in wished:
        check_wish("objective", figure, figures, directed, cfg.objective)
        if directed.keys() & weights_of(figure) and "val" not in run.trainer.loaders:
            fix = "objective=loss, which is train's then, or a dataset with a val split"
            said = as_word("objective", figure)
            raise problem(said, "needs a val split", "a dataset without one", fix)
