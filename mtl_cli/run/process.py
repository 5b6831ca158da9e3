"""One of the processes of a run that started several: ``python -m mtl_cli.run.process <job>``."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

from mtl_cli.basis.errors import Problem
from mtl_cli.command_line.cli import FreshFolders
from mtl_cli.run.processes import failure_of, follows, hush
from mtl_cli.run.session import run


def main(path: Path) -> None:
    """Runs the job that `mtl_cli.run.processes.launch` has left in a file."""
    job, FreshFolders.words, FreshFolders.sweep, sys.path[:] = pickle.loads(path.read_bytes())
    hush()
    try:
        run(**job)
    except Problem as error:
        if not follows():
            failure_of(path).write_bytes(pickle.dumps(error))
        raise SystemExit(1) from None


if __name__ == "__main__":
    main(Path(sys.argv[1]))
