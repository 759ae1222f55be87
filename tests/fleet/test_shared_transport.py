"""What all accounts share on the way to the network: connections, a rate, and the end of the run."""

from __future__ import annotations

import asyncio
import random

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from hourlyclicks import Rate, TransportError
from hourlyclicks.clock import SECOND
from hourlyclicks.fleet.shared_transport import CONNECTIONS, SharedTransport
from hourlyclicks.model.http import Request, Response
from hourlyclicks.simulator import VirtualClock, run_virtual
from tests.sizes import examples


def request() -> Request:
    """Return a request."""
    return Request(URL("https://vivoldi.com/"), {})


@attrs.define
class Network:
    """A transport whose requests arrive and are answered after delays.

    Args:
        clock: what time it is.
        delays: the seconds of one way, drawn one after the other.
    """

    clock: VirtualClock
    delays: random.Random
    arrived: list[int] = attrs.field(factory=list)
    in_flight: int = 0
    most: int = 0

    async def send(self, _: Request) -> Response:
        """Answer a request."""
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            await self.clock.sleep(self.delays.uniform(0, 1.5))
            self.arrived.append(self.clock.monotonic())
            await self.clock.sleep(self.delays.uniform(0, 1.5))
        finally:
            self.in_flight -= 1
        return Response(200, {}, b"")

    async def close(self) -> None:
        """Do nothing."""


@given(
    requests=st.integers(1, 6),
    seconds=st.floats(0.1, 5.0),
    begin=st.lists(st.floats(0, 10), min_size=1, max_size=40),
    seed=st.integers(0, 1000),
)
@settings(max_examples=examples(100), deadline=None)
def test_no_stretch_of_time_has_more_arrivals(
    requests: int, seconds: float, begin: list[float], seed: int
) -> None:
    """Whatever the delays on the way: counted where the requests arrive."""

    async def main(clock: VirtualClock) -> list[int]:
        network = Network(clock, random.Random(seed))
        shared = SharedTransport(network, rate=Rate(requests, seconds), clock=clock)

        async def send(after: float) -> None:
            await clock.sleep(after)
            await shared.send(request())

        await asyncio.gather(*map(send, begin))
        return network.arrived

    arrived = sorted(run_virtual(main))
    assert len(arrived) == len(begin)
    length = round(seconds * SECOND)
    pairs = zip(arrived, arrived[requests:], strict=False)
    assert all(late - early >= length for early, late in pairs)


def test_requests_pass_in_their_order() -> None:
    """Those that wait are not overtaken."""

    async def main(clock: VirtualClock) -> list[int]:
        network = Network(clock, random.Random(1))
        shared = SharedTransport(network, rate=Rate(1, 1.0), clock=clock)
        passed: list[int] = []

        async def send(number: int) -> None:
            await shared.send(request())
            passed.append(number)

        await asyncio.gather(*map(send, range(10)))
        return passed

    assert run_virtual(main) == list(range(10))


def test_connections_are_bounded() -> None:
    """However many accounts send at the same moment."""

    async def main(clock: VirtualClock) -> int:
        network = Network(clock, random.Random(1))
        shared = SharedTransport(network, rate=None, clock=clock)
        requests = [shared.send(request()) for _ in range(5 * CONNECTIONS)]
        await asyncio.gather(*requests)
        return network.most

    assert run_virtual(main) == CONNECTIONS


def test_a_cancelled_request_takes_no_slot() -> None:
    """Neither one that waits, nor one that was let go and has not been sent yet."""

    async def main(clock: VirtualClock) -> int:
        network = Network(clock, random.Random(1))
        shared = SharedTransport(network, rate=Rate(1, 100.0), clock=clock)
        first = asyncio.ensure_future(shared.send(request()))
        waiting = [asyncio.ensure_future(shared.send(request())) for _ in range(3)]
        await first
        waiting[0].cancel()
        await clock.sleep(103.5)
        waiting[1].cancel()
        await asyncio.wait(waiting)
        return len(network.arrived)

    assert run_virtual(main) >= 2


def test_the_end_of_the_run_refuses_those_that_wait() -> None:
    """What is in flight is answered; the others were never sent, and may be sent later."""

    async def main(clock: VirtualClock) -> tuple[int, list[BaseException]]:
        network = Network(clock, random.Random(1))
        shared = SharedTransport(network, rate=Rate(1, 100.0), clock=clock)
        sending = [asyncio.ensure_future(shared.send(request())) for _ in range(3)]
        await clock.sleep(0.1)
        shared.end()
        outcomes = await asyncio.gather(*sending, return_exceptions=True)
        with pytest.raises(TransportError):
            await shared.send(request())
        return len(network.arrived), [each for each in outcomes if isinstance(each, BaseException)]

    arrived, errors = run_virtual(main)
    assert arrived == 1
    assert [type(error) for error in errors] == [TransportError] * 2
    assert all(isinstance(error, TransportError) and error.retryable for error in errors)


def test_after_the_end_nothing_is_sent_in_a_free_place() -> None:
    """Neither by a new request, nor by one that was just let go when the end came."""

    async def main(clock: VirtualClock) -> tuple[int, list[bool]]:
        network = Network(clock, random.Random(1))
        shared = SharedTransport(network, rate=None, clock=clock)

        async def send_and_end() -> None:
            await shared.send(request())  # which has let the next one go, in this turn of the event loop
            shared.end()

        sending = [asyncio.ensure_future(send_and_end()) for _ in range(CONNECTIONS)]
        requests = [request(), request()]
        waiting = asyncio.ensure_future(shared.send(requests[0]))
        await asyncio.gather(*sending)
        with pytest.raises(TransportError, match="the run has ended"):
            await waiting
        with pytest.raises(TransportError, match="the run has ended"):
            await shared.send(requests[1])
        return len(network.arrived), [each.held_back for each in requests]

    assert run_virtual(main) == (CONNECTIONS, [True, True])


def test_an_abandoned_request_keeps_its_slot() -> None:
    """As long as it may still arrive."""

    async def main(clock: VirtualClock) -> float:
        class Hanging(Network):
            """A transport that gives each request up."""

            async def send(self, request: Request) -> Response:
                """Give it up; it may arrive for 50 seconds."""
                request.may_arrive = 50.0
                self.arrived.append(self.clock.monotonic())
                raise TransportError("timed out", kind="timeout")

        network = Hanging(clock, random.Random(1))
        shared = SharedTransport(network, rate=Rate(1, 10.0), clock=clock)
        for _ in range(2):
            with pytest.raises(TransportError):
                await shared.send(request())
        first, second = network.arrived
        return (second - first) / SECOND

    assert run_virtual(main) == pytest.approx(60.0)
