"""``study=folds``: the runs of a sweep are the folds of one deal of the rows, or of several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, open_dict

from mtl_cli.basis.errors import check_integer, problem
from mtl_cli.command_line.cli import callback_errors
from mtl_cli.comparison.verdict import ENOUGH
from mtl_cli.dataset.splits.options import WAYS, SplitOptions

SET_HERE = ("seed", "dataset.split.folds", "dataset.split.fold")


class OverFolds(Callback):
    """Sweeps over all folds, by seeds: seed ``r k + f`` is fold f of deal r."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        with open_dict(config), callback_errors():
            folds, repeats = config.study.folds, config.study.repeats
            check_integer("study.folds", folds, 2, "study.folds=5")
            check_integer("study.repeats", repeats, 1, "study.repeats=1")
            if folds * repeats < ENOUGH:
                rule = (
                    f"and study.repeats must make {ENOUGH} tests, under which there is no verdict"
                )
                raise problem("study.folds", rule, folds * repeats, "study.folds=5")
            check_split(config.dataset, folds, repeats)
            check_words(config.hydra.overrides.get("task") or [], folds)
            own = {"dataset.split.folds": str(folds), "seed": f"range({folds * repeats})"}
            config.hydra.sweeper.params = {**(config.hydra.sweeper.get("params") or {}), **own}


def check_split(dataset: DictConfig, folds: int, repeats: int) -> None:
    """Refuses a dataset whose rows these folds and repeats cannot be dealt of."""
    split: Any = dataset.get("split") or {}
    if split in WAYS:  # a word in place of the options
        SplitOptions.of(split)
    if not isinstance(split, Mapping) or "folds" not in split:
        rule = "must have rows that can be dealt into folds, as dataset=table, text and arrays"
        fix = "study=baselines, in which each seed is a run"
        raise problem("the dataset of study=folds", rule, "none", fix)
    if split["folds"] not in (None, folds):
        fix = f"study.folds={split['folds']}"
        raise problem("dataset.split.folds", f"is study.folds={folds} here", split["folds"], fix)
    if split.get("fold") is not None:
        rule, fix = "must be null, for study=folds trains on every one", "dataset.split.fold=null"
        raise problem("dataset.split.fold", rule, split["fold"], fix)
    if split.get("by") == "column":
        rule, fix = "says what is test, which study=folds does itself", "dataset.split.by=group"
        raise problem("dataset.split.by=column", rule, split.get("column"), fix)
    for slot, one in parts_of(dataset).items():
        for key in ("val_path", "test_path"):
            if one.get(key) is not None:
                rule = "must be null for study=folds, which tests every row of one file or folder"
                fix = f"{slot}.{key}=null, or study=baselines"
                raise problem(f"{slot}.{key}", rule, one[key], fix)
    if repeats == 1:
        return
    if split.get("seed") is not None:
        rule = "must be 1 where dataset.split.seed is a number, by which the rows are dealt once"
        fix = "study.repeats=1, or dataset.split.seed=null"
        raise problem("study.repeats", rule, repeats, fix)
    for slot, one in parts_of(dataset).items():
        own = one.get("split")
        if isinstance(own, Mapping) and own.get("by") == "time":
            rule = f"must be 1 for {slot}.split.by=time, which deals the rows in one way alone"
            raise problem("study.repeats", rule, repeats, "study.repeats=1")


def parts_of(dataset: DictConfig) -> dict[str, Mapping[str, Any]]:
    """``{where they stand: options}`` of the dataset, and of each source that it may have."""
    said: Any = OmegaConf.to_container(dataset)
    sources = said.get("sources") or {}
    own = {f"dataset.sources.{name}": one for name, one in sources.items()}
    return {"dataset": said, **{place: one for place, one in own.items() if isinstance(one, dict)}}


def check_words(words: Iterable[str], folds: int) -> None:
    """Refuses words that say what a study over folds sets itself."""
    for word in words:
        key, _, said = word.lstrip("+~").partition("=")
        if key in SET_HERE and said not in ("null", str(folds) if key != "seed" else ""):
            rule = "is set by study=folds, whose runs are all folds, counted by the seed"
            fix = "study.folds and study.repeats alone; or study=baselines, in which each seed"
            raise problem(key, rule, word, f"{fix} deals the rows anew")
