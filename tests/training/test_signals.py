"""A signal is noted once, the next one acts as before; what nohup ignores stays ignored."""

import signal
from collections.abc import Iterator

import pytest

from mtl_cli.training.signals import SIGNALS, Signals


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """The handlers of before, whatever a test leaves."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_is_noted_and_the_next_one_acts_as_before(number: int) -> None:
    seen = []
    signal.signal(number, lambda *args: seen.append(number))
    with Signals() as signals:
        signal.raise_signal(number)
        assert (signals.received, seen) == (number, [])
        signal.raise_signal(number)
    assert seen == [number]


def test_a_hang_up_that_nohup_ignores_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with Signals() as signals:
        signal.raise_signal(signal.SIGHUP)
    assert signals.received is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_a_script_ignores_for_its_background_still_stops_a_training(number: int) -> None:
    signal.signal(number, signal.SIG_IGN)
    with Signals() as signals:
        signal.raise_signal(number)
    assert signals.received == number
    assert signal.getsignal(number) == signal.SIG_IGN
