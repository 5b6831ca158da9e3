"""What a run says reaches terminal and file from every thread, once the file may be written."""

import logging
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from mtl_cli.disk.logs import LogFile, logging_to

log = logging.getLogger("mtl_cli.tests")


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("hold", [False, True])
def test_threads_and_the_main_one_may_speak_in_turn(tmp_path, capsys, hold):
    path = tmp_path / "train.log"
    with ThreadPoolExecutor(2) as pool, logging_to(path, hold) as file:
        for i in range(4):
            pool.submit(warnings.warn, f"palette {i}", stacklevel=1).result(timeout=10)
            pool.submit(log.info, f"thread {i}").result(timeout=10)
            log.info(f"main {i}")
        assert path.exists() != hold
        if hold:
            file.write_held()
    lines, shown = path.read_text().splitlines(), capsys.readouterr().out
    for i in range(4):
        assert sum(f"palette {i}" in line for line in lines) == 1
        assert f"thread {i}\nmain {i}\n" in shown
        assert [line for line in lines if line in (f"thread {i}", f"main {i}")] == [
            f"thread {i}",
            f"main {i}",
        ]


def test_what_is_held_is_dropped_where_nobody_asks_for_it(tmp_path):
    with logging_to(tmp_path / "train.log", hold=True):
        log.info("of a resume that is refused")
    assert not (tmp_path / "train.log").exists()


def test_a_file_keeps_the_words_of_a_handler(tmp_path):
    """A method that is called as one of Python's own would be called in its place."""
    own = {name for name in vars(LogFile) if not name.startswith("_")}
    theirs = {name for name in dir(logging.Handler) if not name.startswith("_")}
    assert own & theirs <= {"emit", "handleError", "close"}
