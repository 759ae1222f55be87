"""Leases of accounts in a PostgreSQL database; see `hourlyclicks.store.leases`.

Locks. A write of a holder locks the row of its lease with ``FOR KEY SHARE``, which a renewal does not wait
for. Taking a lease, and taking it away, lock it with ``FOR UPDATE``: not while a write of the holder is under
way, and no write begins with the old token afterwards. Each statement locks its rows in the order of their
accounts, also those that it changes: an ``UPDATE`` by itself locks them in any order, and two that do so can
wait for each other.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, TypeVar

from hourlyclicks.store.leases import ANY, LIFE, LONGEST_LIFE, Holder, Renewal, StoredLease, TakenLease
from hourlyclicks.store.postgres_catalog import has_table
from hourlyclicks.store.postgres_transaction import transaction

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

    import asyncpg

    from hourlyclicks.store.leases import Fence
    from hourlyclicks.store.postgres_days import Connection

T = TypeVar("T")

_NOW = "clock_timestamp()"
_LATEST = f"{_NOW} + interval '{LONGEST_LIFE} seconds'"
_LATER = f"{_NOW} + $%d * interval '1 second'"

_ACCOUNTS = """SELECT fingerprint, id FROM hourlyclicks.accounts
    JOIN unnest($1::text[], $2::text[]) AS wanted (name, key) ON fingerprint = name
    WHERE key IS NULL OR key_fingerprint = key"""
_ADOPT = """UPDATE hourlyclicks.accounts SET fingerprint = name, key_fingerprint = key
    FROM unnest($1::text[], $2::text[]) AS wanted (name, key) WHERE fingerprint = key
    AND NOT EXISTS (SELECT 1 FROM hourlyclicks.accounts AS named WHERE named.fingerprint = name)"""
_LOCK_ACCOUNTS = """SELECT id FROM hourlyclicks.accounts
    WHERE fingerprint = ANY ($1::text[]) OR fingerprint = ANY ($2::text[]) ORDER BY id FOR UPDATE"""
"""Those that `_ADOPT` and `_NEW_ACCOUNTS` change, of which the names are in no order of the accounts."""
_NEW_ACCOUNTS = """INSERT INTO hourlyclicks.accounts AS known (fingerprint, key_fingerprint)
    SELECT name, key FROM unnest($1::text[], $2::text[]) AS wanted (name, key) ORDER BY name
    ON CONFLICT (fingerprint) DO UPDATE
    SET key_fingerprint = coalesce(EXCLUDED.key_fingerprint, known.key_fingerprint)"""
_NEW_STATES = """INSERT INTO hourlyclicks.pacing (account_id)
    SELECT id FROM unnest($1::bigint[]) AS id ORDER BY id ON CONFLICT DO NOTHING"""
_NEW = f"""INSERT INTO hourlyclicks.leases
    SELECT id, '', 0, {_NOW}, FALSE, '', '', '', 0, 0 FROM unnest($1::bigint[]) AS id ORDER BY id
    ON CONFLICT DO NOTHING"""  # noqa: S608 - of constants
"""A lease that was never taken has the token 0."""
_CORRECT = f"""WITH wrong AS (
        SELECT account_id FROM hourlyclicks.leases
        WHERE account_id = ANY ($1::bigint[]) AND until > {_LATEST} ORDER BY account_id FOR NO KEY UPDATE)
    UPDATE hourlyclicks.leases AS lease SET until = {_NOW} + interval '{LIFE} seconds' FROM wrong
    WHERE lease.account_id = wrong.account_id"""  # noqa: S608 - of constants
_LOCK_KEYS = """SELECT id, key_fingerprint AS key FROM hourlyclicks.accounts
    WHERE key_fingerprint IN (SELECT key_fingerprint FROM hourlyclicks.accounts WHERE id = ANY ($1::bigint[]))
    ORDER BY id FOR NO KEY UPDATE"""
_TAKE = f"""WITH free AS (
        SELECT account_id, least(until, {_NOW}) AS ended FROM hourlyclicks.leases AS lease
        WHERE account_id = ANY ($1::bigint[])
            AND (until <= {_NOW} OR holder = $4 OR holder = ANY ($9::text[]))
            AND NOT EXISTS (
                SELECT 1 FROM unnest($10::bigint[], $11::float8[]) AS alone (id, since)
                JOIN hourlyclicks.accounts AS own USING (id)
                JOIN hourlyclicks.accounts AS other ON other.key_fingerprint = own.key_fingerprint
                JOIN hourlyclicks.leases AS twin ON twin.account_id = other.id
                WHERE own.id = lease.account_id AND other.id <> own.id AND twin.token > 0
                    AND twin.until > {_NOW} - since * interval '1 second' AND twin.until <= {_LATEST})
        ORDER BY account_id FOR UPDATE SKIP LOCKED)
    UPDATE hourlyclicks.leases AS lease SET label = wanted.label, token = token + 1, asked = FALSE,
        until = {_LATER % 3}, holder = $4, host = $5, machine = $6, pid = $7, started = $8
    FROM free JOIN unnest($1::bigint[], $2::text[]) AS wanted (account_id, label) USING (account_id)
    WHERE lease.account_id = free.account_id
    RETURNING lease.account_id, token, (extract(epoch FROM ended) * 1000000)::bigint AS ended"""  # noqa: S608 - of constants
_CHECK = """SELECT account_id, token, asked FROM hourlyclicks.leases WHERE account_id = ANY ($1::bigint[])
    ORDER BY account_id FOR KEY SHARE"""
_RENEW = f"""WITH held AS (
        SELECT lease.account_id, asked FROM hourlyclicks.leases AS lease
        JOIN unnest($1::bigint[], $2::bigint[]) AS mine (account_id, token) USING (account_id, token)
        WHERE holder <> '' ORDER BY lease.account_id FOR NO KEY UPDATE OF lease)
    UPDATE hourlyclicks.leases AS lease SET until = {_LATER % 3}, asked = FALSE FROM held
    WHERE lease.account_id = held.account_id RETURNING lease.account_id, held.asked"""  # noqa: S608 - of constants
_RELEASE = f"""WITH held AS (
        SELECT lease.account_id FROM hourlyclicks.leases AS lease
        JOIN unnest($1::bigint[], $2::bigint[]) AS mine (account_id, token) USING (account_id, token)
        ORDER BY lease.account_id FOR NO KEY UPDATE OF lease)
    UPDATE hourlyclicks.leases AS lease SET until = {_NOW}, asked = FALSE, holder = '' FROM held
    WHERE lease.account_id = held.account_id"""  # noqa: S608 - of constants
_LIST = f"""SELECT *, extract(epoch FROM until - {_NOW})::float8 AS left FROM hourlyclicks.leases
    WHERE (holder <> '' OR until > {_NOW} AND until <= {_LATEST}) AND (account_id = $1 OR $1 IS NULL)
    ORDER BY account_id"""  # noqa: S608 - of constants
_SAME_KEY = f"""SELECT wanted.name, lease.*, extract(epoch FROM until - {_NOW})::float8 AS left
    FROM unnest($1::text[], $2::text[]) AS wanted (name, key)
    JOIN hourlyclicks.accounts AS other ON key_fingerprint = key AND fingerprint <> wanted.name
    JOIN hourlyclicks.leases AS lease ON account_id = other.id
    WHERE token > 0 AND until > {_NOW} - $3 * interval '1 second' AND until <= {_LATEST} ORDER BY until"""  # noqa: S608 - of constants
_HOLD = f"""SELECT until <= {_NOW} OR holder = ANY ($2::text[]) AS over,
        (extract(epoch FROM least(until, {_NOW})) * 1000000)::bigint AS ended
    FROM hourlyclicks.leases WHERE account_id = $1 FOR UPDATE"""  # noqa: S608 - of constants
_MOMENT = f"SELECT (extract(epoch FROM {_NOW}) * 1000000)::bigint"  # noqa: S608 - of constants
_ASK = "UPDATE hourlyclicks.leases SET asked = TRUE WHERE account_id = $1"
_END = "UPDATE hourlyclicks.leases SET token = token + 1, holder = '' WHERE account_id = $1"


class PostgresLeases:
    """The leases of accounts in a PostgreSQL database; see `hourlyclicks.store.leases.LeaseStore`."""

    async def account_numbers(self, wanted: Mapping[str, str | None]) -> dict[str, int]:
        """See `hourlyclicks.store.leases.LeaseStore.account_numbers`."""
        self._refuse_changes()
        return await self._run(lambda db: _account_numbers(db, wanted))

    async def take_leases(
        self,
        wanted: Mapping[int, str],
        holder: Holder,
        life: float,
        *,
        gone: Collection[str] = (),
        alone: Mapping[int, float] = ANY,
    ) -> dict[int, TakenLease]:
        """See `hourlyclicks.store.leases.LeaseStore.take_leases`."""
        self._refuse_changes()
        return await self._run(lambda db: _take(db, wanted, holder, life, gone, alone))

    async def renew_leases(self, fences: Sequence[Fence], life: float) -> list[Renewal]:
        """See `hourlyclicks.store.leases.LeaseStore.renew_leases`."""
        rows = await self._run(lambda db: db.fetch(_RENEW, *_columns(fences), life))
        return [Renewal(row["account_id"], row["asked"]) for row in rows]

    async def release_leases(self, fences: Sequence[Fence]) -> None:
        """See `hourlyclicks.store.leases.LeaseStore.release_leases`."""
        await self._run(lambda db: db.execute(_RELEASE, *_columns(fences)))

    async def leases(self, account: int | None = None) -> list[StoredLease]:
        """See `hourlyclicks.store.leases.LeaseStore.leases`."""
        return await self._run(lambda db: _leases(db, account))

    async def leases_with_keys(self, wanted: Mapping[str, str], since: float) -> dict[str, StoredLease]:
        """See `hourlyclicks.store.leases.LeaseStore.leases_with_keys`."""
        rows = await self._run(lambda db: db.fetch(_SAME_KEY, [*wanted], [*wanted.values()], since))
        return {row["name"]: _stored(row) for row in rows}

    async def ask_holder(self, account: int, *, gone: Collection[str] = ()) -> int | None:
        """See `hourlyclicks.store.leases.LeaseStore.ask_holder`."""
        self._refuse_changes()
        return await self._run(lambda db: _ask_holder(db, account, gone))

    async def end_lease(self, account: int) -> None:
        """See `hourlyclicks.store.leases.LeaseStore.end_lease`."""
        self._refuse_changes()
        await self._run(lambda db: db.execute(_END, account))

    @abstractmethod
    def _refuse_changes(self) -> None:
        """Raise `StoreError` if nothing must be changed."""

    @abstractmethod
    async def _run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run an operation."""


