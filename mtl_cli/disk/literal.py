"""Texts that stay as they are: OmegaConf would read ``${...}`` in them as another value.

Whatever is read from a file, or has been resolved once, is text; resolved a second time, two
harmless halves could name an environment variable.
"""

from __future__ import annotations

import re
from typing import Any


def literal(value: Any) -> Any:
    """Plain data with its texts written so that OmegaConf, resolving them, gives them back."""
    if isinstance(value, dict):
        return {key: literal(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [literal(item) for item in value]
    if isinstance(value, str):
        return re.sub(r"(\\*)\$\{", r"\1\1\\${", value)
    return value
