"""``experiment=baselines``: after a sweep, single-task by the same words, beside it."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

BASELINE = "single_task"

# Words on sharing alone: what they set does not apply to single-task, or does not change it.
SHARING = re.compile(
    r"[+~]*(arch|weighting|diagnostic)([.@=]|$)|[+]*tasks\.[^=]+\.weight=|hydra\.sweep\.dir="
)


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


def baseline_words(words: list[str], sweep: Path, folder: str = BASELINE) -> list[str]:
    """The words that train the baseline of a sweep in a folder inside the sweep's."""
    kept = [word for word in words if not SHARING.match(word)]
    kept += [f"arch={BASELINE}", f"hydra.sweep.dir={sweep / folder}"]
    sys.stdout.write(f"\nthe single-task baseline: {shlex.join(['mtl-train', *kept])}\n\n")
    return kept
