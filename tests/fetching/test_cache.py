"""The store as a single client uses it."""

from __future__ import annotations

import asyncio
import datetime as dt
import functools
from typing import TYPE_CHECKING

import attrs
import pytest

from hourlyclicks.errors import ApiError, ServerError, StoreError
from hourlyclicks.events import DayRevised, Dispatcher
from hourlyclicks.fetching.cache import DayCache, StoredAnswer
from hourlyclicks.fetching.prefetch import Prefetch
from hourlyclicks.model.dates import CHUNK, DateRange
from hourlyclicks.model.day import DayClicks
from hourlyclicks.model.targets import Account, Query
from hourlyclicks.simulator.clock import VirtualClock
from hourlyclicks.store.freshness import Freshness
from hourlyclicks.store.ledger import DayState
from tests.fetching.asking import DAY, LINK
from tests.fetching.stage import FailingStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.events import Event

NOW = dt.datetime(2025, 6, 1, 12, tzinfo=dt.UTC)
BEFORE, AFTER = NOW - dt.timedelta(hours=2), NOW + dt.timedelta(seconds=1)
FRESH_ENOUGH, REFRESH = Freshness(NOW), Freshness(NOW, refresh=True)
REJECTED_TOO = Freshness(NOW, refused=True)
ALL = DateRange(DAY - dt.timedelta(299), DAY)
TODAY = dt.date(2025, 6, 1)
NO = ApiError("no such link", code=404, status=200)
DOWN = ServerError("down", status=500, retryable=True)


def day(date: dt.date = DAY, at: dt.datetime = BEFORE, clicks: int = 7, *, final: bool = True) -> DayClicks:
    """Return an answer."""
    return DayClicks(date, (clicks,) * 24, (clicks,) * 24, at, final)


def about(date: dt.date = DAY) -> Query:
    """Return the query for a day."""
    return Query(date, LINK)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[FailingStore]:
    """A store that can be made to fail."""
    store = FailingStore(tmp_path / "clicks.db")
    yield store
    await store.close()


@pytest.fixture
def events() -> list[Event]:
    """The events."""
    return []


@pytest.fixture
def cache(store: FailingStore, events: list[Event]) -> DayCache:
    """The cache of an account whose zone is UTC."""
    return DayCache(
        store,
        owned=False,
        fingerprint=lambda _: "me",
        zone=dt.UTC,
        clock=VirtualClock(NOW),
        dispatch=Dispatcher(events.append),
    )


async def test_the_store_is_opened_once(cache: DayCache, store: FailingStore) -> None:
    """However many tasks need the account at the same time, it is looked up once."""
    numbers = await asyncio.gather(*(cache.account() for _ in range(5)))
    assert len(set(numbers)) == 1
    assert store.calls == ["open", "salt", "account"]


async def test_a_final_day_is_found(cache: DayCache) -> None:
    """A final day is taken from the store, unless it is to be refreshed."""
    await cache.put(about(), day(), requests=1)
    assert await cache.find(about(), FRESH_ENOUGH) == day()
    assert await cache.find(about(), REFRESH) is None
    assert await cache.find(about(ALL[1]), FRESH_ENOUGH) is None
    assert await cache.find(Query(DAY, Account()), FRESH_ENOUGH) is None


async def test_a_provisional_day_is_found_if_it_is_new(cache: DayCache) -> None:
    """A provisional day is taken only if it was requested since the call began."""
    today, ask = functools.partial(day, TODAY, final=False), about(TODAY)
    await cache.put(ask, today(), requests=1)
    assert await cache.find(ask, FRESH_ENOUGH) is None
    await cache.put(ask, today(at=NOW), requests=1)
    assert await cache.find(ask, FRESH_ENOUGH) == today(at=NOW)
    assert await cache.find(ask, REFRESH) is None, "it may have been asked for just before"
    assert await cache.find(ask, Freshness(BEFORE, refresh=True)) == today(at=NOW)
    await cache.put(ask, today(at=AFTER), requests=1)
    assert await cache.find(ask, FRESH_ENOUGH) == today(at=AFTER)
    assert await cache.find(ask, REFRESH) is None, "it cannot have been asked for later than now"


