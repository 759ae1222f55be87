from __future__ import annotations

import asyncio
import datetime as dt
import random
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from hourlyclicks import Limits, Link, Rate
from hourlyclicks.clock import SECOND
from hourlyclicks.errors import DecodeError, TransportError, UsageError
from hourlyclicks.model.http import Request
from hourlyclicks.simulator import (
    ALGORITHMS,
    Body,
    Bomb,
    Chances,
    Close,
    Delivery,
    Drip,
    Envelope,
    Gzipped,
    Hang,
    Headed,
    Late,
    Oversize,
    Raw,
    Reset,
    Rule,
    Script,
    Simulator,
    Status,
    Truncated,
    Unsized,
    WrongDay,
    faults,
    redirect,
    retry_after,
    run_virtual,
)
from hourlyclicks.transport.aiohttp import AiohttpTransport
from hourlyclicks.transport.protocol import Timeout
from tests.sizes import examples, sample

if TYPE_CHECKING:
    from hourlyclicks.errors import TransportKind
    from hourlyclicks.model.http import Response
    from hourlyclicks.simulator import (
        Counters,
        Fault,
        VirtualClock,
    )
    from hourlyclicks.transport.protocol import Transport

FIRST = dt.date(2024, 1, 1)
LINK = Link("kYdr", "https://vvd.bz")


def _request(upstream: Simulator, number: int = 0, *, base: str = "http://simulator") -> Request:
    day = FIRST + dt.timedelta(days=number % 366)
    query = f"linkId=a%2Bb%20c&domain=https%3A%2F%2Fvvd.bz&ymd={day.isoformat()}"
    headers = {"Authorization": f"APIKey {upstream.key}", "User-Agent": "acme/1.0"}
    return Request(URL(f"{base}/api/statistics/v2/clicks-by-hour?{query}", encoded=True), headers)


def _send(fault: Fault, **options: float) -> Response:
    """Send one request in-process, on a virtual clock."""

    async def main(clock: VirtualClock) -> Response:
        upstream = Simulator(faults=Script(Rule(fault)))
        return await upstream.transport(clock, **options).send(_request(upstream))

    return run_virtual(main)


async def _outcome(transport: Transport, request: Request) -> object:
    try:
        response = await transport.send(request)
    except TransportError as error:
        return error.kind
    except DecodeError as error:
        return error.problems
    return response.status, response.body, response.headers.get("retry-after")


ALL: list[Fault] = [
    *(kind(when) for kind in (Reset, Close) for when in ("before", "headers", "body")),
    *(Truncated(how) for how in ("length", "close", "gzip")),
    *(Status(status) for status in (301, 400, 401, 403, 404, 408, 500, 501, 503)),
    Gzipped(),
    Unsized(),
    Headed(),
    Envelope({"code": 5, "message": "no"}),
    Envelope(without=("result",)),
    WrongDay(first=3),
    Oversize(),
    Bomb(2),
    faults.GARBAGE,
    faults.HTML,
    faults.NOTHING,
    faults.BAD_STATUS_LINE,
    faults.BAD_CHUNK,
    faults.HUGE_HEADER,
    faults.DOUBLE_LENGTH,
    faults.nested(1000),
    redirect("https://elsewhere.example/"),
    retry_after("17"),
    Body(b"\xff"),
]


async def test_both_ways_in_give_the_same_faults() -> None:
    """The client gets the same over a socket and from the in-process transport, and the counters agree."""

    def script() -> Script:
        rules = (Rule(fault, number={number}) for number, fault in enumerate(ALL, start=1))
        return Script(*rules)

    count = len(ALL) + 3
    near = Simulator(limits=[(len(ALL) + 1, 1e6)], faults=script())
    inside = near.transport()
    expected = [await _outcome(inside, _request(near, number)) for number in range(count)]
    async with Simulator(limits=[(len(ALL) + 1, 1e6)], faults=script()) as far:
        over = AiohttpTransport(timeout=Timeout())
        actual = [await _outcome(over, _request(far, n, base=far.url)) for n in range(count)]
        await over.close()
    for fault, here, there in zip([*ALL, None, None, None], expected, actual, strict=True):
        assert (fault, here) == (fault, there)
    assert _figures(near.counters) == _figures(far.counters)
    assert near.counters.over_limit == 2


