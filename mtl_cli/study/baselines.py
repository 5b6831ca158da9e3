"""``study=baselines``: after a sweep, single-task by the same words, beside it."""

from __future__ import annotations

from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from mtl_cli.study.base import BASELINE


class AndSingleTask(Callback):
    """Asks for the single-task baseline of a sweep that does not train it itself."""

    wanted = False  # in this process
    studied = False  # whether sharing is what this process looks into

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        parser = OverridesParser.create()
        choices = [str(config.hydra.runtime.choices.arch)]
        for word in config.hydra.overrides.task:
            if word.startswith("arch="):
                value: Any = parser.parse_override(word).value()
                listed = getattr(value, "list", [value])
                choices = value.filter([BASELINE]) if isinstance(value, Glob) else listed
        AndSingleTask.studied = True
        AndSingleTask.wanted = BASELINE not in [str(choice) for choice in choices]
