"""Loads a trained run from its folder.

A run folder is data, whoever wrote it: nothing in it is executed (`foreign`, `slots`,
`checkpoint`).
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import torch

from mtl_cli.basis.device import find_device, place
from mtl_cli.basis.errors import check_choice, problem
from mtl_cli.command_line.sweep import chosen_run
from mtl_cli.disk import checkpoint as checkpoints
from mtl_cli.run.make_model import make_model
from mtl_cli.run.run_data import read_run_data
from mtl_cli.run.tasks import make_tasks
from mtl_cli.trained.loaded_run import LoadedRun
from mtl_cli.trust.run_config import read_config

CHECKPOINTS = ["best", "last"]


def load_run(
    run: str | Path,
    checkpoint: str = "best",
    device: str = "auto",
    trust: Collection[str] = (),
    runs: str | Path = "runs",
) -> LoadedRun:
    """Loads the model of a run.

    Args:
        run: a run folder, or ``latest``.
        checkpoint: ``best`` (the weights that val picked) or ``last``.
        device: see `mtl_cli.basis.device`.
        trust: packages whose classes the run may name, beside those that are always trusted.
        runs: the folder of all runs, where ``latest`` is looked for.

    Raises:
        ValueError: where it is no run, a damaged one, of a newer version, or not to be trusted.
    """
    check_choice("checkpoint", checkpoint, CHECKPOINTS, "checkpoint=best")
    folder = chosen_run(str(run), Path(runs))
    where = find_device(device)
    config = read_config(folder, trust)
    data = read_run_data(folder, trust)
    if set(config.tasks) != set(data.tasks):
        rule, found = "must name the same tasks as config.yaml", ", ".join(data.tasks)
        raise problem(str(folder.reader), rule, found, "the files as the run wrote them")
    path = folder.best if checkpoint == "best" else folder.last
    weights = checkpoints.load(path)["model"]
    with torch.random.fork_rng(devices=[]):  # the first weights are drawn, and thrown away
        tasks = make_tasks(config, data.inputs, data.tasks)
        model = make_model(config, tasks, data.inputs, has_weights=True)
    checkpoints.load_weights(model, weights, path)
    return LoadedRun(folder, config, place(model, where).eval(), data, where)
