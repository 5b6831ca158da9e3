"""Single-task of the joint model's size: what sharing has to beat that brought parameters along."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from hydra.utils import get_class
from omegaconf import OmegaConf

from mtl_cli.command_line.grammar import value
from mtl_cli.comparison.baseline import BASELINE
from mtl_cli.comparison.saved_run import SavedRun, find_runs, mapping, read_run
from mtl_cli.comparison.size import RATIO
from mtl_cli.disk.yaml_file import read_yaml
from mtl_cli.run.make_model import make_model
from mtl_cli.run.run_data import read_run_data
from mtl_cli.run.tasks import make_tasks
from mtl_cli.study.base import baseline_words
from mtl_cli.trust.foreign import packages
from mtl_cli.trust.run_config import read_config

WIDENED = f"{BASELINE}_widened"  # the folder
TRIES = 12  # halvings of the range of factors


def widened_words(words: list[str], sweep: Path) -> list[str] | None:
    """The words that train single-task as large as the largest joint model of a study.

    Args:
        words: of the study.
        sweep: its folder, with the runs of both.

    Returns:
        None where that is not asked for, see `widened_options`.
    """
    options = widened_options(sweep)
    if options is None:
        return None
    return baseline_words(with_options(words, options), sweep, WIDENED)


def with_options(words: Sequence[str], options: Mapping[str, Any]) -> list[str]:
    """The words with these options of the encoder in place of their own."""
    own = {f"encoder.{name}" for name in options}
    kept = [word for word in words if word.partition("=")[0].lstrip("+") not in own]
    return kept + [f"encoder.{name}={value(option)}" for name, option in options.items()]


def widened_options(sweep: Path) -> dict[str, Any] | None:
    """The options of the encoder by which single-task is as large as the largest joint model.

    Args:
        sweep: the folder of a study, with the runs of both.

    Returns:
        None where no joint model has more than `RATIO` times the parameters of single-task, or
        where it cannot be widened, which is said.
    """
    runs = [run for run in map(read_run, find_runs(sweep)) if run.trouble is None]
    single = [run for run in runs if run.choices.get("arch") == BASELINE]
    single = [run for run in single if run.folder.path.parent.name != WIDENED]
    pairs = [
        (run, base)
        for base in single[:1]
        for run in runs
        if run.choices.get("arch") != BASELINE and run.seed == base.seed
    ]
    if not pairs:
        return None
    joint, base = max(pairs, key=lambda pair: size(pair[0]))
    if size(joint) <= RATIO * size(base):
        return None
    said = f"{size(joint):,} parameters, single-task {size(base):,}"
    if len({encoder_of(run) for run in single}) > 1:
        sys.stdout.write(f"\nnot widened: single-task has several encoders ({said})\n")
        return None
    options = options_of_size(base, size(joint))
    if not options:
        choice = base.choices.get("encoder")
        sys.stdout.write(f"\nnot widened: encoder={choice} says no way how ({said})\n")
        return None
    sys.stdout.write(f"\nthe largest joint model has {said}: one of that size is trained too\n")
    return options


def options_of_size(run: SavedRun, wished: int) -> dict[str, Any]:
    """The options of the encoder with which a run's model is nearest to a number of parameters.

    Empty where its encoder cannot be widened.
    """
    trusted = packages(OmegaConf.create(read_yaml(run.folder.config)))  # this study wrote it
    cfg, data = read_config(run.folder, trusted), read_run_data(run.folder, trusted)
    tasks = make_tasks(cfg, data.inputs, data.tasks)
    encoder: Any = get_class(cfg.encoder._target_)
    own: Any = OmegaConf.to_container(cfg.encoder)

    def count(options: Mapping[str, Any]) -> int:
        wider = cfg.copy()
        OmegaConf.update(wider, "encoder", dict(options), force_add=True)
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            model = make_model(wider, tasks, data.inputs, has_weights=True)
        return sum(p.numel() for p in model.parameters())

    low, high = 1.0, 2.0 * wished / size(run)  # parameters grow at least as the width
    best: dict[str, Any] = {}
    nearest = abs(size(run) - wished)
    for _ in range(TRIES):
        factor = (low + high) / 2
        options = encoder.widened(own, factor)
        if not options:
            return {}
        found = count(options)
        if abs(found - wished) < nearest:
            best, nearest = options, abs(found - wished)
        low, high = (factor, high) if found < wished else (low, factor)
    return best


def size(run: SavedRun) -> int:
    """How many parameters a run's model has."""
    return int(mapping(run.summary.get("parameters")).get("total", 0))


def encoder_of(run: SavedRun) -> str:
    """All that a run says of its encoder, as text."""
    return str(sorted((k, str(v)) for k, v in run.config.items() if k.startswith("encoder.")))
