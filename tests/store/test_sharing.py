"""All kinds of store when several share one, and when callers are cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import gc
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.errors import StoreError
from hourlyclicks.model.day import DayClicks
from hourlyclicks.model.targets import Group
from hourlyclicks.store.ledger import DayState, LedgerEntry, PutResult
from tests.model.strategies import FIRST, NOON, a_day
from tests.sizes import sized
from tests.store.answers import ALL, ME, count_one, look

if TYPE_CHECKING:
    from hourlyclicks.store.protocol import Store
    from tests.store.locations import Location, NewLocation

pytestmark = pytest.mark.parametrize("new_location", ["sqlite", "memory", "postgres"], indirect=True)

IMPOSSIBLE = DayClicks(FIRST, (2**63,) * 24, (1,) * 24, NOON, final=True)
"""A day that no store can hold."""


def see_entry(_text: str | None, _now: int, entry: LedgerEntry | None) -> tuple[None, LedgerEntry | None]:
    """Change nothing, and return the mark."""
    return None, entry


async def salt_of(store: Store) -> bytes:
    """Return the salt that names are made with."""
    return await store.salt()


async def test_steps_are_taken_one_after_the_other(location: Location) -> None:
    """However many tasks of two stores take a step at once, each sees the one before, and later."""
    stores = [await location.account() for _ in range(2)]
    steps = [store.pace(account, count_one) for store, account in stores for _ in range(60)]
    taken = await asyncio.gather(*steps)
    assert sorted(number for number, _ in taken) == list(range(1, 121))
    moments = [now for _, now in sorted(taken)]
    assert moments == sorted(moments)


async def test_the_paces_of_accounts_are_apart(location: Location) -> None:
    """A step of one account changes nothing for another."""
    store, mine = await location.account("me")
    _, yours = await location.account("you")
    await store.pace(mine, count_one)
    assert (await store.pace(yours, look))[0] is None
    assert (await store.pace(mine, look))[0] == "1"


async def test_a_step_may_leave_everything_as_it_was(location: Location) -> None:
    """A text of ``None`` is not kept; an empty one is."""
    store, account = await location.account()
    assert (await store.pace(account, look))[0] is None
    await store.pace(account, lambda *_: ("", None))
    assert (await store.pace(account, look))[0] == ""
    await store.pace(account, lambda *_: ("서울 '%s' \\ \n" * 5000, None))
    assert (await store.pace(account, look))[0] == "서울 '%s' \\ \n" * 5000


async def test_a_step_sees_the_mark_of_a_day(location: Location) -> None:
    """Only of the day that was named; a day without a mark has none."""
    store, account = await location.account()
    await store.put(account, ME, a_day(FIRST), requests=1)
    known = (await store.entries(account, ME, ALL))[0]
    assert (await store.pace(account, see_entry, of=(ME, FIRST)))[0] == known
    assert (await store.pace(account, see_entry, of=(ME, FIRST + dt.timedelta(days=1))))[0] is None
    assert (await store.pace(account, see_entry, of=(Group(1), FIRST)))[0] is None
    assert (await store.pace(account, see_entry))[0] is None


async def test_a_step_that_fails_was_not_taken(location: Location) -> None:
    """Its error is raised to the caller, nothing is stored, and the next step is taken."""
    store, account = await location.account()
    await store.pace(account, count_one)

    def fail(*_: object) -> tuple[str, None]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.pace(account, fail)
    assert (await store.pace(account, count_one))[0] == 2


async def test_days_of_two_stores_meet(location: Location) -> None:
    """What one store keeps the other reads at once, and the rules hold between them."""
    (one, account), (other, same) = await location.account(), await location.account()
    assert account == same
    await one.put(account, ME, a_day(FIRST, 1), requests=1)
    assert await other.read(account, ME, ALL) == [a_day(FIRST, 1)]
    assert await other.put(account, ME, a_day(FIRST, 2, final=False), requests=1) == PutResult(
        1, dropped=True
    )
    assert await one.entries(account, ME, ALL) == [LedgerEntry(FIRST, DayState.FINAL, NOON, 2, 1, hours=12)]


async def test_the_best_answer_stays_in_any_order_of_writers(location: Location) -> None:
    """Many tasks of two stores store answers of one day at once: the best one stays, and all are counted."""
    stores = [await location.account() for _ in range(2)]
    answers = [a_day(FIRST, number, at=NOON + dt.timedelta(seconds=number * 7 % 20)) for number in range(20)]
    await asyncio.gather(
        *[
            stores[number % 2][0].put(stores[0][1], ME, answer, requests=1)
            for number, answer in enumerate(answers)
        ]
    )
    store, account = stores[0]
    assert await store.read(account, ME, ALL) == [max(answers, key=lambda answer: answer.fetched_at)]
    assert (await store.entries(account, ME, ALL))[0].attempts == 20


async def test_many_days_at_once(location: Location) -> None:
    """Tasks of two stores keep the same days of several targets in opposite orders, and none gets stuck."""
    stores = [await location.account() for _ in range(2)]
    days = [(Group(number % 3), a_day(ALL[number])) for number in range(30)]
    await asyncio.gather(
        *[stores[0][0].put(stores[0][1], target, day, requests=1) for target, day in days],
        *[stores[1][0].put(stores[1][1], target, day, requests=1) for target, day in reversed(days)],
    )
    store, account = stores[0]
    for number in range(3):
        known = await store.entries(account, Group(number), ALL)
        assert [(entry.date, entry.attempts) for entry in known] == [
            (ALL[day], 2) for day in range(number, 30, 3)
        ]


async def test_stores_may_open_a_new_place_at_once(new_location: NewLocation) -> None:
    """All find the same tables and the same salt."""
    for _ in range(sized(2, 5)):
        location = await new_location(bare=True)
        stores = await asyncio.gather(*[location.open() for _ in range(6)])
        assert len({await salt_of(store) for store in stores}) == 1


async def test_an_account_that_is_new_to_two_has_one_number(location: Location) -> None:
    """The first client defines it."""
    stores = [await location.open() for _ in range(2)]
    numbers = await asyncio.gather(*[store.account("me") for store in stores for _ in range(5)])
    assert len(set(numbers)) == 1


async def test_a_salt_belongs_to_a_store(new_location: NewLocation) -> None:
    """It is long, stays the same for ever, and no other store has it."""
    one, other = await new_location(bare=True), await new_location(bare=True)
    salts = [await salt_of(await location.open()) for location in (one, one, other)]
    assert salts[0] == salts[1] != salts[2]
    assert {len(salt) for salt in salts} == {32}


async def test_everything_is_there_when_a_store_is_opened_again(location: Location) -> None:
    """Days, accounts and pace outlive the store object."""
    store, account = await location.account()
    await store.put(account, ME, a_day(FIRST), requests=1)
    await store.pace(account, count_one)
    await store.close()
    again, same = await location.account()
    assert same == account
    assert await again.read(account, ME, ALL) == [a_day(FIRST)]
    assert (await again.pace(account, look))[0] == "1"


async def test_a_store_may_be_closed_twice_and_used_again(location: Location) -> None:
    """Closing a closed store does nothing, and using it opens it again."""
    store, account = await location.account()
    await store.open()
    await store.put(account, ME, a_day(FIRST), requests=1)
    await asyncio.gather(store.close(), store.close())
    await store.close()
    assert await store.read(account, ME, ALL) == [a_day(FIRST)]
    await store.close()


async def test_a_store_is_opened_and_closed_by_a_block(location: Location) -> None:
    """As a client is; what was written in it is there afterwards."""
    async with location._store() as store:  # type: ignore[attr-defined]  # more than the protocol has
        account = await store.account("me")
        await store.put(account, ME, a_day(FIRST), requests=1)
    assert await (await location.open()).read(account, ME, ALL) == [a_day(FIRST)]


async def test_a_store_that_was_never_opened_can_be_closed(location: Location) -> None:
    """Nothing happens."""
    await location._store().close()


@pytest.mark.parametrize("turns", range(1, 6))
async def test_a_cancelled_caller_undoes_nothing(location: Location, turns: int) -> None:
    """The day is kept, whenever the caller is cancelled; closing waits for it."""
    store, account = await location.account()
    task = asyncio.create_task(store.put(account, ME, a_day(FIRST), requests=1))
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):  # on a busy machine it may have ended
        await task
    await store.close()
    assert await (await location.open()).read(account, ME, ALL) == [a_day(FIRST)]


async def test_closing_may_be_cancelled(location: Location) -> None:
    """What is under way is completed all the same, and so is the closing."""
    store, account = await location.account()
    keeping = [asyncio.create_task(store.put(account, ME, a_day(day), requests=1)) for day in list(ALL)[:100]]
    await asyncio.sleep(0)
    closing = asyncio.create_task(store.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    await asyncio.gather(*keeping)
    await store.close()
    assert await (await location.open()).count_by_state(account, ME, ALL) == {DayState.FINAL: 100}


async def test_a_store_can_be_used_while_it_is_closed(location: Location) -> None:
    """Work that is begun before, during and after the closing is done."""
    store, account = await location.account()
    for round_ in range(10):
        days = [a_day(ALL[10 * round_ + number]) for number in range(10)]
        before = [asyncio.create_task(store.put(account, ME, day, requests=1)) for day in days[:5]]
        await asyncio.sleep(0)
        closing = asyncio.create_task(store.close())
        await asyncio.sleep(0)
        await asyncio.gather(*before, closing, *[store.put(account, ME, day, requests=1) for day in days[5:]])
    assert await store.count_by_state(account, ME, ALL) == {DayState.FINAL: 100}


@pytest.mark.usefixtures("own_garbage")
async def test_an_error_of_a_cancelled_call_is_not_reported_as_never_retrieved(location: Location) -> None:
    """The event loop does not log an error whose caller was cancelled."""
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    store, account = await location.account()
    task = asyncio.create_task(store.put(account, ME, IMPOSSIBLE, requests=1))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await store.close()
    gc.collect()
    assert complaints == []


async def test_an_error_leaves_the_store_in_order(location: Location) -> None:
    """However many calls fail, the next one that can succeed does; nothing of them is left."""
    store, account = await location.account()
    for _ in range(10):
        with pytest.raises(StoreError, match="the store "):
            await store.put(account, ME, IMPOSSIBLE, requests=1)
    assert await store.targets(account) == []
    await store.put(account, ME, a_day(FIRST), requests=1)


async def test_a_new_target_of_an_undone_transaction_is_made_again(location: Location) -> None:
    """Its number may be another target's by then."""
    store, account = await location.account()
    mine, others = a_day(FIRST), a_day(FIRST, at=NOON - dt.timedelta(seconds=1))
    with pytest.raises(StoreError):
        await store.put(account, ME, IMPOSSIBLE, requests=1)
    await store.put(account, Group(7), others, requests=1)
    await store.put(account, ME, mine, requests=1)
    assert await store.read(account, ME, ALL) == [mine]
    assert await store.read(account, Group(7), ALL) == [others]


async def test_an_error_of_a_store_is_plain(location: Location) -> None:
    """It has no cause or context with more than it says."""
    store, account = await location.account()
    with pytest.raises(StoreError) as caught:
        await store.put(account, ME, IMPOSSIBLE, requests=1)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__
