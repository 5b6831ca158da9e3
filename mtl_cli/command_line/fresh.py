"""The new folder of one run, and a warning where the one that the user named is taken."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mtl_cli.command_line.sweep import OF_A_RUN
from mtl_cli.disk.new_folder import create_folder
from mtl_cli.disk.run_folder import from_here


def fresh_folder(hydra: Any) -> Path:
    """Makes the folder of a run.

    Args:
        hydra: Hydra's own part of the configuration.

    Raises:
        ValueError: where it cannot be made or written to.
    """
    asked = Path(hydra.run.dir)
    path = create_folder(asked)
    named = any(word.startswith(OF_A_RUN) for word in hydra.overrides.hydra)
    if named and path != asked:  # what is called by that name next would be the older run
        there, own = from_here(asked), from_here(path)
        said = f"{there} is there already: this run is in {own}, and {there} stays as it was"
        sys.stderr.write(f"WARNING     {said}\n")
    return path
