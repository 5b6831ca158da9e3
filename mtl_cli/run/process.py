"""One of the processes of a run that started several: ``python -m mtl_cli.run.process``."""

import os
import signal
import threading
import time

from mtl_cli.basis.launched import STARTER, follows, hush

SECOND = 1.0  # between two looks at the launcher


def main() -> None:
    """Runs the job that `mtl_cli.processes.launch` has left in the store, or trains along."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # while it imports, it ends without a word
    threading.Thread(target=end_with, args=(int(os.environ[STARTER]),), daemon=True).start()
    if follows():
        hush()
    from mtl_cli.run.serve import be_first, serve

    (serve if follows() else be_first)()


def end_with(launcher: int) -> None:
    """Asks this process to stop once its launcher is no more."""
    while os.getppid() == launcher:
        time.sleep(SECOND)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
