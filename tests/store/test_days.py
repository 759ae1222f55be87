"""What all kinds of store do with days; each test runs on a file, in memory and on a server."""

from __future__ import annotations

import datetime as dt
from itertools import product
from typing import TYPE_CHECKING

import attrs
import pytest

from hourlyclicks.errors import ApiError, ServerError, StoreError
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.targets import Group, Link
from hourlyclicks.store.freshness import Reader
from hourlyclicks.store.ledger import DayState, Failure, LedgerEntry, PutResult, Revision
from tests.model.strategies import FIRST, NOON, a_day
from tests.store.answers import ALL, LARGEST, LATER, ME, REFUSED, day, failure, figures, rejection
from tests.store.locations import MemoryLocation, with_accounts

if TYPE_CHECKING:
    from tests.store.locations import Location

pytestmark = pytest.mark.parametrize("new_location", ["sqlite", "memory", "postgres"], indirect=True)


ANSWERS = (
    figures([None] * 24),
    figures([None] * 24, final=False),
    figures([0] * 24),
    figures(range(24), range(24, 0, -1)),
    figures([LARGEST] * 24),
    figures([2**31 - 1] * 24),
    figures([2**31] + [1] * 23, [1] * 24),
    figures([LARGEST, None] * 12, [0, None] * 12, final=False),
    figures([*[None] * 23, 5], [*[None] * 23, 7]),
    figures([3, *[None] * 23]),
)


async def test_a_day_comes_back_as_it_was(location: Location) -> None:
    """Not reported, zero, the largest count, and more users than clicks are all kept."""
    async for store, account, known in with_accounts(location, ANSWERS):
        assert await store.put(account, ME, known, requests=1) == PutResult(1)
        assert await store.read(account, ME, ALL) == [known]


async def test_the_moment_of_an_answer_is_kept_to_the_microsecond(location: Location) -> None:
    """It comes back in UTC, from whatever zone it was given in."""
    seoul = dt.timezone(dt.timedelta(hours=9))
    moment = dt.datetime(2024, 3, 11, 0, 0, 0, 1, tzinfo=seoul)
    store, account = await location.account()
    await store.put(account, ME, a_day(FIRST, at=moment), requests=1)
    (known,) = await store.read(account, ME, ALL)
    assert (known.fetched_at, known.fetched_at.tzinfo) == (moment, dt.UTC)


STATES = (
    (a_day(FIRST), DayState.FINAL),
    (a_day(FIRST, final=False), DayState.PROVISIONAL),
    (figures([None] * 24), DayState.EMPTY),
    (figures([None] * 24, final=False), DayState.PROVISIONAL),
)


async def test_an_answer_is_in_a_state(location: Location) -> None:
    """The ledger entry of a day has the state of its answer, its time, and its requests."""
    async for store, account, (known, state) in with_accounts(location, STATES):
        await store.put(account, ME, known, requests=3)
        assert await store.entries(account, ME, ALL) == [
            LedgerEntry(FIRST, state, NOON, 3, 1, hours=known.reported_hours)
        ]


async def test_a_day_without_an_answer_has_a_mark_and_no_figures(location: Location) -> None:
    """It has a state and a failure, and is never read as zero clicks."""
    async for store, account, entry in with_accounts(location, [failure(), rejection()]):
        await store.record_failure(account, ME, entry)
        assert await store.entries(account, ME, ALL) == [entry]
        assert await store.read(account, ME, ALL) == []


async def test_nothing_is_known_of_a_day_without_a_request(location: Location) -> None:
    """A day that was never requested has no entry and no figures, also of a known target."""
    store, account = await location.account()
    for _ in range(2):
        elsewhere = DateRange(day(5), day(6))
        assert await store.entries(account, ME, elsewhere) == []
        assert await store.read(account, ME, elsewhere) == []
        assert not await store.count_by_state(account, ME, elsewhere)
        await store.put(account, ME, a_day(FIRST), requests=1)


async def test_a_provisional_day_becomes_final(location: Location) -> None:
    """A later answer replaces the earlier one, and is a revision only if it differs."""
    store, account = await location.account()
    await store.put(account, ME, a_day(FIRST, 1, final=False), requests=1)
    final = a_day(FIRST, 2, at=LATER)
    assert await store.put(account, ME, final, requests=2) == PutResult(2, revised=True)
    assert await store.read(account, ME, ALL) == [final]
    assert await store.entries(account, ME, ALL) == [
        LedgerEntry(FIRST, DayState.FINAL, LATER, 3, 2, hours=final.reported_hours)
    ]


