"""Accounts begin while there will be a connection for their requests, so that none waits for the others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from yarl import URL

from hourlyclicks import Limits, Rate
from hourlyclicks.fleet import shared_transport
from hourlyclicks.fleet.admission import Admission
from hourlyclicks.fleet.shared_transport import SharedTransport
from hourlyclicks.model.http import Request
from hourlyclicks.simulator import run_virtual
from tests.fleet.fleets import Fleet, job, named
from tests.sizes import sized

if TYPE_CHECKING:
    from hourlyclicks.fleet.admission import AdmittedAccount
    from hourlyclicks.model.http import Response
    from hourlyclicks.simulator import VirtualClock

FOUR_A_MINUTE = Limits(rates=(Rate(4, 60.0),), concurrency=1, guard=1.0)
ONE_AN_HOUR = Limits(rates=(Rate(1, 3600.0),), concurrency=1, guard=1.0)


class Silent:
    """A transport that is not asked."""

    async def send(self, request: Request) -> Response:
        """Do not send it."""
        raise AssertionError(request)

    async def close(self) -> None:
        """Do nothing."""


@pytest.fixture(autouse=True)
def one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one request be in flight at once, and three wait, so that few accounts are many."""
    monkeypatch.setattr(shared_transport, "CONNECTIONS", 1)
    monkeypatch.setattr(shared_transport, "BACKLOG", 4)


def longest(size: int, *, at_once: int) -> float:
    """Return the seconds of the slowest account, from its own start to its own end."""
    fleet = Fleet(size, {"limits": [(4, 60.0)], "latency": (0.02, 0.03)})
    jobs = [job(number, plan=None, limits=FOUR_A_MINUTE, start="2024-02-25") for number in range(size)]
    report = fleet.run(jobs, at_once=at_once)
    assert report.complete
    assert fleet.upstream.counters.over_limit == 0
    return max(each.report.seconds for each in report.accounts if each.report is not None)


@pytest.mark.parametrize("at_once", [100, 12])
def test_an_account_among_many_takes_no_longer_than_alone(at_once: int) -> None:
    """Whether all may be active at once, or begin in waves: 3 % more at most."""
    assert longest(sized(30, 60), at_once=at_once) <= 1.03 * longest(1, at_once=1)


def test_an_account_that_waits_for_its_window_takes_no_place_of_another() -> None:
    """As after a restart, when the windows of the first accounts are full for an hour."""
    fleet = Fleet(12)
    jobs = [
        job(number, **({"plan": None, "limits": ONE_AN_HOUR} if number < 4 else {})) for number in range(12)
    ]
    assert fleet.run(jobs[:4], deadline=30).done == 4
    report = fleet.run(jobs, deadline=600)
    assert [each.name for each in report.incomplete_accounts] == [named(number) for number in range(4)]


def test_a_cancelled_request_takes_no_place_of_an_account() -> None:
    """As when the leases of many accounts are lost while their requests wait for the rate of all."""

    async def main(clock: VirtualClock) -> bool:
        transport = SharedTransport(Silent(), rate=Rate(1, 3600.0), clock=clock)
        admission = Admission(transport, at_once=9)
        requests = [
            asyncio.ensure_future(transport.send(Request(URL("https://vivoldi.com/"), {}))) for _ in range(5)
        ]
        admitting = asyncio.ensure_future(admission.admit())
        await clock.sleep(1)
        assert not admitting.done()
        for each in requests:
            each.cancel()
        await asyncio.gather(*requests, return_exceptions=True)
        await clock.sleep(1)
        admitted = admitting.done()
        admitting.cancel()
        return admitted

    assert run_virtual(main)


def test_an_account_counts_as_a_request_until_it_sends_one() -> None:
    """Four begin, each further one when another has started, and at most six are active."""

    async def main(clock: VirtualClock) -> list[tuple[int, int]]:
        admission = Admission(SharedTransport(Silent(), rate=None, clock=clock), at_once=6)
        admitted: list[AdmittedAccount] = []

        async def admit() -> None:
            while True:
                admitted.append(await admission.admit())

        def start_others() -> None:
            for each in admitted[1:]:
                each.started()

        admitting = asyncio.ensure_future(admit())
        await clock.sleep(1)
        first, second, *_ = admitted
        seen = [(len(admitted), admission.active)]
        # That one has started counts once, however often it is told.
        for step in (first.started, first.started, start_others, first.leave, second.leave):
            step()
            await clock.sleep(1)
            seen.append((len(admitted), admission.active))
        admitting.cancel()
        return seen

    assert run_virtual(main) == [(4, 4), (5, 5), (5, 5), (6, 6), (7, 6), (8, 6)]
