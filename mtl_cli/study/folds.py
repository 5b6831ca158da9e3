"""``study=folds``: the runs of a sweep are the folds of one deal of the rows, or of several."""

from __future__ import annotations

from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, open_dict

from mtl_cli.basis.errors import check_integer, problem
from mtl_cli.command_line.cli import callback_errors


class OverFolds(Callback):
    """Sweeps over all folds, by seeds: seed ``r k + f`` is fold f of deal r."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        with open_dict(config), callback_errors():
            folds, repeats = config.study.folds, config.study.repeats
            check_integer("study.folds", folds, 2, "study.folds=5")
            check_integer("study.repeats", repeats, 1, "study.repeats=1")
            split: Any = config.dataset.get("split") or {}
            if "folds" not in split:
                rule = "must have rows that can be dealt into folds, as dataset=table and text have"
                fix = "study=baselines, in which each seed is a run"
                raise problem("the dataset of study=folds", rule, "none", fix)
            if split.by == "time" and repeats > 1:
                rule = "must be 1 for dataset.split.by=time, which deals the rows in one way alone"
                raise problem("study.repeats", rule, repeats, "study.repeats=1")
            own = {"dataset.split.folds": str(folds), "seed": f"range({folds * repeats})"}
            config.hydra.sweeper.params = {**(config.hydra.sweeper.get("params") or {}), **own}