@pytest.mark.parametrize("counts", [[1, *[None] * 23], [None] * 24])
async def test_fewer_hours_replace_more_when_that_is_confirmed(
    location: Location, counts: list[int | None]
) -> None:
    """The first answer only puts the day in doubt; replaced figures become a revision."""
    store, account = await location.account()
    before, minute = figures([1] * 24), dt.timedelta(minutes=1)
    await store.put(account, ME, before, requests=1)
    fewer = attrs.evolve(figures(counts), fetched_at=LATER)
    assert await store.put(account, ME, fewer, requests=1) == PutResult(1, doubted_at=LATER)
    assert await store.read(account, ME, ALL) == [attrs.evolve(before, final=False)]
    assert await store.entries(account, ME, ALL) == [
        LedgerEntry(FIRST, DayState.PROVISIONAL, NOON, 2, 1, hours=24, doubted_at=LATER)
    ]
    assert await store.revisions(account, ME, ALL) == []
    again = attrs.evolve(fewer, fetched_at=LATER + minute)
    assert await store.put(account, ME, again, requests=1) == PutResult(2, revised=True)
    assert await store.read(account, ME, ALL) == [again]
    assert await store.revisions(account, ME, ALL) == [Revision(1, attrs.evolve(before, final=False))]
    (entry,) = await store.entries(account, ME, ALL)
    assert (entry.attempts, entry.doubted_at) == (3, None)


async def test_an_answer_with_all_hours_ends_a_doubt(location: Location) -> None:
    """The day is as it was before, without a revision."""
    store, account = await location.account()
    await store.put(account, ME, figures([1] * 24), requests=1)
    await store.put(account, ME, attrs.evolve(figures([None] * 24), fetched_at=LATER), requests=1)
    good = attrs.evolve(figures([1] * 24), fetched_at=LATER)
    assert await store.put(account, ME, good, requests=1) == PutResult(1)
    assert await store.entries(account, ME, ALL) == [
        LedgerEntry(FIRST, DayState.FINAL, LATER, 3, 1, hours=24)
    ]
    assert await store.revisions(account, ME, ALL) == []


async def test_no_figures_are_ever_deleted(location: Location) -> None:
    """Every set of figures that was replaced is there to the cell, in order, unreported hours included."""
    store, account = await location.account()
    sets = [figures([None, *[number] * 23], [None, *[LARGEST] * 23]) for number in range(4)]
    sets = [
        attrs.evolve(each, fetched_at=NOON + number * dt.timedelta(1)) for number, each in enumerate(sets)
    ]
    for each in sets:
        await store.put(account, ME, each, requests=1)
        await store.put(account, ME, each, requests=1)
    await store.put(account, ME, a_day(day(1)), requests=1)
    assert await store.revisions(account, ME, ALL) == [
        Revision(number, each) for number, each in enumerate(sets[:-1], 1)
    ]
    assert await store.revisions(account, ME, DateRange(day(1), day(2))) == []
    assert await store.revisions(account, Group(9), ALL) == []


async def test_a_reader_with_another_clock_or_zone_counts_for_itself(location: Location) -> None:
    """The states are those for this reader, and without one as they were written."""
    store, account = await location.account()
    evening = dt.datetime.combine(FIRST, dt.time(20), dt.UTC)
    await store.put(account, ME, a_day(FIRST, at=evening), requests=1)
    await store.put(account, ME, a_day(day(1), at=NOON + dt.timedelta(days=2)), requests=1)
    await store.put(account, ME, a_day(day(2)), requests=1)
    for reader, final in (
        (None, 3),
        (Reader(NOON, dt.timezone(dt.timedelta(hours=9))), 2),
        (Reader(NOON, dt.UTC), 1),
        (Reader(NOON), 1),
        (Reader(NOON, trusting=True), 2),
        (Reader(NOON + dt.timedelta(days=2)), 2),
    ):
        count_by_state = await store.count_by_state(account, ME, ALL, reader=reader)
        assert (count_by_state[DayState.FINAL], count_by_state.total()) == (final, 3)


async def test_a_final_day_never_becomes_provisional(location: Location) -> None:
    """A provisional answer is dropped if a final one is known, however late it comes; it was a request."""
    store, account = await location.account()
    await store.put(account, ME, a_day(FIRST, 1), requests=1)
    kept = await store.put(account, ME, a_day(FIRST, 2, final=False, at=LATER), requests=2)
    assert kept == PutResult(1, dropped=True)
    assert await store.read(account, ME, ALL) == [a_day(FIRST, 1)]
    assert await store.entries(account, ME, ALL) == [LedgerEntry(FIRST, DayState.FINAL, NOON, 3, 1, hours=12)]


