"""The dataset of a run made anew, or another one in its place, checked against the model.

Another dataset has to give the same inputs and classes, and to read them alike: a vocabulary, say,
that was fitted on other texts has other words at the same places.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from mtl_cli.basis.errors import check_choice, nearest, problem
from mtl_cli.command_line.cli import compose, explained, job_config
from mtl_cli.command_line.grammar import typed_value
from mtl_cli.comparison.saved_run import mapping
from mtl_cli.dataset.base import Dataset
from mtl_cli.disk.literal import literal
from mtl_cli.run.build import make_dataset
from mtl_cli.run.run_data import RunData
from mtl_cli.run.tasks import GROUPS, groups_asked
from mtl_cli.trained.loaded_run import LoadedRun
from mtl_cli.trust.run_config import read_summary

ONCE_IN_ORDER = {"shuffle": False, "drop_last": False, "sampling": "sequential", "downsample": None}
BY_FILE = "input=<file>, which is read, and its classes named, as the run's data was"


def read_dataset(run: LoadedRun, split: str, words: Sequence[str]) -> tuple[Dataset, str]:
    """The run's dataset, made anew, or the one that some words choose; and what it is called.

    Train is read once, in order and as it is, as the other splits are. What the words do not choose
    may be somebody else's choice, so it asks no network.

    Args:
        run: whose model the dataset is for.
        split: the one that will be read.
        words: as ``mtl-train`` takes them: ``dataset=...``, ``dataset.<option>=...``.

    Raises:
        ValueError: where there is no such dataset or split, or the model cannot read it.
    """
    options: dict[str, Any] = {}
    if any(word.startswith("dataset=") for word in words):
        cfg = config_of(words)
        options = {GROUPS: groups_asked(run.config)}
    else:
        cfg = run.config.copy()
        options = {"offline": True}
    if split == "train":
        options |= ONCE_IN_ORDER | {"batch_size": cfg.dataset.get("eval_batch_size")}
    cfg.dataset.update({name: value for name, value in options.items() if name in cfg.dataset})
    if not any(word.startswith("dataset=") for word in words):
        for word in words:
            set_option(cfg, word)
    dataset = make_dataset(cfg, run.folder)
    if split == "train":
        dataset.augments = False
    check_choice("split", split, list(dataset.sizes), f"split={next(iter(dataset.sizes))}")
    if not words:
        check_source(run, dataset)
    check_dataset(run, dataset, bool(words))
    return dataset, str(cfg.choices.get("dataset"))


def check_source(run: LoadedRun, dataset: Dataset) -> None:
    """Refuses data from elsewhere than the run's, as far as its summary says whence that was."""
    said = mapping(read_summary(run.folder).get("dataset"))
    now = {"source": dataset.source, "sizes": dataset.sizes}
    for key, value in now.items():
        if key in said and said[key] != value:
            rule = f"must have the {key} that the run's data had: {said[key]}"
            fix = "the data where the run read it, or dataset.<option>=<value> for this other data"
            raise problem("the run's dataset, made anew,", rule, value, fix)


def config_of(words: Sequence[str]) -> DictConfig:
    """The configuration of ``mtl-train`` for these words."""
    cfg = compose("train", words)
    with explained(list(words)):
        own = OmegaConf.to_container(job_config(cfg, cfg.hydra), resolve=True)
    return OmegaConf.create(literal(own))


def set_option(cfg: DictConfig, word: str) -> None:
    """Sets an option of the run's own dataset."""
    key, _, text = word.partition("=")
    group, _, option = key.partition(".")
    known = [str(name) for name in cfg.dataset if not str(name).startswith("_")]
    if option.partition(".")[0] not in known:
        close = nearest(option, known)
        fix = f"{group}.{close}={text}" if close else f"one of its options: {', '.join(known)}"
        raise problem(key, "must be an option of the run's dataset", f"no {option} there", fix)
    OmegaConf.update(cfg, key, typed_value(key, text))


def check_dataset(run: LoadedRun, dataset: Dataset, is_other: bool) -> None:
    """Refuses a dataset that the model cannot read, or would read wrongly."""
    thing = "the dataset" if is_other else "the run's dataset, made anew,"
    there = [task for task in run.tasks if task in dataset.tasks]
    if not there:
        rule = f"must have a task of the model: {', '.join(run.tasks)}"
        raise problem(thing, rule, ", ".join(dataset.tasks), "another dataset")
    for task in there:
        name = run.data.tasks[task]
        if dataset.inputs.get(name) != run.data.inputs[name]:
            rule = f"must have the model's input {name!r}: {run.data.inputs[name]}"
            found = ", ".join(f"{own}: {spec}" for own, spec in dataset.inputs.items())
            raise problem(thing, rule, found, BY_FILE if is_other else "the data of the run")
    own = RunData.of(dataset, run.data.inputs, dict.fromkeys(there, ""))
    for task in there:
        check_classes(task, run.data.class_names.get(task, []), own.class_names.get(task, []))
    read, kept = own.as_plain(), run.data.as_plain()
    if kept["target"] is None and not is_other:
        return  # nothing was learned of it, by a version that could not read new data of its kind
    if (read["target"], read["state"]) != (kept["target"], kept["state"]):
        rule = "must read its data as the run's was read"
        found = "words, means or categories that were fitted on other data"
        fix = BY_FILE if is_other else "the data as it was then, or train again"
        raise problem(thing, rule, found, fix)


def check_classes(task: str, known: list[str], given: list[str]) -> None:
    """Refuses classes that the model does not know, or that stand at other places."""
    if known != given:
        strange = [name for name in given if name not in known]
        rule = f"must have the classes that the model knows: {', '.join(known) or 'none'}"
        found = f"also {', '.join(strange)}" if strange else ", ".join(given) or "no names"
        fix = BY_FILE if not strange else "data without them, or a label map"
        raise problem(f"task {task!r} of the dataset", rule, found, fix)
