"""What a run says: on the terminal, around its progress bars, and in ``train.log``."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

FILE_ONLY = {"file_only": True}  # as ``extra``: the terminal shows this another way


class TerminalHandler(logging.Handler):
    """Writes above the progress bars, where there are some."""

    def emit(self, record: logging.LogRecord) -> None:
        if not getattr(record, "file_only", False):
            tqdm.write(self.format(record), file=sys.stdout)
            sys.stdout.flush()


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """While the block lasts, the package's messages and all warnings go to the terminal and to
    the end of the file."""
    handlers = [TerminalHandler(), logging.FileHandler(path, encoding="utf-8", delay=True)]
    loggers = [logging.getLogger("mtl_cli"), logging.getLogger("py.warnings")]
    loggers[0].setLevel(logging.INFO)
    logging.captureWarnings(True)
    for logger in loggers:
        logger.propagate = False
        for handler in handlers:
            logger.addHandler(handler)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        for logger in loggers:
            logger.propagate = True
            for handler in handlers:
                logger.removeHandler(handler)
        handlers[1].close()