async def test_a_later_final_answer_replaces_an_earlier(location: Location) -> None:
    """Figures that were thought final and changed count as a revision; the earlier never comes back."""
    store, account = await location.account()
    await store.put(account, ME, a_day(FIRST, 1), requests=1)
    assert await store.put(account, ME, a_day(FIRST, 2, at=LATER), requests=1) == PutResult(2, revised=True)
    assert await store.put(account, ME, a_day(FIRST, 1), requests=1) == PutResult(2, dropped=True)
    assert await store.read(account, ME, ALL) == [a_day(FIRST, 2, at=LATER)]


async def test_the_same_figures_again_are_no_revision(location: Location) -> None:
    """Only the moment changes."""
    store, account = await location.account()
    await store.put(account, ME, a_day(FIRST), requests=1)
    assert await store.put(account, ME, a_day(FIRST, at=LATER), requests=1) == PutResult(1)
    assert await store.entries(account, ME, ALL) == [
        LedgerEntry(FIRST, DayState.FINAL, LATER, 2, 1, hours=12)
    ]


async def test_a_day_that_failed_can_be_answered(location: Location) -> None:
    """The answer replaces the failure, and the requests add up."""
    async for store, account, entry in with_accounts(location, [failure(), rejection()]):
        await store.record_failure(account, ME, entry)
        assert await store.put(account, ME, a_day(FIRST, at=LATER), requests=2) == PutResult(1)
        assert await store.entries(account, ME, ALL) == [
            LedgerEntry(FIRST, DayState.FINAL, LATER, entry.attempts + 2, 1, hours=12)
        ]


async def test_figures_outlive_a_failure(location: Location) -> None:
    """A day that has figures keeps them with state and moment; only the reason and the requests are noted."""
    known_days = [(a_day(FIRST), DayState.FINAL), (a_day(FIRST, final=False), DayState.PROVISIONAL)]
    failures = [failure(at=LATER), rejection(at=LATER)]
    async for store, account, ((known, state), entry) in with_accounts(
        location, product(known_days, failures)
    ):
        await store.put(account, ME, known, requests=1)
        await store.record_failure(account, ME, entry)
        assert await store.read(account, ME, ALL) == [known]
        assert await store.entries(account, ME, ALL) == [
            LedgerEntry(FIRST, state, NOON, entry.attempts + 1, 1, entry.reason, 12)
        ]


async def test_a_reason_is_forgotten_when_the_day_is_answered_again(location: Location) -> None:
    """A refreshed day has no reason to show any more."""
    store, account = await location.account()
    await store.put(account, ME, a_day(FIRST, final=False), requests=1)
    await store.record_failure(account, ME, failure())
    await store.put(account, ME, a_day(FIRST, final=False, at=LATER), requests=1)
    assert await store.entries(account, ME, ALL) == [
        LedgerEntry(FIRST, DayState.PROVISIONAL, LATER, 6, 1, hours=12)
    ]


async def test_a_beginning_is_recorded_only_if_no_earlier_day_is_known(location: Location) -> None:
    """In one step: a day that another process stores meanwhile is not followed by a day without a request."""
    store, account = await location.account()
    days = [FIRST + dt.timedelta(days=number) for number in range(3)]
    for date in (days[1], days[1], days[2], days[0]):
        reason = Failure("HourlyClicksError", "not yet")
        await store.record_failure(account, ME, LedgerEntry(date, DayState.FAILED, NOON, 0, reason=reason))
    assert [entry.date for entry in await store.entries(account, ME, ALL)] == days[:2]


async def test_failures_add_up_and_the_last_one_counts(location: Location) -> None:
    """A failed day that is refused in the end is refused."""
    store, account = await location.account()
    await store.record_failure(account, ME, failure())
    await store.record_failure(account, ME, failure(at=LATER))
    await store.record_failure(account, ME, rejection(at=LATER))
    assert await store.entries(account, ME, ALL) == [
        LedgerEntry(FIRST, DayState.REFUSED, LATER, 9, reason=REFUSED)
    ]


REASONS = (
    Failure.of(ApiError("서버 '오류' %s \\n", code=-(2**63), status=200)),
    Failure.of(ApiError("", code=None, status=422)),
    Failure.of(ServerError("x" * 10_000, status=500, retryable=True)),
)


async def test_a_reason_comes_back_as_it_was(location: Location) -> None:
    """Whatever the server said."""
    async for store, account, reason in with_accounts(location, REASONS):
        entry = LedgerEntry(FIRST, DayState.FAILED, NOON, 1, reason=reason)
        await store.record_failure(account, ME, entry)
        assert await store.entries(account, ME, ALL) == [entry]


