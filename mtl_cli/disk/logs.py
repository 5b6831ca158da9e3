"""What a run says: on the terminal, around its progress bars, and in ``train.log``."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

from tqdm import tqdm

FILE_ONLY = {"file_only": True}  # as ``extra``: the terminal shows this another way


class TerminalHandler(logging.Handler):
    """Writes above the progress bars, where there are some."""

    def emit(self, record: logging.LogRecord) -> None:
        if not getattr(record, "file_only", False):
            tqdm.write(self.format(record), file=sys.stdout)
            sys.stdout.flush()


class QuietHandler(TerminalHandler):
    """Writes warnings alone, and each of them once, whichever run of the process it is of."""

    said: ClassVar[set[str]] = set()

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        if record.levelno >= logging.WARNING and text not in self.said:
            super().emit(record)
            self.said.add(text)


class LogFile(logging.FileHandler):
    """The end of a file. A full disk takes nothing from the run but these lines.

    Args:
        path: the file, made with the first line.
        hold: whether lines wait for `write_held`; without it they are dropped.
    """

    def __init__(self, path: Path, hold: bool) -> None:
        super().__init__(path, encoding="utf-8", delay=True)
        self.held: list[logging.LogRecord] | None = [] if hold else None

    def emit(self, record: logging.LogRecord) -> None:
        if self.held is not None:
            self.held.append(record)
            return
        try:
            super().emit(record)
        except OSError:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Says nothing: what the run writes next fails alike, and says why."""

    def write_held(self) -> None:
        """Writes what waits, and from now on at once."""
        held, self.held = self.held or [], None
        for record in held:
            self.emit(record)

    def close(self) -> None:
        with suppress(OSError):
            super().close()


@contextmanager
def logging_to(path: Path, hold: bool = False, quiet: bool = False) -> Iterator[LogFile]:
    """While the block lasts, the package's messages and all warnings go to the terminal and to
    the end of the file, if wished once it writes what it held; if wished, the terminal has warnings
    alone."""
    file = LogFile(path, hold)
    handlers = [QuietHandler() if quiet else TerminalHandler(), file]
    loggers = [logging.getLogger("mtl_cli"), logging.getLogger("py.warnings")]
    loggers[0].setLevel(logging.INFO)
    logging.captureWarnings(True)
    for logger in loggers:
        logger.propagate = False
        for handler in handlers:
            logger.addHandler(handler)
    try:
        yield file
    finally:
        logging.captureWarnings(False)
        for logger in loggers:
            logger.propagate = True
            for handler in handlers:
                logger.removeHandler(handler)
        file.close()
