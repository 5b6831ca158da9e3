"""A signal ends what a process does, also one that comes at a moment at which Python drops it."""

import signal
import sys
import time

import pytest

from mtl_cli.basis.launched import LAUNCHED
from mtl_cli.processes.alarm import Alarm
from mtl_cli.training.signals import Interrupted


@pytest.fixture(autouse=True)
def launched(monkeypatch):
    for name in LAUNCHED:
        monkeypatch.setenv(name, "2")


class Rings:
    def __del__(self) -> None:
        signal.raise_signal(signal.SIGTERM)


def delete_what_rings() -> None:
    with Alarm():
        Rings()
        time.sleep(10)


def test_one_that_comes_while_an_object_is_deleted_ends_the_block_all_the_same():
    before = signal.getsignal(signal.SIGTERM), sys.unraisablehook
    with pytest.raises(Interrupted):
        delete_what_rings()
    assert (signal.getsignal(signal.SIGTERM), sys.unraisablehook) == before


def test_one_after_the_first_disturbs_nobody():
    with Alarm() as alarm:
        with pytest.raises(Interrupted):
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        assert alarm.ignored == 1
