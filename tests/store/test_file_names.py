"""How both kinds of store tell targets, accounts, ranges and states apart; on a file and on a server."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.targets import Group, Link
from hourlyclicks.store.ledger import DayState
from tests.model.strategies import FIRST, TARGETS, a_day
from tests.store.answers import ALL, ME, day, failure, rejection

if TYPE_CHECKING:
    from hourlyclicks.model.targets import Target
    from tests.store.locations import Location


NAMES = (
    "kYdr", "서울", "서울".encode().decode("latin-1"), "a/b//c", "100%", "%s", "'; DROP TABLE days; --",
    '"', "\\", "a\nb\r\n", " ", "$1", "?", "a" * 10_000, "가" * 10_000, "🎈", "é", "e\u0301",
)  # fmt: skip


async def test_a_target_may_have_any_name(location: Location) -> None:
    """It is found again, comes back as it was, and is no other target."""
    store, account = await location.account()
    targets = [Link(name, "https://vvd.bz") for name in NAMES]
    for clicks, target in enumerate(targets, 1):
        await store.put(account, target, a_day(FIRST, clicks), requests=1)
        other = Link(target.id + "+", "https://vvd.bz")
        assert await store.read(account, target, ALL) == [a_day(FIRST, clicks)]
        assert await store.read(account, other, ALL) == []
        assert await store.targets(account) == targets[:clicks]
    for clicks, target in enumerate(targets, 1):
        assert await store.read(account, target, ALL) == [a_day(FIRST, clicks)]


async def test_targets_are_apart(location: Location) -> None:
    """Each target has its own days, in the order in which the targets came."""
    store, account = await location.account()
    targets: list[Target] = [
        *TARGETS,
        Group(8),
        Link("kYdr", "https://vvd.im"),
        Link("kydr", "https://vvd.bz"),
    ]
    for clicks, target in enumerate(targets):
        await store.put(account, target, a_day(FIRST, clicks), requests=1)
    assert await store.targets(account) == targets
    for clicks, target in enumerate(targets):
        assert await store.read(account, target, ALL) == [a_day(FIRST, clicks)]


async def test_accounts_are_apart(location: Location) -> None:
    """An account sees nothing of another's days and targets, and has the same number each time."""
    store, mine = await location.account("me")
    _, yours = await location.account("you")
    assert mine != yours
    await store.put(mine, ME, a_day(FIRST), requests=1)
    await store.record_failure(yours, Group(1), failure())
    assert await store.targets(mine) == [ME]
    assert await store.targets(yours) == [Group(1)]
    assert await store.read(yours, ME, ALL) == []
    assert await store.account("me") == mine
    assert await store.accounts() == {"me": mine, "you": yours}
    assert list(await store.accounts()) == ["me", "you"]


async def test_a_range_has_both_ends(location: Location) -> None:
    """The first and the last day of a range belong to it, and no other; days come in order."""
    store, account = await location.account()
    for offset in (4, 1, 3, 2, 0):
        await store.put(account, ME, a_day(day(offset), offset), requests=1)
    span = DateRange(day(1), day(3))
    assert await store.read(account, ME, span) == [a_day(day(offset), offset) for offset in (1, 2, 3)]
    assert [entry.date for entry in await store.entries(account, ME, span)] == [day(1), day(2), day(3)]
    assert await store.count_by_state(account, ME, span) == {DayState.FINAL: 3}


async def test_the_ends_of_time_are_days(location: Location) -> None:
    """The first and the last day a calendar has are kept like others."""
    store, account = await location.account()
    for date in (dt.date.min, dt.date(999, 12, 31), dt.date.max):
        await store.put(account, ME, a_day(date), requests=1)
        assert await store.read(account, ME, DateRange(date, date)) == [a_day(date)]
    assert len(await store.entries(account, ME, DateRange(dt.date.min, dt.date.max))) == 3


async def test_the_days_in_each_state_are_counted(location: Location) -> None:
    """A state without days counts zero."""
    store, account = await location.account()
    await store.put(account, ME, a_day(day(0)), requests=1)
    await store.put(account, ME, a_day(day(1)), requests=1)
    await store.put(account, ME, a_day(day(2), final=False), requests=1)
    await store.record_failure(account, ME, failure(day(3)))
    count_by_state = await store.count_by_state(account, ME, ALL)
    assert count_by_state == {DayState.FINAL: 2, DayState.PROVISIONAL: 1, DayState.FAILED: 1}
    assert count_by_state[DayState.REFUSED] == 0


async def test_failing_targets_are_those_with_failed_days(location: Location) -> None:
    """A refused day, and a failure of a day that has figures, are no reason to ask again."""
    store, account = await location.account()
    await store.record_failure(account, Group(1), failure())
    await store.record_failure(account, Group(2), rejection())
    await store.put(account, Group(3), a_day(FIRST), requests=1)
    await store.record_failure(account, Group(3), failure())
    await store.record_failure(account, Group(4), failure())
    await store.put(account, Group(4), a_day(FIRST), requests=1)
    assert await store.targets(account, failing=True) == [Group(1)]
    assert await store.targets(account) == [Group(1), Group(2), Group(3), Group(4)]
