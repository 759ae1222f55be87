"""The slot of a range is kept until its days are in the store, and released before any further request."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks import DateRange, Limits, Link
from hourlyclicks.errors import RateLimitedError, StoreError
from hourlyclicks.events import DayDone, Event
from hourlyclicks.model.report import StopReason
from hourlyclicks.simulator import Envelope, Rule, Script
from hourlyclicks.simulator.faults import retry_after
from hourlyclicks.store import MemoryStore
from tests.client.stories import LINK, free, simulate

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from hourlyclicks import Client
    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.targets import Target
    from hourlyclicks.simulator import Fault, Simulator, VirtualClock

V3 = "clicks-by-hour/v3"
OTHER = Link("b", "https://vvd.bz")
YEAR = ("2024-01-01", "2024-12-31")
JUNE = DateRange.of("2024-06-01", "2024-06-30")
SLOW = 3.0
MONTHS_AND_PROOF = 12 + 1
"""Requests for a year, the first time."""


class SlowStore(MemoryStore):
    """A store that takes its time for each answer.

    Args:
        upstream: the server.

    Attributes:
        full: whether no answer can be written.
        under_way: for each answer, how many ranges the server had been asked for that were not stored.
        stored: the days of each answer.
    """

    def __init__(self, upstream: Simulator) -> None:
        super().__init__()
        self._upstream = upstream
        self.full = False
        self.under_way: list[int] = []
        self.stored: list[list[dt.date]] = []

    async def put_days(self, account: int, target: Target, days: Sequence[DayClicks], **how: Any) -> Any:  # noqa: ANN401 - as in `Store`
        """Put them, after a while."""
        await asyncio.sleep(SLOW)
        self.under_way.append(self._upstream.counters.count(endpoint=V3) - len(self.stored))
        if self.full:
            raise StoreError("the disk is full")
        kept = await super().put_days(account, target, days, **how)
        self.stored.append([day.date for day in days])
        return kept


@pytest.mark.parametrize("concurrency", [1, 3])
def test_a_kill_loses_no_more_ranges_than_may_be_under_way(concurrency: int) -> None:
    """However long the store takes."""
    upstream = free(plan="enterprise")
    store = SlowStore(upstream)

    async def story(client: Client, _: VirtualClock) -> None:
        report = await client.backfill(*YEAR, [LINK])
        assert (report.done, report.requests) == (366, 12 + 1)

    simulate(upstream, story, store=store, endpoint="auto", limits=Limits(concurrency=concurrency))
    assert max(store.under_way) == concurrency


@pytest.mark.parametrize("how", ["cancelled", "full"])
def test_a_slot_is_released_whatever_becomes_of_the_answer(how: str) -> None:
    """The store cannot write it, or the call is cancelled meanwhile: the next range is asked for."""
    upstream = free(plan="enterprise")
    store = SlowStore(upstream)

    async def story(client: Client, clock: VirtualClock) -> None:
        await client.backfill(JUNE.start, JUNE.end, [OTHER])
        store.full = how == "full"
        run = asyncio.ensure_future(client.backfill(JUNE.start, JUNE.end, [LINK]))
        await clock.sleep(SLOW / 2)
        if how == "cancelled":
            run.cancel()
        await asyncio.wait([run])
        assert run.cancelled() or isinstance(run.exception(), StoreError)
        store.full = False
        assert (await client.backfill(JUNE.start, JUNE.end, [LINK])).complete

    simulate(upstream, story, store=store, endpoint="auto", limits=Limits(concurrency=1))


async def prove(client: Client, _: VirtualClock) -> None:
    """Find days with clicks by which a later client can check what the server does."""
    await client.backfill(*YEAR, [OTHER])


def test_what_is_certain_is_stored_before_a_check() -> None:
    """With the only slot there is; the request of the answer counts once, and no day is stored twice."""
    upstream, events = free(plan="enterprise", active_days=10), list[Event]()
    store = SlowStore(upstream)

    async def story(client: Client, _: VirtualClock) -> int:
        before = upstream.counters.requests
        report = await client.backfill(JUNE.start, JUNE.end, [LINK])
        assert report.done == len(JUNE)
        return upstream.counters.requests - before

    options: dict[str, Any] = {"store": store, "endpoint": "auto", "limits": Limits(concurrency=1)}
    simulate(upstream, prove, **options)
    store.stored.clear()
    requests = simulate(upstream, story, on_event=events.append, **options)
    done = [event for event in events if isinstance(event, DayDone)]
    certain, others = store.stored
    assert requests > 1  # one or two are for the check
    assert sum(event.requests for event in done) == 1
    assert sorted(certain + others) == list(JUNE)
    assert certain == [day for day in JUNE if certain[0] <= day <= certain[-1]]


class FullStore(MemoryStore):
    """A store in which what is known of ranges cannot be written from some time on.

    Attributes:
        full_after: how often it can still be.
    """

    full_after = 99

    async def change_range_record(self, *what: Any) -> Any:  # noqa: ANN401 - as in `Store`
        """Fail if it is full."""
        self.full_after -= 1
        if self.full_after < 0:
            raise StoreError("the disk is full")
        return await super().change_range_record(*what)


NO_SUCH_LINK = Envelope({"code": 9, "message": "no such link", "result": []})


@pytest.mark.parametrize(
    ("fault", "kind"), [(NO_SUCH_LINK, StoreError), (retry_after("7200"), RateLimitedError)]
)
def test_what_is_stored_before_a_check_counts(fault: Fault, kind: type[HourlyClicksError]) -> None:
    """Also if the store cannot keep what the check shows, or the server asks to wait for too long."""
    beside = Script(Rule(fault, target=OTHER, number=range(MONTHS_AND_PROOF + 1, 99)))
    store, upstream = FullStore(), free(plan="enterprise", active_days=10, faults=beside)

    async def story(client: Client, _: VirtualClock) -> None:
        store.full_after = 0
        with pytest.raises(kind) as caught:
            await client.fetch(JUNE.start, JUNE.end, LINK)
        series, [account] = caught.value.series, (await store.accounts()).values()
        stored = await store.read(account, LINK, JUNE)
        assert series is not None
        assert 1 < len(stored) < len(JUNE)
        assert [*series.days()] == stored

    options: dict[str, Any] = {"store": store, "endpoint": "auto", "limits": Limits(concurrency=1)}
    simulate(upstream, prove, **options)
    simulate(upstream, story, **options)


def test_days_stored_before_a_check_are_in_the_report() -> None:
    """Of a run that ends because the server asks to wait for too long."""
    beside = Script(Rule(retry_after("7200"), target=OTHER, number=range(MONTHS_AND_PROOF + 1, 99)))
    store, upstream = MemoryStore(), free(plan="enterprise", active_days=10, faults=beside)

    async def story(client: Client, _: VirtualClock) -> None:
        report = await client.backfill(JUNE.start, JUNE.end, [LINK])
        [account] = (await store.accounts()).values()
        assert report.stopped is StopReason.RATE_LIMITED
        assert report.done == len(await store.read(account, LINK, JUNE)) > 0

    options: dict[str, Any] = {"store": store, "endpoint": "auto", "limits": Limits(concurrency=1)}
    simulate(upstream, prove, **options)
    simulate(upstream, story, **options)


@pytest.mark.parametrize("writes", [0, 1], ids=["comparison", "proof"])
def test_an_answer_whose_proof_cannot_be_kept_is_in_the_error(writes: int) -> None:
    """The days with clicks are, since they are in no store."""
    store, upstream = FullStore(), free(plan="enterprise", active_days=100)

    async def story(client: Client, _: VirtualClock) -> None:
        store.full_after = writes
        with pytest.raises(StoreError) as caught:
            await client.fetch(JUNE.start, JUNE.end, LINK)
        assert [day.date for day in caught.value.unsaved] == list(JUNE)
        assert caught.value.series is not None
        assert caught.value.series.missing_days == ()

    simulate(upstream, story, store=store, endpoint="auto")
