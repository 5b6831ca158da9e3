"""The command line as it was meant: with one word mended."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path


def corrected(words: list[str], wrong: str, right: str) -> str:
    """The command line with the first word that holds ``wrong`` mended."""
    fixed = list(words)
    for i, word in enumerate(words):
        pattern = rf"(?<![\w-]){re.escape(wrong)}(?![\w-])"
        if re.search(pattern, word):
            fixed[i] = re.sub(pattern, right, word, count=1)
            break
    return shlex.join([command(), *fixed])


def command() -> str:
    """The command that was typed; that of training, where Python called."""
    name = Path(sys.argv[0]).name
    return name if name.startswith("mtl-") else "mtl-train"
