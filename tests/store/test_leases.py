"""Leases of accounts, in stores of all kinds."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from hourlyclicks import LeaseLostError, UsageError
from hourlyclicks.model.daily import DailyClicks
from hourlyclicks.store.freshness import Reader
from hourlyclicks.store.leases import LIFE, Fence, Holder
from tests.model.strategies import FIRST, NOON
from tests.sizes import sized
from tests.store.answers import ALL, ME, count_one, failure, figures, look
from tests.store.locations import DatabaseLocation, with_accounts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from hourlyclicks.store.leases import LeaseStore, TakenLease
    from hourlyclicks.store.protocol import Store
    from tests.store.locations import Location

pytestmark = pytest.mark.parametrize("new_location", ["sqlite", "postgres", "memory"], indirect=True)

A, B = Holder("a", "one", "machine", 1, 2), Holder("b", "two", "machine", 3, 4)
EXPIRED = -1.0
DAY = figures(range(24))
SUM = DailyClicks(FIRST, 276, 200, NOON, final=True)

WRITES: dict[str, Callable[[Store, int], Awaitable[object]]] = {
    "put": lambda store, of: store.put(of, ME, DAY, requests=1),
    "put_days": lambda store, of: store.put_days(of, ME, [DAY], requests=1, endpoint="v3"),
    "record_failure": lambda store, of: store.record_failure(of, ME, failure()),
    "doubt": lambda store, of: store.doubt(of, ME, FIRST),
    "put_daily": lambda store, of: store.put_daily(of, ME, [SUM], reader=Reader(NOON, None)),
    "change_range_record": lambda store, of: store.change_range_record(of, "x", lambda record: record),
    "pace": lambda store, of: store.pace(of, count_one),
}


def leases_of(store: Store) -> LeaseStore:
    """Return a store as one that keeps leases."""
    return cast("LeaseStore", store)


async def take(
    store: Store, account: int, holder: Holder, life: float = LIFE, *, gone: Sequence[str] = ()
) -> TakenLease | None:
    """Try to take one lease."""
    taken = await leases_of(store).take_leases({account: "acme"}, holder, life, gone=gone)
    return taken.get(account)


async def hold(store: Store, account: int, holder: Holder = A, life: float = LIFE) -> tuple[Fence, Store]:
    """Take one lease, and return it with the store within it."""
    taken = await take(store, account, holder, life)
    assert taken is not None
    fence = Fence(account, taken.token, "acme", fingerprint="me", salt=b"salt")
    return fence, leases_of(store).fenced(fence)


async def test_one_holder_at_a_time(location: Location) -> None:
    """A lease is taken once, listed with its holder, and free again when it was given back."""
    store, account = await location.account()
    fence, _ = await hold(store, account)
    assert await take(store, account, B) is None
    (listed,) = await leases_of(store).leases()
    assert (listed.account, listed.label, listed.token, listed.holder) == (account, "acme", fence.token, A)
    assert 0 < listed.left <= LIFE
    await leases_of(store).release_leases([fence])
    assert await leases_of(store).leases() == []
    taken = await take(store, account, B)
    assert taken is not None
    assert taken.token > fence.token


async def test_a_lease_that_was_given_back_is_not_renewed(location: Location) -> None:
    """A renewal that was under way, on another connection, can come after that; the account stays free."""
    store, account = await location.account()
    fence, _ = await hold(store, account)
    await leases_of(store).release_leases([fence])
    assert await leases_of(store).renew_leases([fence], LIFE) == []
    assert await take(store, account, B) is not None


async def test_an_expired_lease_can_be_taken(location: Location) -> None:
    """The next holder learns when it ended, on the clock of the limiter, and has a higher token."""
    store, account = await location.account()
    before, began = await store.pace(account, look)
    fence, _ = await hold(store, account, life=EXPIRED)
    taken = await take(store, account, B)
    assert taken is not None
    assert taken.token > fence.token
    _, now = await store.pace(account, look)
    assert began - 1.1e9 < taken.ended <= now - 0.9e9
    assert before is None


async def test_the_lease_of_a_process_that_has_ended_can_be_taken(location: Location) -> None:
    """It ends when it is taken; that of a process that is there does not."""
    store, account = await location.account()
    await hold(store, account)
    assert await take(store, account, B, gone=["somebody else"]) is None
    _, began = await store.pace(account, look)
    taken = await take(store, account, B, gone=["a"])
    assert taken is not None
    assert taken.ended >= began


async def test_an_account_with_a_name_is_that_of_its_key_too(location: Location) -> None:
    """What the key had alone becomes that of the name, and a new key of the account finds it as well."""
    store = await location.open()
    of_key = await store.account("key 1")
    numbers = await leases_of(store).account_numbers({"acme": "key 1", "other": "key 9", "bare": None})
    assert numbers["acme"] == of_key
    assert len(set(numbers.values())) == 3
    assert await store.accounts() == {name: numbers[name] for name in ("acme", "other", "bare")}
    assert await store.account("key 1") == await store.account("acme") == of_key
    assert await store.account("key 9") == numbers["other"]
    rotated = await leases_of(store).account_numbers({"acme": "key 2", "bare": None})
    assert rotated == {"acme": of_key, "bare": numbers["bare"]}
    assert await store.account("key 2") == of_key
    assert await store.account("key 1") not in numbers.values()


async def test_the_name_comes_before_the_key(location: Location) -> None:
    """If the store knew both as accounts, the key is from now on that of the name."""
    store = await location.open()
    named, of_key = await store.account("acme"), await store.account("key 1")
    assert await leases_of(store).account_numbers({"acme": "key 1"}) == {"acme": named}
    assert await store.account("key 1") == named != of_key


async def test_many_are_taken_and_renewed_at_once(location: Location) -> None:
    """Those that are free are taken, those that are not lost are renewed."""
    store = await location.open()
    accounts = [await store.account(f"account {number}") for number in range(5)]
    await take(store, accounts[2], B)
    taken = await leases_of(store).take_leases(dict.fromkeys(accounts, "x"), A, EXPIRED)
    assert sorted(taken) == [accounts[0], accounts[1], accounts[3], accounts[4]]
    assert await take(store, accounts[3], B) is not None
    fences = [Fence(of, got.token, "x", fingerprint="", salt=b"") for of, got in taken.items()]
    renewed = await leases_of(store).renew_leases(fences, LIFE)
    assert sorted(each.account for each in renewed) == [accounts[0], accounts[1], accounts[4]]
    assert not any(each.asked for each in renewed)
    assert await take(store, accounts[0], B) is None


async def test_a_former_holder_writes_nothing(location: Location) -> None:
    """Each write of a lost lease fails with the error that says so, and changes nothing; reads go on."""
    async for store, account, write in with_accounts(location, WRITES.values()):
        _, within = await hold(store, account, life=EXPIRED)
        await WRITES["put_days"](within, account)
        await write(within, account)  # it has expired, but it is not lost
        _, later = await hold(store, account, B)
        before = await _everything(location)
        with pytest.raises(LeaseLostError, match="'acme'"):
            await write(within, account)
        assert await _everything(location) == before
        assert await within.read(account, ME, ALL) == await store.read(account, ME, ALL)
        await write(later, account)


async def test_a_lost_lease_fails_alone(location: Location) -> None:
    """Writes of other accounts in the same transaction are kept."""
    store = await location.open()
    accounts = [await store.account(f"account {number}") for number in range(8)]
    held = [await hold(store, account, life=EXPIRED) for account in accounts]
    await hold(store, accounts[3], B)
    results = await asyncio.gather(
        *[within.put(of, ME, DAY, requests=1) for of, (_, within) in zip(accounts, held, strict=True)],
        return_exceptions=True,
    )
    lost = [number for number, result in enumerate(results) if isinstance(result, BaseException)]
    assert lost == [3]
    assert isinstance(results[3], LeaseLostError)
    kept = [account for account in accounts if await store.read(account, ME, ALL)]
    assert kept == accounts[:3] + accounts[4:]


async def test_no_write_overlaps_a_takeover(location: Location) -> None:
    """Whatever a former holder writes is there when the next one has the lease, or never."""
    store, account = await location.account()
    other = await location.open()
    for number in range(sized(4, 10)):
        fence, within = await hold(store, account, Holder(f"a{number}", "", "", 0, 0), life=EXPIRED)
        writes = [asyncio.ensure_future(within.pace(account, count_one)) for _ in range(5)]
        await asyncio.sleep(0)
        while await take(other, account, Holder(f"b{number}", "", "", 0, 0), life=EXPIRED) is None:
            pass  # PostgreSQL passes over one that is being written with
        seen = (await other.pace(account, look))[0]
        results = await asyncio.gather(*writes, return_exceptions=True)
        assert all(isinstance(result, tuple | LeaseLostError) for result in results)
        assert (await other.pace(account, look))[0] == seen
        assert fence.waiting == 0


async def test_a_lease_that_is_taken_away_is_lost_within_the_same_transaction(location: Location) -> None:
    """A write that came before it is kept, and one that comes after it is not."""
    if isinstance(location, DatabaseLocation):
        pytest.skip("PostgreSQL makes such changes at the same time, on several connections")
    store, account = await location.account()
    _, within = await hold(store, account)
    first, _, second = await asyncio.gather(
        within.put(account, ME, DAY, requests=1),
        leases_of(store).end_lease(account),
        within.put(account, ME, DAY, requests=1),
        return_exceptions=True,
    )
    assert not isinstance(first, BaseException)
    assert isinstance(second, LeaseLostError)


async def test_a_holder_is_asked(location: Location) -> None:
    """A process without a lease asks the holder, which learns it with a renewal or a write."""
    store, account = await location.account()
    fence, within = await hold(store, account)
    asked: list[Fence] = []
    fence.was_asked = lambda: asked.append(fence)  # type: ignore[method-assign]  # to see it
    await within.pace(account, count_one)
    assert asked == []
    assert await leases_of(store).ask_holder(account) is None
    await within.pace(account, count_one)
    assert asked == [fence]
    assert [each.asked for each in await leases_of(store).renew_leases([fence], LIFE)] == [True]
    assert [each.asked for each in await leases_of(store).renew_leases([fence], LIFE)] == [False]


@pytest.mark.parametrize(("life", "gone"), [(EXPIRED, []), (LIFE, ["a"])])
async def test_asking_ends_a_lease_that_is_over(location: Location, life: float, gone: list[str]) -> None:
    """A lease that has expired, or whose process has ended, is taken away by the process that asks."""
    store, account = await location.account()
    fence, within = await hold(store, account, life=life)
    ended = await leases_of(store).ask_holder(account, gone=gone)
    _, now = await store.pace(account, look)
    assert ended is not None
    assert now - 5e9 < ended <= now
    with pytest.raises(LeaseLostError):
        await within.pace(account, count_one)
    assert await leases_of(store).renew_leases([fence], LIFE) == []


async def test_a_lease_that_is_taken_away_ends_when_it_would_have_expired(location: Location) -> None:
    """Its holder can write nothing, and no other process can take it before."""
    store, account = await location.account()
    _, within = await hold(store, account)
    await leases_of(store).end_lease(account)
    with pytest.raises(LeaseLostError):
        await within.pace(account, count_one)
    assert await take(store, account, B) is None
    (listed,) = await leases_of(store).leases(account)
    assert (listed.holder.name, listed.left > 0) == ("", True)


async def test_a_clock_that_was_set_back(location: Location) -> None:
    """A lease that would expire in a day, after the clock was set back, expires soon."""
    store, account = await location.account()
    await hold(store, account, life=86_400.0)
    assert await take(store, account, B) is None
    (listed,) = await leases_of(store).leases()
    assert listed.left <= LIFE


async def test_a_released_lease_of_before_the_clock_was_set_back_is_not_listed(location: Location) -> None:
    """As after a restart of the machine, with which the clock of a file begins anew."""
    store, _ = await location.account()
    leases = leases_of(store)
    numbers = await leases.account_numbers({"old name": "key", "new name": "key"})
    await hold(store, numbers["old name"], life=86_400.0)
    await leases.end_lease(numbers["old name"])
    assert await leases.leases() == []
    assert await leases.leases_with_keys({"new name": "key"}, 60.0) == {}


async def test_a_store_within_a_lease_has_one_account(location: Location) -> None:
    """A client with the key of another account cannot use it; closing it closes nothing."""
    store, account = await location.account()
    _, within = await hold(store, account)
    assert await within.account("me") == account
    assert await within.salt() == b"salt"
    with pytest.raises(UsageError, match="another account"):
        await within.account("you")
    await within.close()
    await within.open()
    await within.put(account, ME, DAY, requests=1)
    assert await store.read(account, ME, ALL) == [DAY]


async def _everything(location: Location) -> list[list[tuple[Any, ...]]]:
    """Return what is in the tables that a holder writes."""
    tables = ("days", "daily_sums", "range_endpoints", "pacing", "revisions")
    prefix = "hourlyclicks." if type(location).__name__ == "DatabaseLocation" else ""
    return [await location.sql(f"SELECT * FROM {prefix}{table}") for table in tables]  # noqa: S608 - names


async def twins_of(leases: LeaseStore, key: str = "key") -> list[int]:
    """Return two new accounts with the same key."""
    return list((await leases.account_numbers({f"one with {key}": key, f"two with {key}": key})).values())


@pytest.mark.parametrize("stores", [1, 2])
async def test_of_two_accounts_with_one_key_that_are_wanted_at_the_same_moment_one_is_taken(
    location: Location, stores: int
) -> None:
    """Never both and never none, in one process or two, whichever of them comes first."""
    opened = [leases_of(await location.open()) for _ in range(stores)]
    for turn in range(5):
        one, two = await twins_of(opened[0], f"key {turn}")
        taken = await asyncio.gather(
            opened[0].take_leases({one: "x"}, A, LIFE, alone={one: 60.0}),
            opened[-1].take_leases({two: "x"}, B, LIFE, alone={two: 60.0}),
        )
        assert sorted(map(len, taken)) == [0, 1]


async def test_of_two_accounts_with_one_key_in_one_call_the_first_is_taken(location: Location) -> None:
    """As when two runs of one process want them together; others of the call are taken, too."""
    leases = leases_of(await location.open())
    first, second = await twins_of(leases)
    (other,) = (await leases.account_numbers({"c": "another key"})).values()
    wanted = dict.fromkeys((second, other, first), "x")
    taken = await leases.take_leases(wanted, A, LIFE, alone=dict.fromkeys(wanted, 60.0))
    assert set(taken) == {second, other}
    assert set(await leases.take_leases({first: "x"}, A, LIFE)) == {first}  # which is not to be alone


async def test_an_account_is_alone_with_its_key_a_window_after_another(location: Location) -> None:
    """Until the end of another lease is so long ago; its own end does not matter."""
    leases = leases_of(await location.open())
    first, second = await twins_of(leases)
    fence, _ = await hold(cast("Store", leases), first)
    assert await leases.take_leases({second: "x"}, B, LIFE, alone={second: 0.0}) == {}
    await leases.release_leases([fence])
    assert await leases.take_leases({second: "x"}, B, LIFE, alone={second: 60.0}) == {}
    assert set(await leases.take_leases({first: "x"}, B, EXPIRED, alone={first: 60.0})) == {first}
    assert set(await leases.take_leases({second: "x"}, B, LIFE, alone={second: 0.5})) == {second}
