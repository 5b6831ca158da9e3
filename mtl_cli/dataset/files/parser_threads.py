"""Arrow's threads that parse rows ahead and call Python where a row is broken.

One that lets go of what is Python's while Python exits aborts the process, so none is left behind.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any
from weakref import finalize

if TYPE_CHECKING:
    from pyarrow import csv

SECONDS = 10  # that threads are waited for; they need milliseconds


def unless_no_text(usual: Callable[[Any], Any], said: Any) -> None:
    """Leaves out that a broken row is no text: the reader says so of the file."""
    if not isinstance(said.exc_value, UnicodeDecodeError):
        usual(said)


@contextmanager
def lend(handler: Callable[[Any], str], options: csv.ParseOptions) -> Iterator[csv.ParseOptions]:
    """The options with a handler of broken rows, which no thread holds any more at the end.

    What reads by them must be given up by then: closing an Arrow reader does not stop its threads.
    """
    lent, returned = partial(handler), Event()
    finalize(lent, returned.set)
    options.invalid_row_handler = lent
    del lent
    usual = sys.unraisablehook
    sys.unraisablehook = partial(unless_no_text, usual)
    try:
        yield options
    finally:
        sys.unraisablehook = usual
        options.invalid_row_handler = None
        returned.wait(SECONDS)
