"""``study=baselines``: after a sweep, single-task by the same words, beside it."""

from __future__ import annotations

import shlex
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from mtl_cli.basis.errors import problem
from mtl_cli.command_line.cli import FreshFolders, callback_errors
from mtl_cli.comparison.baseline import BASELINE


class AndSingleTask(Callback):
    """Asks for the single-task baseline of a sweep that does not train it itself."""

    wanted = False  # in this process
    studied = False  # whether sharing is what this process looks into

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        with callback_errors():
            check_tasks(config)
        parser = OverridesParser.create()
        choices = [str(config.hydra.runtime.choices.arch)]
        for word in config.hydra.overrides.task:
            if word.startswith("arch="):
                value: Any = parser.parse_override(word).value()
                listed = getattr(value, "list", [value])
                choices = value.filter([BASELINE]) if isinstance(value, Glob) else listed
        AndSingleTask.studied = True
        AndSingleTask.wanted = BASELINE not in [str(choice) for choice in choices]


def check_tasks(config: DictConfig) -> None:
    """Refuses a study of one task, with which nothing can be shared."""
    targets: Any = config.dataset.get("targets")
    tasks = {*(config.get("tasks") or ()), *(targets if isinstance(targets, DictConfig) else ())}
    if len(tasks) != 1 or config.dataset.get("task_column") is not None:
        return
    own = [word for word in FreshFolders.words if not word.startswith(("study=", "study."))]
    alone = shlex.join(["mtl-train", *own])
    rule = "needs two tasks or more: with one alone nothing is shared"
    fix = f"{alone}, which trains it, or a second target"
    raise problem(f"study={config.hydra.runtime.choices.study}", rule, str(*tasks), fix)