async def check(db: Connection, fences: Collection[Fence]) -> None:
    """Raise `LeaseLostError` if any of some leases was lost, within a transaction."""
    rows = await db.fetch(_CHECK, sorted({fence.account for fence in fences}))
    found = {row["account_id"]: row for row in rows}
    for fence in fences:
        row = found.get(fence.account)
        fence.check(None if row is None else row["token"])
        if row is not None and row["asked"]:
            fence.was_asked()


async def _account_numbers(db: Connection, wanted: Mapping[str, str | None]) -> dict[str, int]:
    found = await db.fetch(_ACCOUNTS, [*wanted], [*wanted.values()])
    known = {row["fingerprint"] for row in found}
    names = [name for name in wanted if name not in known]
    if names:
        keys = [wanted[name] for name in names]
        async with transaction(db):
            await db.execute(_LOCK_ACCOUNTS, names, keys)
            if any(keys):
                await db.execute(_ADOPT, names, keys)
            await db.execute(_NEW_ACCOUNTS, names, keys)
            found += await db.fetch(_ACCOUNTS, names, keys)
    return {row["fingerprint"]: row["id"] for row in found}


async def _take(
    db: Connection,
    wanted: Mapping[int, str],
    holder: Holder,
    life: float,
    gone: Collection[str],
    alone: Mapping[int, float],
) -> dict[int, TakenLease]:
    conditions = life, *holder, list(gone), list(alone), list(alone.values())
    async with transaction(db):
        if alone:
            wanted = await _first_of_key(db, wanted, alone)
        rows = await _take_free(db, wanted, conditions)
        if len(rows) < len(wanted):
            taken = {row["account_id"] for row in rows}
            rest = {account: label for account, label in wanted.items() if account not in taken}
            await db.execute(_NEW, list(rest))
            await db.execute(_NEW_STATES, list(rest))  # all at once, and not one at a time later
            await db.execute(_CORRECT, list(rest))
            rows += await _take_free(db, rest, conditions)
    return {row["account_id"]: TakenLease(row["token"], 1000 * row["ended"]) for row in rows}


