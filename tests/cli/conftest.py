"""What the tests of the command line share."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.cli.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hourlyclicks.simulator import Simulator


@pytest.fixture
def server() -> Iterator[Simulator]:
    """A simulator without limits and faults on a socket."""
    with serving() as simulator:
        yield simulator


@pytest.fixture(autouse=True)
def hang_up_as_before() -> Iterator[None]:
    """Restore SIGHUP, which a command changes until the end of its process."""
    if not hasattr(signal, "SIGHUP"):
        yield
        return
    before = signal.getsignal(signal.SIGHUP)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture(autouse=True)
def at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give each test a home of its own, so that no real key is found."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("HOURLYCLICKS_STORE", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path