def _figures(counters: Counters) -> object:
    return counters.requests, counters.statuses, counters.over_limit, counters.faults, counters.asked


async def test_chance_is_the_same_on_both_ways() -> None:
    """Random faults depend on the request, not on how it came."""
    chances = Chances({Reset(): 0.2, Status(503): 0.2, Truncated("close"): 0.2}, seed=7)
    near = Simulator(limits=(), faults=chances)
    inside = near.transport()
    expected = [await _outcome(inside, _request(near, number)) for number in range(60)]
    async with Simulator(limits=(), faults=chances) as far:
        over = AiohttpTransport(timeout=Timeout())
        actual = [await _outcome(over, _request(far, n, base=far.url)) for n in range(60)]
        await over.close()
    assert expected == actual
    assert sum(near.counters.faults.values()) > 20


@pytest.mark.parametrize(
    ("fault", "kind", "seconds"),
    [
        (Hang(), "timeout", 20),
        (Hang("body"), "timeout", 20),
        (Drip(), "timeout", 20),
        (Late(21), "timeout", 20),
        (Raw(b"", "hang"), "timeout", 20),
        (Raw(b""), "disconnected", 0),
        (Raw(b"?"), "protocol", 0),
        (Raw(b"?", "reset"), "protocol", 0),
        (Reset("body"), "disconnected", 0),
    ],
)
def test_what_never_ends_times_out(fault: Fault, kind: TransportKind, seconds: int) -> None:
    """The client's timeout ends what the simulator does not, to the second."""

    async def main(clock: VirtualClock) -> tuple[str, int]:
        upstream = Simulator(faults=Script(Rule(fault)))
        with pytest.raises(TransportError) as caught:
            await upstream.transport(clock, timeout=20).send(_request(upstream))
        assert upstream.counters.in_service == 0
        return caught.value.kind, clock.monotonic()

    assert run_virtual(main) == (kind, seconds * SECOND)


def test_slow_answers_arrive_in_time() -> None:
    """A late or dripping answer within the timeout is complete."""
    assert _send(Late(29)).status == 200
    assert _send(Drip(0.001), timeout=60.0).status == 200


def test_what_cannot_be_unpacked_is_a_broken_answer() -> None:
    """A body that claims to be compressed and is not gives no response."""

    class NotPacked:
        def deliver(self, answer: object) -> Delivery:
            good = Gzipped().deliver(answer).answer  # type: ignore[arg-type]  # the protocol's own type
            return Delivery(answer=type(good)(200, good.headers, b"not packed"))

    with pytest.raises(TransportError, match="unpacked"):
        _send(NotPacked())


def test_a_closed_transport_sends_nothing() -> None:
    """Sending after close is a usage error, and closing twice is none."""

    async def main() -> Simulator:
        upstream = Simulator()
        transport = upstream.transport()
        await transport.close()
        await transport.close()
        with pytest.raises(UsageError, match="closed"):
            await transport.send(_request(upstream))
        return upstream

    assert run_virtual(main()).counters.requests == 0


@given(
    least=st.floats(0, 0.1),
    more=st.floats(0, 0.3),
    seed=st.integers(0, 3),
)
def test_each_way_takes_its_time(least: float, more: float, seed: int) -> None:
    """A request takes from twice the least to twice the most delay, and arrives in between."""

    async def main(clock: VirtualClock) -> tuple[int, int]:
        upstream = Simulator(seed=seed, latency=(least, least + more))
        await upstream.transport(clock).send(_request(upstream))
        return upstream.seen[-1].at, clock.monotonic()

    arrived, done = run_virtual(main)
    slack = 10
    low, high = least * SECOND - slack, (least + more) * SECOND + slack
    assert low <= arrived <= high
    assert low <= done - arrived <= high


