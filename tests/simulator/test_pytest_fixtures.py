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