async def _first_of_key(
    db: Connection, wanted: Mapping[int, str], alone: Mapping[int, float]
) -> dict[int, str]:
    """Return the accounts without those that are to be alone and share a key with an earlier one.

    No other account with one of these keys is taken until the transaction ends: one that is created later
    locks those that were there before it, too.
    """
    keys = {row["id"]: row["key"] for row in await db.fetch(_LOCK_KEYS, list(alone))}
    first: dict[str, int] = {}
    return {
        account: label
        for account, label in wanted.items()
        if account not in keys or first.setdefault(keys[account], account) == account or account not in alone
    }


async def _take_free(
    db: Connection, wanted: Mapping[int, str], conditions: tuple[object, ...]
) -> list[asyncpg.Record]:
    return list(await db.fetch(_TAKE, list(wanted), list(wanted.values()), *conditions))


async def _leases(db: Connection, account: int | None) -> list[StoredLease]:
    if not await has_table(db, "leases"):  # the tables are of an older version
        return []
    return [_stored(row) for row in await db.fetch(_LIST, account)]


def _stored(row: asyncpg.Record) -> StoredLease:
    holder = Holder(row["holder"], row["host"], row["machine"], row["pid"], row["started"])
    return StoredLease(row["account_id"], row["label"], row["token"], holder, row["left"])


async def _ask_holder(db: Connection, account: int, gone: Collection[str]) -> int | None:
    async with transaction(db):
        await db.execute(_CORRECT, [account])
        row = await db.fetchrow(_HOLD, account, list(gone))
        if row is None:  # it was deleted, with its holder
            return 1000 * int(await db.fetchval(_MOMENT))
        await db.execute(_END if row["over"] else _ASK, account)
    return 1000 * int(row["ended"]) if row["over"] else None


def _columns(fences: Sequence[Fence]) -> tuple[list[int], list[int]]:
    return [fence.account for fence in fences], [fence.token for fence in fences]
