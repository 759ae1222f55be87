from __future__ import annotations

import asyncio
import datetime as dt
import inspect
import json
import subprocess
import sys
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.errors import UsageError
from hourlyclicks.model.targets import Account, Group, Link
from hourlyclicks.simulator import ALGORITHMS, Asked, Late, Rule, Script, Simulator, Status
from hourlyclicks.simulator.clock import run_virtual
from tests.cases import every_case
from tests.simulator.raw_client import ask

if TYPE_CHECKING:
    from hourlyclicks.simulator import Policing, VirtualClock

LINK = Link("kYdr", "https://vvd.bz")
DAY = dt.date(2025, 4, 3)


async def test_a_request_is_answered_with_the_truth() -> None:
    """The answer over the socket equals `truth`, and the counters have the request."""
    async with Simulator(seed=5) as upstream:
        got = await ask(upstream)
        again = await ask(upstream, "ymd=2025-04-03&grpIdx=4")
    rows = {row["hour"]: (row["acesCnt"], row["pernCnt"]) for row in json.loads(got.body)["result"]}
    assert upstream.cells(LINK, DAY, DAY) == {DAY: tuple(rows.get(hour, (None, None)) for hour in range(24))}
    assert again.status == 200
    counters = upstream.counters
    assert (counters.requests, counters.statuses) == (2, {200: 2})
    assert counters.asked == {(LINK, DAY): 1, (Group(4), DAY): 1}
    assert (counters.in_service, counters.max_concurrent, counters.over_limit) == (0, 1, 0)


async def test_what_arrived_is_remembered_as_it_came() -> None:
    """The raw path and query are kept, and the key is not in the repr."""
    async with Simulator() as upstream:
        await ask(upstream, "linkId=a+b%2f%ED%95%9C&domain=https://vvd.bz&ymd=2025-04-03")
    arrival = upstream.seen[-1]
    assert arrival.query == "linkId=a+b%2f%ED%95%9C&domain=https://vvd.bz&ymd=2025-04-03"
    assert (arrival.method, arrival.path) == ("GET", "/api/statistics/v2/clicks-by-hour")
    assert arrival.headers["user-agent"] == "acme/1.0"
    assert upstream.key not in repr(arrival)
    assert list(upstream.counters.asked) == [(Link("a b/한", "https://vvd.bz"), DAY)]


async def test_faults_can_be_changed_while_it_runs() -> None:
    """New faults apply to the requests that arrive from then on."""
    async with Simulator() as upstream:
        assert upstream.faults is None
        assert (await ask(upstream)).status == 200
        upstream.faults = Script(Rule(Status(503)))
        assert (await ask(upstream)).status == 503
        assert upstream.faults.pick(Asked(number=1, attempt=1, day=None, target=None)) == Status(503)
        upstream.faults = None
        assert (await ask(upstream)).status == 200


CHANGES = {"faults", "figures", "known", "ranges"}


@every_case("name", sorted({*inspect.signature(Simulator).parameters} - CHANGES))
def test_what_cannot_be_changed_is_not_ignored(name: str) -> None:
    """Assigning to any other argument is an error, which says where it belongs."""
    with pytest.raises(
        AttributeError, match=rf"Simulator.{name} cannot be changed: pass it to Simulator\(\)"
    ):
        setattr(Simulator(), name, None)
    for other in ("key", "counters", "seen", "url"):
        with pytest.raises(AttributeError):
            setattr(Simulator(), other, None)


async def test_keys_have_plans() -> None:
    """Each key has its own plan and limit."""
    keys = {"key-of-acme": "Personal", "key-of-umbrella": "free"}
    async with Simulator(keys=keys, limits=[(1, 60.0)]) as upstream:
        assert upstream.key == "key-of-acme"
        assert json.loads((await ask(upstream, "ymd=never")).body)["code"] == 2001
        free = {"Authorization": "APIKey key-of-umbrella"}
        assert (await ask(upstream, headers=free)).status == 403
        assert (await ask(upstream, headers={"Authorization": "APIKey nobody"})).status == 401
        assert (await ask(upstream)).status == 429
    assert upstream.counters.statuses == {200: 1, 403: 1, 401: 1, 429: 1}
    assert upstream.max_in_window(60) == 2
    assert upstream.max_in_window(60, "key-of-umbrella") == 1


@pytest.mark.parametrize("policing", ALGORITHMS)
def test_the_published_limit_holds_by_default(policing: Policing) -> None:
    """A sixteenth request in a minute of a Premium key is over the limit, with every algorithm."""

    async def main(clock: VirtualClock) -> Simulator:
        async with Simulator(plan="premium", policing=policing, clock=clock) as upstream:
            for _ in range(15):
                assert (await ask(upstream)).status == 200
                if policing == "leaky_bucket":
                    await clock.sleep(4)
            clock.call_later(1, lambda: None)
            expected = 200 if policing == "leaky_bucket" else 429
            assert (await ask(upstream)).status == expected
            await clock.sleep(121)
            assert (await ask(upstream)).status == 200
        return upstream

    assert run_virtual(main).counters.over_limit == (policing != "leaky_bucket")


@pytest.mark.parametrize("scale", [1.0, 1 / 60])
def test_a_minute_lasts_as_long_as_told(scale: float) -> None:
    """The time scale stretches the limits and nothing else."""

    async def main(clock: VirtualClock) -> Simulator:
        async with Simulator(limits=[(2, 60.0)], time_scale=scale, clock=clock) as upstream:
            for wait, status in ((0.0, 200), (30.0, 200), (29.9, 429), (0.2, 200)):
                await clock.sleep(wait * scale)
                assert (await ask(upstream)).status == status
        return upstream

    upstream = run_virtual(main)
    assert (upstream.counters.over_limit, upstream.max_in_window(60)) == (1, 3)