@pytest.mark.parametrize("cancel_after", [0.0, 0.4, 0.5, 0.6, 1.0])
def test_what_was_sent_arrives_although_the_client_gave_up(cancel_after: float) -> None:
    """A cancelled request still counts at the server, does not stay in service, and tells when it arrives."""

    async def main(clock: VirtualClock) -> Simulator:
        upstream = Simulator(latency=(0.5, 0.5))
        request = _request(upstream)
        sending = asyncio.create_task(upstream.transport(clock).send(request))
        await clock.sleep(cancel_after)
        sending.cancel()
        await asyncio.wait([sending])
        assert sending.cancelled() or cancel_after == 1.0
        assert request.may_arrive == pytest.approx(max(0.0, 0.5 - cancel_after), abs=1e-8)
        await clock.sleep(2)
        return upstream

    upstream = run_virtual(main)
    assert (upstream.counters.requests, upstream.max_in_window(60)) == (1, 1)
    assert upstream.counters.in_service == 0


@pytest.mark.parametrize("seed", sample(range(20), 5))
def test_calls_that_are_given_up_exceed_no_limit(seed: int) -> None:
    """However the delays of what was given up, and of what follows, differ."""
    upstream = Simulator(limits=[(2, 1.0)], concurrency=1, latency=(0.05, 0.95), seed=seed)
    limits = Limits([Rate(2, 1.0)], concurrency=1, guard=0.0)
    chance = random.Random(seed)

    async def main(clock: VirtualClock) -> None:
        async with upstream.client(limits=limits, clock=clock, transport=upstream.transport(clock)) as client:
            for day in range(1, 29):
                with suppress(TimeoutError):
                    async with asyncio.timeout(chance.uniform(0.0, 2.0)):
                        await client.day(dt.date(2025, 2, day), LINK)

    run_virtual(main)
    assert upstream.counters.requests > 10
    assert (upstream.counters.over_limit, upstream.counters.over_concurrency) == (0, 0)


def test_a_request_cancelled_at_the_moment_of_its_arrival_leaves() -> None:
    """It is not in service afterwards."""

    async def main(clock: VirtualClock) -> Simulator:
        upstream = Simulator(latency=(0.5, 0.5), concurrency=1)
        sending = asyncio.create_task(upstream.transport(clock).send(_request(upstream)))
        await asyncio.sleep(0)
        clock.call_later(SECOND // 2, sending.cancel)
        await asyncio.wait([sending])
        assert sending.cancelled()
        return upstream

    counters = run_virtual(main).counters
    assert (counters.requests, counters.in_service, counters.max_concurrent) == (1, 0, 1)


@pytest.mark.parametrize("policing", ALGORITHMS)
@settings(max_examples=examples(30))
@given(
    waits=st.lists(st.sampled_from([0.0, 0.5, 1.0, 4.0, 30.0, 60.0]), min_size=1, max_size=40),
    latency=st.sampled_from([(0.0, 0.0), (0.05, 0.3)]),
)
def test_the_server_counts_what_it_rejects(
    policing: str, waits: list[float], latency: tuple[float, float]
) -> None:
    """Rejections, statuses and the arrival log agree in every run."""

    async def main(clock: VirtualClock) -> Simulator:
        upstream = Simulator(policing=policing, limits=[(3, 60.0)], latency=latency)  # type: ignore[arg-type]  # a name of ALGORITHMS
        transport = upstream.transport(clock)
        for number, wait in enumerate(waits):
            await clock.sleep(wait)
            await transport.send(_request(upstream, number))
        return upstream

    upstream = run_virtual(main)
    counters = upstream.counters
    assert counters.over_limit == counters.statuses[429]
    assert sum(counters.statuses.values()) == counters.requests == len(waits)
    if policing == "sliding_log":
        assert (counters.over_limit > 0) == (upstream.max_in_window(60) > 3)


def test_ten_years_pass_in_seconds() -> None:
    """A request in-process costs so little that ten years at nine a minute are cheap."""

    async def main(clock: VirtualClock) -> int:
        upstream = Simulator(plan="personal", latency=(0.005, 0.3), policing="whole_seconds")
        transport = upstream.transport(clock)
        for number in range(3653):
            await transport.send(_request(upstream, number))
            await clock.sleep(7.7)
        assert upstream.counters.statuses == {200: 3653}
        return clock.monotonic() // SECOND

    assert run_virtual(main) > 7 * 3653
