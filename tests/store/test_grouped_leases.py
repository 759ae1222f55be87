"""Statements about leases that come together are one, and each caller gets its own result."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import attrs

from hourlyclicks.store.grouped_leases import GroupedKeys, GroupedLeases
from hourlyclicks.store.leases import Fence, Holder, StoredLease, TakenLease

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from hourlyclicks.store.leases import LeaseStore

HERE = Holder("here", "host", "", 1, 0)
OTHER = Holder("other", "host", "", 2, 0)
LIFE = 15.0


@attrs.define
class RecordingStore:
    """A store in which account 3 is held, and which records its statements."""

    statements: list[Any] = attrs.Factory(list)

    async def account_numbers(self, wanted: Mapping[str, str | None]) -> dict[str, int]:
        """Number accounts by the digit of their names."""
        self.statements.append(dict(wanted))
        return {name: int(name[-1]) for name in wanted}

    async def take_leases(
        self,
        wanted: Mapping[int, str],
        holder: Holder,
        life: float,
        *,
        gone: Collection[str],
        alone: Mapping[int, float],
    ) -> dict[int, TakenLease]:
        """Take all but account 3, unless its holder is gone."""
        assert (holder, life) == (HERE, LIFE)
        self.statements.append((dict(wanted), list(gone), dict(alone)))
        return {account: TakenLease(account * 10, 0) for account in wanted if account != 3 or gone}

    async def release_leases(self, fences: Sequence[Fence]) -> None:
        """Record which."""
        self.statements.append([fence.account for fence in fences])

    async def leases_with_keys(self, wanted: Mapping[str, str], since: float) -> dict[str, StoredLease]:
        """Find for each name a lease that ended four seconds ago."""
        self.statements.append((dict(wanted), since))
        return {name: StoredLease(9, "old", 1, OTHER, -4.0) for name in wanted if name != "name-3"}


async def test_leases_that_are_wanted_together() -> None:
    """They are found, taken and released by one statement each."""
    store = RecordingStore()
    grouped = GroupedLeases(cast("LeaseStore", store), HERE, LIFE)
    names = {1: "name-1", 2: "name-2", 3: "name-3"}
    numbers = await asyncio.gather(*[grouped.account_number(name, "key") for name in names.values()])
    alone = {1: None, 2: 60.0, 3: None}
    taken = await asyncio.gather(*[grouped.take(each, "acme", alone=alone[each]) for each in numbers])
    fences = [Fence(each, each * 10, "acme", fingerprint="", salt=b"") for each in (1, 2)]
    await asyncio.gather(*map(grouped.release, fences))
    await grouped.drain()
    assert (numbers, taken) == ([1, 2, 3], [TakenLease(10, 0), TakenLease(20, 0), None])
    assert store.statements == [
        dict.fromkeys(names.values(), "key"),
        (dict.fromkeys(numbers, "acme"), [], {2: 60.0}),
        [1, 2],
    ]


async def test_a_lease_whose_holder_has_ended_is_taken_alone() -> None:
    """What is known of its holder says nothing about the leases of others."""
    store = RecordingStore()
    grouped = GroupedLeases(cast("LeaseStore", store), HERE, LIFE)
    first, third = await asyncio.gather(
        grouped.take(1, "a", alone=None), grouped.take(3, "c", alone=5.0, gone=["other"])
    )
    assert (first, third) == (TakenLease(10, 0), TakenLease(30, 0))
    assert sorted(store.statements, key=str) == [({1: "a"}, [], {}), ({3: "c"}, ["other"], {3: 5.0})]


async def test_other_accounts_with_the_same_key() -> None:
    """One statement looks back as far as any of them asks for; for each, its own time counts."""
    store = RecordingStore()
    keys = GroupedKeys(cast("LeaseStore", store))
    since = {"name-1": 3.0, "name-2": 60.0, "name-3": 60.0}
    found = await asyncio.gather(*[keys.held(name, "key", since=each) for name, each in since.items()])
    assert [lease is not None for lease in found] == [False, True, False]
    assert store.statements == [(dict.fromkeys(since, "key"), 60.0)]
