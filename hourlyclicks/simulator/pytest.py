"""Fixtures for the tests of your own application, synchronous or not.

Switch them on in your ``conftest.py``::

    pytest_plugins = ["hourlyclicks.simulator.pytest"]

and use them, with or without pytest-asyncio::

    def test_report(hourlyclicks_simulator):
        assert my_application(hourlyclicks_simulator.url, hourlyclicks_simulator.key) == ...

    async def test_week(hourlyclicks_simulator):
        async with hourlyclicks_simulator.client() as client:
            ...

The simulators run in threads of their own, so a test client or a browser that blocks the test is answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks.simulator.clock import run_virtual
from hourlyclicks.simulator.server import Simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def hourlyclicks_simulator_options() -> dict[str, Any]:
    """The keyword arguments of `hourlyclicks_simulator`; redefine this fixture to change them."""
    return {}


@pytest.fixture
def hourlyclicks_simulator(hourlyclicks_simulator_options: dict[str, Any]) -> Iterator[Simulator]:
    """A running `Simulator` on a free port of the loopback interface, a new one for each test."""
    with Simulator.in_thread(**hourlyclicks_simulator_options) as simulator:
        yield simulator


@pytest.fixture(scope="session")
def hourlyclicks_session_simulator_options() -> dict[str, Any]:
    """The keyword arguments of `hourlyclicks_session_simulator`; by default it has no limits."""
    return {"limits": ()}


@pytest.fixture(scope="session")
def hourlyclicks_session_simulator(
    hourlyclicks_session_simulator_options: dict[str, Any],
) -> Iterator[Simulator]:
    """A running `Simulator` for the whole run, for applications that are started only once.

    `Simulator.reset` empties its counters between two tests.
    """
    with Simulator.in_thread(**hourlyclicks_session_simulator_options) as simulator:
        yield simulator


@pytest.fixture
def hourlyclicks_run_virtual() -> Callable[..., Any]:
    """`run_virtual`: runs a coroutine function that takes a `VirtualClock`, on virtual time.

    For plain (not async) tests, since it brings its own event loop.
    """
    return run_virtual
