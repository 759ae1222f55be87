"""Signals that arrive while a result is written; see ``test_loop`` for those during a run."""

from __future__ import annotations

import os
import signal

import pytest

from hourlyclicks.cli.console.hangup import delaying_signals

pytestmark = pytest.mark.skipif(os.name != "posix", reason="there are no such signals elsewhere")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_waits_until_the_result_is_written(name: str) -> None:
    """The result becomes complete, and then the signal takes effect."""
    number, told = getattr(signal, name), []
    before = signal.signal(number, lambda *_: told.append("signal"))
    try:
        with delaying_signals():
            os.kill(os.getpid(), number)
            told.append("written")
        assert told == ["written", "signal"]
    finally:
        signal.signal(number, before)
