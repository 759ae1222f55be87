"""What `RequestDone` counts, against the counters of a server on a socket."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from yarl import URL

from hourlyclicks import Client, Limits, Link, RetryPolicy
from hourlyclicks.errors import ServerError, TransportError, UsageError
from hourlyclicks.events import DayDone, RequestDone
from hourlyclicks.fetching.fetcher import may_have_arrived
from hourlyclicks.model.http import Request
from hourlyclicks.simulator import Catalogue, Reset, Rule, Script, Simulator, Status, retry_after
from tests.client.stories import LINK
from tests.fetching.asking import DAY
from tests.fetching.stage import ONE, play

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.events import Event
    from tests.fetching.stage import Stage

START, END = "2024-03-01", "2024-04-30"
OTHER = Link("other", "https://vvd.bz")
FREE = Limits(concurrency=4)
QUICK = RetryPolicy(base=0.001, cap=0.001)


def day(number: int) -> dt.date:
    """Return a day of March 2024."""
    return dt.date(2024, 3, number)


TROUBLE = Script(
    Rule(retry_after("0.01"), number={7, 19}),
    Rule(Status(500), day=day(4), times=1),
    Rule(Reset(), day=day(9), times=2),
    Rule(Reset("body"), day=day(21), times=1),
    Rule(Status(502), number={80, 81}),
)


def requests(events: list[Event]) -> list[RequestDone]:
    """Return the requests among events."""
    return [event for event in events if isinstance(event, RequestDone)]


def client_of(server: Simulator, events: list[Event], **options: Any) -> Client:  # noqa: ANN401 - passed through
    """Return a client on a socket."""
    how: dict[str, Any] = {"limits": FREE, "retry": QUICK, "timezone": "UTC", **options}
    return Client(server.key, base_url=server.url, on_event=events.append, **how)


async def cancel_amid(client: Client, server: Simulator) -> None:
    """Cancel a call while four of its requests are in service."""
    task = asyncio.create_task(client.fetch("2023-01-01", "2023-02-28", LINK, label="cancelled"))
    before = server.counters.requests
    while server.counters.requests < before + 9:  # noqa: ASYNC110 - the server has no event for it
        await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("session", [False, True], ids=["fast path", "session"])
async def test_the_requests_are_those_that_the_server_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, session: bool
) -> None:
    """With retries, 429s, lists, ranges, sums, failed days and a cancelled call, none is missing or twice."""
    if session:
        monkeypatch.setattr("hourlyclicks.transport.aiohttp.fast_path", lambda *_, **__: None)
    events: list[Event] = []
    server = Simulator(
        plan="enterprise",
        limits=(),
        concurrency=0,
        faults=TROUBLE,
        latency=(0.0, 0.005),
        catalogue=Catalogue.invented(70, dt.date(2024, 1, 1), day(1)),
    )
    async with server, client_of(server, events, store=tmp_path / "clicks.db", endpoint="auto") as client:
        await asyncio.gather(
            client.fetch(START, END, LINK, strict=False),
            client.daily(START, END, OTHER, strict=False),
            client.day("2024-05-01", OTHER),
        )
        await client.backfill("2024-01-01", END, [OTHER])
        assert len([link async for link in client.links()]) == 70
        async with client_of(server, events) as by_day:
            await cancel_amid(by_day, server)
        await asyncio.sleep(0.05)  # for those that were sent as the call was cancelled
        counters = server.counters
    found = requests(events)
    assert len(found) == counters.requests
    statuses = Counter(event.status for event in found if event.status is not None)
    complete = {status: number for status, number in counters.statuses.items() if statuses[status] != number}
    assert complete.keys() <= {200}  # answers that broke off, or were given up, have no status
    assert statuses[429] == 2
    asked = Counter(event.endpoint for event in found)
    assert {"clicks-by-hour/v2", "clicks-by-hour/v3", "clicks-by-date/v2", "links/v1"} == set(asked)
    lists = [(event.target, event.days) for event in found if event.day is None]
    assert lists == [(None, 0)] * asked["links/v1"]
    assert {event.label for event in found if event.status is None and event.error is None} == {"cancelled"}


async def test_nothing_was_sent_where_there_is_no_connection(unused_tcp_port: int) -> None:
    """An attempt that finds no server is no request; it is reported as a failed attempt."""
    events: list[Event] = []
    url = f"http://127.0.0.1:{unused_tcp_port}"
    async with Client("k" * 20, base_url=url, limits=FREE, retry=QUICK, on_event=events.append) as client:
        with pytest.raises(TransportError, match="cannot connect"):
            await client.day(START, LINK)
    assert requests(events) == []
    assert [type(event).__name__ for event in events] == ["AttemptFailed"] * 3 + ["DayFailed"]


async def test_a_request_that_was_cancelled_while_connecting_was_not_sent() -> None:
    """The transport tells what it never wrote; only a written request counts."""

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read()
        writer.close()

    events: list[Event] = []
    server = await asyncio.start_server(say_nothing, "127.0.0.1")
    port = server.sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    async with server, Client("k" * 20, base_url=url, limits=FREE, on_event=events.append) as client:
        for ticks, expected in ((3, 0), (100, 1)):
            task = asyncio.create_task(client.day(START, LINK))
            for _ in range(ticks):
                await asyncio.sleep(0 if expected == 0 else 0.001)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await asyncio.sleep(0)
            assert len(requests(events)) == expected
    [given_up] = requests(events)
    assert (given_up.status, given_up.error, given_up.bytes) == (None, None, 0)
    assert "given up" in given_up.message


STALE = TransportError("closed", kind="disconnected")
STALE.stale = True


@pytest.mark.parametrize(
    ("error", "unsent", "arrived"),
    [
        (None, False, True),
        (None, True, False),
        (TransportError("cut", kind="disconnected"), False, True),
        (TransportError("late", kind="timeout"), False, True),
        (TransportError("late", kind="timeout"), True, False),
        (TransportError("no such host", kind="dns"), False, False),
        (TransportError("refused", kind="connect"), False, False),
        (TransportError("bad certificate", kind="tls"), False, False),
        (STALE, False, True),
        (UsageError("closed"), False, False),
        (ServerError("a transport's own", status=500, retryable=True), False, True),
    ],
)
def test_which_failures_may_have_reached_the_server(
    error: HourlyClicksError | None, *, unsent: bool, arrived: bool
) -> None:
    """Those without a connection have not; one on a connection that was closed meanwhile may have."""
    assert may_have_arrived(Request(URL("http://localhost"), {}, unsent=unsent), error) is arrived


def test_how_long_a_request_waited_and_took() -> None:
    """It waits for its slot, is sent, and is answered after a second; each attempt has its number."""

    async def story(stage: Stage) -> None:
        await asyncio.gather(*[stage.client.day(DAY + dt.timedelta(number), LINK) for number in range(3)])

    found = requests(play(story, limits=ONE).events)
    assert [event.seconds for event in found] == [1.0] * 3
    assert [event.waited for event in found] == [0.0, 1.0, 2.0]
    assert [(event.attempt, event.days) for event in found] == [(1, 1)] * 3


def test_a_day_follows_its_request() -> None:
    """The request is reported before what it means for its day."""

    async def story(stage: Stage) -> None:
        await stage.client.day(DAY, LINK)

    assert [type(event) for event in play(story).events] == [RequestDone, DayDone]
