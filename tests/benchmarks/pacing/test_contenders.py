"""The contenders: how they send, on virtual time and on a server that answers at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from benchmarks.pacing.contenders import (
    Job,
    contenders,
    even,
    log,
    ours,
)
from hourlyclicks import Client, HourlyClicksError, Rate
from hourlyclicks.clock import SECOND
from hourlyclicks.model.http import Response
from hourlyclicks.simulator import run_virtual

if TYPE_CHECKING:
    from benchmarks.pacing.contenders import Contender
    from hourlyclicks import Limits
    from hourlyclicks.simulator import VirtualClock

THREE_IN_NINE = Rate(3, 9.0)


def _never_called(limits: Limits) -> Client:
    raise AssertionError(f"only our contenders need a client, here with {limits}")


def _sendings(
    contender: Contender, requests: int, *, concurrency: int = 1, takes: float = 0.0
) -> list[float]:
    """Return when requests leave that are answered so many seconds later."""
    sent: list[float] = []

    async def main(clock: VirtualClock) -> None:
        async def trip() -> None:
            sent.append(clock.monotonic() / SECOND)
            await clock.sleep(takes)

        await contender(Job(requests, THREE_IN_NINE, concurrency, trip, _never_called))

    run_virtual(main)
    return sent


def test_a_metronome() -> None:
    """Even spacing sends on every beat."""
    assert _sendings(even, 4) == pytest.approx([0, 3, 6, 9])


def test_a_missed_beat_is_not_made_up_for() -> None:
    """After a slow answer the metronome begins anew."""
    assert _sendings(even, 3, takes=4.0) == pytest.approx([0, 4, 8])


def test_a_log_of_send_times() -> None:
    """The log lets a burst through and then waits for a window."""
    assert _sendings(log, 7) == pytest.approx([0, 0, 0, 9, 9, 9, 18])


def test_no_more_under_way_than_allowed() -> None:
    """With two at a time the third request waits for the first answer."""
    assert _sendings(log, 3, concurrency=2, takes=1.0) == pytest.approx([0, 0, 1])


def test_libraries_send_what_they_promise() -> None:
    """A burst and refills, a metronome, and a log with a reserve of 50 ms."""
    found = contenders()
    assert _sendings(found["aiolimiter, R a window"], 5) == pytest.approx([0, 0, 0, 3, 6])
    assert _sendings(found["aiolimiter, one by one"], 3) == pytest.approx([0, 3, 6])
    assert _sendings(found["pyrate-limiter"], 5) == pytest.approx([0, 0, 0, 9, 9], abs=0.06)


def test_an_incomplete_answer_of_ours_is_an_error() -> None:
    """A client that does not bring every day has not done the work."""

    class Deaf:
        """A transport that says no to everything."""

        async def send(self, request: object) -> Response:
            """Refuse for good."""
            return Response(404, {}, str(request).encode())

        async def close(self) -> None:
            """Do nothing."""

    async def main(clock: VirtualClock) -> None:
        def client(limits: Limits) -> Client:
            return Client("no-key", limits=limits, transport=Deaf(), clock=clock)

        async def trip() -> None:
            await asyncio.sleep(0)

        await ours("window")(Job(3, THREE_IN_NINE, 1, trip, client))

    with pytest.raises(HourlyClicksError):
        run_virtual(main)