async def test_a_rejected_day_is_an_error_again(cache: DayCache) -> None:
    """The rejection is raised as the error it was, unless rejected days are to be retried."""
    await cache.record_failure(about(), NO, asked=BEFORE, requests=1, began=NOW)
    await cache.record_rejection(about(), NO, asked=BEFORE)
    with pytest.raises(ApiError) as caught:
        await cache.find(about(), FRESH_ENOUGH)
    error = caught.value
    assert (error.code, error.message, error.status) == (404, "no such link", 200)
    assert (error.day, error.target) == (DAY, LINK)
    assert await cache.find(about(), REFRESH) is None
    assert await cache.find(about(), REJECTED_TOO) is None


@pytest.mark.parametrize(
    "error",
    [NO, DOWN],
)
async def test_what_is_recorded(cache: DayCache, error: HourlyClicksError) -> None:
    """A day with any error has failed until its rejection is final."""
    assert await cache.record_failure(about(), error, asked=BEFORE, requests=3, began=NOW) is None
    (entry,) = await cache.entries(LINK, ALL)
    assert (entry.date, entry.state, entry.asked_at, entry.attempts) == (DAY, DayState.FAILED, BEFORE, 3)
    assert await cache.count_by_state(LINK, ALL) == {DayState.FAILED: 1}
    assert await cache.failing() == [LINK]
    await cache.record_rejection(about(), error, asked=BEFORE)
    (entry,) = await cache.entries(LINK, ALL)
    assert (entry.state, entry.attempts) == (DayState.REFUSED, 3)
    assert await cache.failing() == []


async def test_the_same_rejection_of_an_earlier_call_is_returned(cache: DayCache) -> None:
    """Recording a rejection returns that of an earlier call; a rejected day then stays rejected."""
    await cache.record_failure(about(), NO, asked=BEFORE, requests=1, began=NOW)
    assert await cache.record_failure(about(), NO, asked=NOW, requests=1, began=BEFORE) is None
    other = ApiError("no", code=5, status=200)
    assert await cache.record_failure(about(), other, asked=BEFORE, requests=1, began=NOW) is None
    entry = await cache.record_failure(about(), other, asked=BEFORE, requests=1, began=NOW)
    assert entry is not None
    assert (entry.state, entry.asked_at) == (DayState.FAILED, BEFORE)
    await cache.record_rejection(about(), other, asked=BEFORE)
    await cache.record_failure(about(), other, asked=NOW, requests=1, began=NOW)
    assert await cache.count_by_state(LINK, ALL) == {DayState.REFUSED: 1}
    await cache.record_failure(about(), DOWN, asked=NOW, requests=1, began=NOW)
    assert await cache.count_by_state(LINK, ALL) == {DayState.FAILED: 1}


async def test_a_change_is_reported(cache: DayCache, events: list[Event]) -> None:
    """Figures that differ from those before are an event with their revision; the same figures are none."""
    assert await cache.put(about(), day(), requests=1) == StoredAnswer(day())
    assert await cache.put(about(), day(at=NOW), requests=1) == StoredAnswer(day(at=NOW))
    new = day(at=AFTER, clicks=8)
    assert await cache.put(about(), new, requests=1) == StoredAnswer(new, revised=True)
    assert events == [DayRevised(day=DAY, target=LINK, revision=2)]


async def test_an_answer_that_cannot_be_stored_is_in_the_error(cache: DayCache, store: FailingStore) -> None:
    """Nothing that was fetched is lost, not even in a pickle."""
    store.fails = lambda name, _number: name == "put"
    with pytest.raises(StoreError) as caught:
        await cache.put(about(), day(), requests=1)
    assert caught.value.unsaved == (day(),)
    assert (caught.value.day, caught.value.target) == (DAY, LINK)


