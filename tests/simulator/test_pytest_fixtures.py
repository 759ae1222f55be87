from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from hourlyclicks.simulator import Simulator, VirtualClock

pytest_plugins = ["pytester", "hourlyclicks.simulator.pytest"]

CONFTEST = 'pytest_plugins = ["hourlyclicks.simulator.pytest"]\n'

TESTS = """
import pytest

@pytest.fixture
def hourlyclicks_simulator_options():
    return {"plan": "enterprise", "seed": 4}

{mark}
async def test_server(hourlyclicks_simulator):
    assert hourlyclicks_simulator.url.startswith("http://127.0.0.1:")

def test_clock(hourlyclicks_run_virtual):
    async def main(clock):
        await clock.sleep(86_400)
        return clock.monotonic()
    assert hourlyclicks_run_virtual(main) == 86_400 * 10**9
"""


SYNCHRONOUS = """
import asyncio
import datetime as dt
import sys

import pytest

@pytest.fixture(scope="session")
def hourlyclicks_session_simulator_options():
    return {"plan": "enterprise", "today": dt.date(2025, 4, 7)}

def day(server):
    async def main():
        async with server.client() as client:
            return await client.day("2025-04-01")
    return asyncio.run(main())

def test_a_server_of_its_own(hourlyclicks_simulator):
    day(hourlyclicks_simulator)
    assert hourlyclicks_simulator.counters.requests == 1

def test_another_server(hourlyclicks_simulator):
    assert hourlyclicks_simulator.counters.requests == 0
    assert "pytest_asyncio" not in sys.modules

SERVERS = set()

@pytest.mark.parametrize("number", [1, 2, 3])
def test_one_server_for_all(hourlyclicks_session_simulator, number):
    SERVERS.add(hourlyclicks_session_simulator.url)
    day(hourlyclicks_session_simulator)
    assert hourlyclicks_session_simulator.counters.requests == 1
    assert len(SERVERS) == 1
    hourlyclicks_session_simulator.reset()
"""


async def test_the_server_fixture_is_a_running_simulator(hourlyclicks_simulator: Simulator) -> None:
    """The fixture returns a simulator that listens."""
    assert hourlyclicks_simulator.url.startswith("http://127.0.0.1:")
    assert hourlyclicks_simulator.counters.requests == 0


def test_the_clock_fixture_runs_years(hourlyclicks_run_virtual: Callable[..., int]) -> None:
    """The fixture runs a coroutine on virtual time."""

    async def main(clock: VirtualClock) -> int:
        await clock.sleep(1e9)
        return clock.monotonic()

    assert hourlyclicks_run_virtual(main) == 10**18


@pytest.mark.parametrize(("mode", "mark"), [("auto", ""), ("strict", "@pytest.mark.asyncio")])
def test_the_fixtures_work_in_both_modes(pytester: pytest.Pytester, mode: str, mark: str) -> None:
    """In a project of its own, with pytest-asyncio in strict or in auto mode."""
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(TESTS.replace("{mark}", mark))
    options = ("-p", "no:randomly", "-o", "asyncio_default_fixture_loop_scope=function")
    result = pytester.runpytest_inprocess("--asyncio-mode", mode, *options)
    result.assert_outcomes(passed=2)


def test_the_fixtures_need_no_other_plugin(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Synchronous tests work without pytest-asyncio; each has a server of its own, or all have one."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(SYNCHRONOUS)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=5)