DAMAGES = (
    "UPDATE days SET clicks = NULL",
    "UPDATE days SET unique_users = NULL",
    "UPDATE days SET hours = 11",
    "UPDATE days SET state = 'empty', hours = 0",
)


async def test_half_a_day_is_never_handed_out(location: Location) -> None:
    """A day whose rows another program has changed is an error, not a day with other gaps."""
    async for store, account, damage in with_accounts(location, DAMAGES):
        await store.put(account, ME, a_day(FIRST), requests=1)
        await location.sql(damage)
        with pytest.raises(
            StoreError, match=r"has only a part of 2024-02-25: another program has changed it"
        ):
            await store.read(account, ME, ALL)


async def test_a_target_that_is_none_is_an_error(location: Location) -> None:
    """It is an error of the store, not of the caller."""
    store, account = await location.account()
    await store.put(account, ME, a_day(FIRST), requests=1)
    await location.sql("UPDATE series SET target = 'everything'")
    with pytest.raises(StoreError, match="'everything' is no target"):
        await store.targets(account)


async def test_figures_that_are_too_large_are_an_error(location: Location) -> None:
    """A count that no store holds is a `StoreError`, and everything is as before, half-way through or not."""
    store, account = await location.account()
    with pytest.raises(StoreError, match="the store "):
        await store.put(account, ME, figures([*[1] * 23, 2**63]), requests=1)
    assert await store.entries(account, ME, ALL) == []
    assert await store.targets(account) == []
    await store.put(account, ME, a_day(FIRST), requests=1)
    with pytest.raises(StoreError, match="the store "):
        await store.put(account, ME, figures([*[1] * 23, 2**63]), requests=1)
    assert await store.read(account, ME, ALL) == [a_day(FIRST)]
    assert await store.entries(account, ME, ALL) == [LedgerEntry(FIRST, DayState.FINAL, NOON, 1, 1, hours=12)]


async def test_the_view_shows_the_hours(location: Location) -> None:
    """Any role can select the hours that were reported, with the state of their day."""
    store, account = await location.account()
    await store.put(account, Link("kYdr", "https://vvd.bz"), a_day(FIRST, 7), requests=1)
    await store.put(account, Group(1), figures([None] * 24), requests=1)
    rows = await location.sql(
        "SELECT target, CAST(date AS TEXT), hour, clicks, unique_users, state FROM clicks ORDER BY hour"
    )
    assert rows[0] == ("https://vvd.bz/kYdr", "2024-02-25", 0, 7, 7, "final")
    assert [row[2] for row in rows] == list(range(12))
    assert await location.sql("SELECT sum(clicks) FROM clicks WHERE date = '2024-02-25'") == [(7,)]


DAYS = [a_day(day(offset), offset + 1) for offset in range(3)]


async def test_an_answer_for_several_days_is_one_answer(location: Location) -> None:
    """Each day has its own result and state, and the request counts once."""
    store, account = await location.account()
    await store.put(account, ME, a_day(day(1), 9), requests=1)
    results = await store.put_days(account, ME, DAYS, requests=2, endpoint="v3", refresh=True)
    assert results == [PutResult(1), PutResult(2, revised=True), PutResult(1)]
    assert await store.read(account, ME, ALL) == DAYS
    assert [entry.attempts for entry in await store.entries(account, ME, ALL)] == [2, 1, 0]
    assert await store.put_days(account, ME, [], requests=1) == []


async def test_an_answer_for_several_days_is_written_as_a_whole(location: Location) -> None:
    """A day that cannot be written leaves no other day of the answer behind."""
    store, account = await location.account()
    with pytest.raises(StoreError):
        await store.put_days(account, ME, [*DAYS, attrs.evolve(DAYS[0], clicks=(2**63,) * 24)], requests=1)
    assert await store.entries(account, ME, ALL) == []


async def test_the_version_of_the_endpoint_is_kept(location: Location) -> None:
    """It is that of the figures which are stored, whichever request came last."""
    store, account = await location.account()
    await store.put_days(account, ME, DAYS, requests=1, endpoint="v3")
    await store.put(account, ME, a_day(day(0), 7, at=LATER), requests=1)
    await store.put(account, ME, a_day(day(1), 7, at=NOON - dt.timedelta(hours=1)), requests=1)
    if not isinstance(location, MemoryLocation):
        query = "SELECT coalesce(endpoint, 'v2') FROM days ORDER BY date"
        assert await location.sql(query) == [("v2",), ("v3",), ("v3",)]