async def test_figures_in_doubt_are_returned_as_they_were(cache: DayCache, events: list[Event]) -> None:
    """After an answer that lacks hours, the caller gets the earlier figures, which are not final."""
    await cache.put(about(), day(), requests=1)
    nothing = DayClicks(DAY, (None,) * 24, (None,) * 24, NOW - dt.timedelta(minutes=1), final=True)
    stored = await cache.put(about(), nothing, requests=1, refresh=True)
    assert stored == StoredAnswer(day(final=False))
    assert await cache.find(about(), FRESH_ENOUGH) is None
    assert events == []
    again = attrs.evolve(nothing, fetched_at=NOW)
    assert await cache.put(about(), again, requests=1) == StoredAnswer(again, revised=True)
    assert await cache.find(about(), FRESH_ENOUGH) == again


async def test_a_wrong_zone_is_corrected(cache: DayCache, store: FailingStore) -> None:
    """What another zone made final too early is not found; what it left provisional is, if final."""
    account = await cache.account()
    evening = dt.datetime.combine(DAY, dt.time(23), dt.UTC)
    await store.put(account, LINK, day(at=evening), requests=1)
    await store.put(account, LINK, day(ALL[0], final=False), requests=1)
    assert await cache.find(about(), FRESH_ENOUGH) is None
    assert await cache.find(about(ALL[0]), FRESH_ENOUGH) == day(ALL[0])
    assert await cache.count_by_state(LINK, ALL) == {DayState.PROVISIONAL: 1, DayState.FINAL: 1}


async def test_what_a_wrong_clock_stamped_is_not_found(cache: DayCache) -> None:
    """Neither figures nor rejections from the future are found."""
    ahead = NOW + dt.timedelta(days=3)
    await cache.put(about(), day(at=ahead), requests=1)
    await cache.record_failure(about(ALL[0]), NO, asked=ahead, requests=1, began=NOW)
    assert [await cache.find(about(date), FRESH_ENOUGH) for date in (DAY, ALL[0])] == [None, None]
    assert await Prefetch(cache, LINK, ALL, FRESH_ENOUGH).count() == 0


async def test_pages_give_each_day_once(cache: DayCache, store: FailingStore) -> None:
    """Each page is read once, whichever task needs its days, and each day is returned once."""
    for date in list(ALL)[::3]:
        await cache.put(about(date), day(date), requests=1)
    store.calls.clear()
    pages = Prefetch(cache, LINK, ALL, FRESH_ENOUGH)
    assert await pages.count() == 100
    found = await asyncio.gather(*(pages.find(date) for date in ALL))
    assert found == [day(date) if number % 3 == 0 else None for number, date in enumerate(ALL)]
    assert store.calls.count("read") == -(-len(ALL) // CHUNK)
    assert await pages.find(ALL[-1]) is None


async def test_pages_of_days_to_be_refreshed(cache: DayCache) -> None:
    """They have no day of the store."""
    await cache.put(about(), day(), requests=1)
    await cache.record_failure(about(ALL[1]), NO, asked=BEFORE, requests=1, began=NOW)
    await cache.record_rejection(about(ALL[1]), NO, asked=BEFORE)
    for freshness, number in ((REFRESH, 0), (FRESH_ENOUGH, 2), (REJECTED_TOO, 1)):
        pages = Prefetch(cache, LINK, ALL, freshness)
        assert await pages.count() == number
        found = [await pages.find(date) for date in (DAY, ALL[1])]
        assert sum(each is not None for each in found) == number


@pytest.mark.parametrize("owned", [True, False])
async def test_only_what_is_owned_is_closed(store: FailingStore, *, owned: bool) -> None:
    """A store that is not owned stays open."""
    cache = DayCache(
        store,
        owned=owned,
        fingerprint=lambda _: "me",
        zone=None,
        clock=VirtualClock(),
        dispatch=Dispatcher(None),
    )
    await cache.account()
    await cache.close()
    assert ("close" in store.calls) == owned
