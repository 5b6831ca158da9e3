"""The words that train what joint training is held against."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

from mtl_cli.comparison.baseline import BASELINE

# Words on sharing alone: what they set does not apply to single-task, or does not change it.
SHARING = re.compile(
    r"[+~]*(arch|weighting|diagnostic)([.@=]|$)|[+]*tasks\.[^=]+\.weight=|hydra\.sweep\.dir="
)


def baseline_words(words: list[str], sweep: Path, folder: str = BASELINE) -> list[str]:
    """The words that train the baseline of a sweep in a folder inside the sweep's."""
    kept = [word for word in words if not SHARING.match(word)]
    kept += [f"arch={BASELINE}", f"hydra.sweep.dir={sweep / folder}"]
    sys.stdout.write(f"\nthe single-task baseline: {shlex.join(['mtl-train', *kept])}\n\n")
    return kept
