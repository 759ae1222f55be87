"""Fixtures for the tests of your own application.

Switch them on in your ``conftest.py``::

    pytest_plugins = ["hourlyclicks.simulator.pytest"]

and use them, in the strict mode of pytest-asyncio or in its auto mode::

    async def test_report(hourlyclicks_simulator):
        async with Client(hourlyclicks_simulator.key, base_url=hourlyclicks_simulator.url) as client:
            ...
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from hourlyclicks.simulator.clock import run_virtual
from hourlyclicks.simulator.server import Simulator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


@pytest.fixture
def hourlyclicks_simulator_options() -> dict[str, Any]:
    """The keyword arguments of the `Simulator`; redefine this fixture to change them."""
    return {}


@pytest_asyncio.fixture
async def hourlyclicks_simulator(hourlyclicks_simulator_options: dict[str, Any]) -> AsyncIterator[Simulator]:
    """A running simulator on a free port of the loopback interface."""
    async with Simulator(**hourlyclicks_simulator_options) as simulator:
        yield simulator


@pytest.fixture
def hourlyclicks_run_virtual() -> Callable[..., Any]:
    """`run_virtual`: runs a coroutine function that takes a `VirtualClock`, on virtual time.

    For plain (not async) tests, since it brings its own event loop.
    """
    return run_virtual