async def test_too_many_at_once_are_refused() -> None:
    """The limit on concurrency counts requests in service, independent of the rate."""
    script = Script(Rule(Late(0.02), number={1, 2}))
    async with Simulator(limits=(), concurrency=2, faults=script) as upstream:
        got = await asyncio.gather(*(ask(upstream) for _ in range(3)))
        assert sorted(exchange.status for exchange in got) == [200, 200, 429]
        assert (await ask(upstream)).status == 200
    counters = upstream.counters
    assert (counters.over_concurrency, counters.over_limit, counters.max_concurrent) == (1, 0, 3)


async def test_a_429_says_when_to_come_back() -> None:
    """In whole seconds, as a date, or not at all."""
    async with Simulator(limits=[(1, 1000.0)]) as upstream:
        await ask(upstream)
        assert "Retry-After: 1000" in (await ask(upstream)).head
    async with Simulator(limits=[(1, 1000.0)], retry_after="date", today=DAY) as upstream:
        await ask(upstream)
        got = await ask(upstream)
        header = next(line for line in got.head.splitlines() if line.startswith("Retry-After"))
        moment = parsedate_to_datetime(header.partition(": ")[2])
        assert moment == dt.datetime(2025, 4, 3, 12, 16, 41, tzinfo=dt.UTC)
    async with Simulator(limits=[(1, 1000.0)], retry_after="none") as upstream:
        await ask(upstream)
        assert "Retry-After" not in (await ask(upstream)).head


async def test_refused_requests_are_no_attempts() -> None:
    """A fault for the second attempt is not used up by a 429."""
    script = Script(Rule(Status(500), times=1), Rule(Status(502), times=2))
    async with Simulator(limits=[(2, 1000.0)], faults=script) as upstream:
        statuses = [(await ask(upstream)).status for _ in range(3)]
    assert statuses == [500, 502, 429]


async def test_today_runs() -> None:
    """A fixed today has run until noon of the account's zone, and tomorrow is an error."""
    async with Simulator(today=DAY, timezone="Asia/Seoul") as upstream:
        rows = json.loads((await ask(upstream)).body)["result"]
        assert max(row["hour"] for row in rows) == 11
        assert json.loads((await ask(upstream, "ymd=2025-04-04")).body)["code"] == 1003
        truth = upstream.cells(LINK, dt.date(2025, 4, 2), dt.date(2025, 4, 9))
    assert list(truth) == [dt.date(2025, 4, 2), DAY]
    assert truth[DAY][12:] == ((None, None),) * 12


def test_today_goes_with_the_clock() -> None:
    """On a virtual clock the account's today is the clock's."""

    async def main(clock: VirtualClock) -> list[dt.date]:
        upstream = Simulator(clock=clock)
        await clock.sleep(86_400)
        return list(upstream.cells(Account(), dt.date(2025, 5, 31), dt.date(2025, 6, 30)))

    start = dt.datetime(2025, 5, 31, 15, tzinfo=dt.UTC)
    assert run_virtual(main, start=start) == [dt.date(2025, 5, 31), dt.date(2025, 6, 1)]


def test_a_moment_may_stand_for_today() -> None:
    """An aware datetime is that moment; a naive one is an error."""
    moment = dt.datetime(2025, 4, 3, 1, tzinfo=dt.timezone(dt.timedelta(hours=3)))
    assert list(Simulator(today=moment).cells(LINK, DAY, DAY)) == []
    with pytest.raises(UsageError, match="aware"):
        Simulator(today=dt.datetime(2025, 4, 3))  # noqa: DTZ001 - the point of the test


def test_requests_take_their_time() -> None:
    """Each way takes between the least and the most of the latency."""

    async def main(clock: VirtualClock) -> float:
        async with Simulator(latency=(0.5, 1.0), clock=clock) as upstream:
            await ask(upstream, patience=1e6)
        return clock.monotonic() / 1e9

    assert 1.0 <= run_virtual(main) <= 2.0


async def test_the_simulator_listens_only_while_it_is_entered() -> None:
    """Before and after there is no URL; entering again listens again."""
    upstream = Simulator(host="127.0.0.1")
    with pytest.raises(UsageError, match="async with"):
        _ = upstream.url
    for _ in range(2):
        async with upstream:
            assert upstream.url.startswith("http://127.0.0.1:")
    with pytest.raises(UsageError, match="async with"):
        _ = upstream.url


def test_wrong_options_are_refused_at_once() -> None:
    """An unknown plan, algorithm, limit or zone is an error when it is given."""
    for options in (
        {"plan": "gold"},
        {"policing": "none"},
        {"limits": [(0, 60)]},
        {"timezone": "Mars/Phobos"},
    ):
        with pytest.raises(UsageError):
            Simulator(**options)


def test_importing_the_simulator_imports_no_test_tool() -> None:
    """It imports neither pytest nor hypothesis nor the command line."""
    code = (
        "import sys, hourlyclicks.simulator;"
        "print([m for m in ('pytest', 'hypothesis', 'click', 'rich', 'numpy') if m in sys.modules])"
    )
    actual = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own code
    assert actual.stdout.strip() == "[]"
