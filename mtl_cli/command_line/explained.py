"""Errors of Hydra's reading of a command line, in our form; and how a command ends by an error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb
from typing import NoReturn

from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from mtl_cli.basis.errors import Problem
from mtl_cli.command_line.choices import no_choice
from mtl_cli.command_line.mistakes import explain

READS = str(Path(__file__).with_name("cli.py"))  # hands the words to Hydra


def fail(error: BaseException) -> NoReturn:
    """Prints an error without a traceback, and exits with 1."""
    sys.stderr.write(f"error: {error}\n")
    raise SystemExit(1)


def full_errors() -> bool:
    """Whether the user wants tracebacks."""
    return os.environ.get("MTL_FULL_ERROR") == "1"


@contextmanager
def explained(words: list[str]) -> Iterator[None]:
    """Raises what Hydra says of the words in our form; tracebacks are of Hydra's own."""
    try:
        yield
    except (HydraException, OmegaConfBaseException) as error:
        raise error if full_errors() else explain(error, words) from error
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        if isinstance(error, Problem) or full_errors() or not is_hydras(error):
            raise
        group = "Config group override" in str(error)
        raise (no_choice(words) if group else explain(error, words)) from error


def is_hydras(error: BaseException) -> bool:
    """Whether an error came out of Hydra's reading of the words, which has no name for it."""
    frames = [frame.filename for frame in extract_tb(error.__traceback__)]
    last = max(i for i, name in enumerate(frames) if "/mtl_cli/" in name)
    below = frames[last + 1 :]
    return frames[last] == READS and any("hydra" in n or "omegaconf" in n for n in below)
