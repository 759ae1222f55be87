"""Leases of accounts in a SQLite file; see `hourlyclicks.store.leases`."""

from __future__ import annotations

import json
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, TypeVar

from hourlyclicks.clock import SECOND
from hourlyclicks.store.leases import ANY, LIFE, LONGEST_LIFE, Holder, Renewal, StoredLease, TakenLease

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

    from hourlyclicks.store.leases import Fence
    from hourlyclicks.store.sqlite_fenced import FencedSqlite
    from hourlyclicks.store.sqlite_file import SqliteFile

T = TypeVar("T")

_LONGEST_LIFE = round(LONGEST_LIFE * SECOND)

_ACCOUNT = "SELECT id FROM accounts WHERE fingerprint = :name AND (:key IS NULL OR key_fingerprint = :key)"
_ADOPT = """UPDATE accounts SET fingerprint = :name, key_fingerprint = :key WHERE fingerprint = :key
    AND NOT EXISTS (SELECT 1 FROM accounts WHERE fingerprint = :name)"""
_NEW_ACCOUNT = """INSERT INTO accounts (fingerprint, key_fingerprint) VALUES (:name, :key)
    ON CONFLICT (fingerprint) DO UPDATE SET key_fingerprint = coalesce(:key, key_fingerprint)"""
_CORRECT = "UPDATE leases SET until = ? WHERE account_id = ?"
_FIND = "SELECT token, until, holder FROM leases WHERE account_id = ?"
_TAKE = "INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, 0, ?, ?, ?, ?, ?)"
_TOKENS = """SELECT account_id, token, asked FROM leases
    WHERE account_id IN (SELECT value FROM json_each(?))"""
_HELD = f"{_TOKENS} AND holder <> ''"
_RENEW = """UPDATE leases SET until = ?, asked = 0
    WHERE account_id IN (SELECT value FROM json_each(?))"""
_RELEASE = "UPDATE leases SET until = ?, asked = 0, holder = '' WHERE account_id = ? AND token = ?"
_LIST = """SELECT account_id, label, token, until, holder, host, machine, pid, started FROM leases
    WHERE (holder <> '' OR until > :now AND until <= :latest) AND (account_id = :account OR :account IS NULL)
    ORDER BY account_id"""
"""One that ends later than the latest is of before the machine was started: its clock has begun anew."""
_SAME_KEY = """SELECT account_id, label, token, until, holder, host, machine, pid, started FROM accounts
    JOIN leases ON account_id = id WHERE key_fingerprint = ? AND fingerprint <> ? AND until > ? AND until <= ?
    ORDER BY until DESC LIMIT 1"""
_TWIN = """SELECT 1 FROM accounts AS own JOIN accounts AS other USING (key_fingerprint)
    JOIN leases ON account_id = other.id
    WHERE own.id = ? AND other.id <> own.id AND until > ? AND until <= ?"""
_ASK = "UPDATE leases SET asked = 1 WHERE account_id = ?"
_END = "UPDATE leases SET token = token + 1, holder = '' WHERE account_id = ?"


class SqliteLeases:
    """The leases of accounts in a store in SQLite; see `hourlyclicks.store.leases.LeaseStore`."""

    _make: Callable[[Callable[[SqliteFile], Any]], Awaitable[Any]]
    """Makes a change, together with others."""
    file: str | None = None
    """The path of the file; ``None``: it is in memory."""

    async def account_numbers(self, wanted: Mapping[str, str | None]) -> dict[str, int]:
        """See `hourlyclicks.store.leases.LeaseStore.account_numbers`."""
        numbers: dict[str, int] = await self._change(lambda db, _: _numbers(db, wanted))
        return numbers

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
        taken: dict[int, TakenLease] = await self._change(
            lambda db, now: _take(db, now, wanted, holder, life, gone, alone), wanted
        )
        return taken

    async def renew_leases(self, fences: Sequence[Fence], life: float) -> list[Renewal]:
        """See `hourlyclicks.store.leases.LeaseStore.renew_leases`."""
        renewed: list[Renewal] = await self._change(
            lambda db, now: _renew(db, now, fences, life), [fence.account for fence in fences]
        )
        return renewed

    async def release_leases(self, fences: Sequence[Fence]) -> None:
        """See `hourlyclicks.store.leases.LeaseStore.release_leases`."""
        await self._change(lambda db, now: _release(db, now, fences), [fence.account for fence in fences])

    async def leases(self, account: int | None = None) -> list[StoredLease]:
        """See `hourlyclicks.store.leases.LeaseStore.leases`."""
        return await self._run(lambda file: file.at_now(lambda db, now: _leases(db, now, account)))

    async def leases_with_keys(self, wanted: Mapping[str, str], since: float) -> dict[str, StoredLease]:
        """See `hourlyclicks.store.leases.LeaseStore.leases_with_keys`."""
        return await self._run(lambda file: file.at_now(lambda db, now: _with_keys(db, now, wanted, since)))

    async def ask_holder(self, account: int, *, gone: Collection[str] = ()) -> int | None:
        """See `hourlyclicks.store.leases.LeaseStore.ask_holder`."""
        ended: int | None = await self._change(lambda db, now: _ask_holder(db, now, account, gone), [account])
        return ended

    async def end_lease(self, account: int) -> None:
        """See `hourlyclicks.store.leases.LeaseStore.end_lease`."""
        await self._change(lambda db, _: db.execute(_END, (account,)), [account])

    def fenced(self, fence: Fence) -> FencedSqlite:
        """See `hourlyclicks.store.leases.LeaseStore.fenced`."""
        from hourlyclicks.store.sqlite_fenced import FencedSqlite  # noqa: PLC0415 - it has this one inside

        return FencedSqlite(fence, self._run, self._make, self.file)

    async def _change(
        self, work: Callable[[sqlite3.Connection, int], Any], leased: Collection[int] = ()
    ) -> Any:  # noqa: ANN401 - its result
        return await self._make(lambda file: file.at_now(work, leased=leased))

    @abstractmethod
    async def _run(self, work: Callable[[SqliteFile], T]) -> T:
        """Run an operation on the tables."""


def _numbers(db: sqlite3.Connection, wanted: Mapping[str, str | None]) -> dict[str, int]:
    """Return the numbers of accounts, within a transaction."""
    return {name: _number(db, name, key) for name, key in wanted.items()}


def _number(db: sqlite3.Connection, name: str, key: str | None) -> int:
    both = {"name": name, "key": key}
    found = db.execute(_ACCOUNT, both).fetchone()
    if found is None:
        if key is not None:
            db.execute(_ADOPT, both)
        new = db.execute(_NEW_ACCOUNT, both).lastrowid
        if key is None and new is not None:
            return new  # there was none of that name
        found = db.execute(_ACCOUNT, both).fetchone()
    return int(found[0])


def _take(
    db: sqlite3.Connection,
    now: int,
    wanted: Mapping[int, str],
    holder: Holder,
    life: float,
    gone: Collection[str],
    alone: Mapping[int, float],
) -> dict[int, TakenLease]:
    """Take the leases that are free, within a transaction."""
    taken = {}
    for account, label in wanted.items():
        token, until, name = _find(db, now, account)
        if until > now and name not in {*gone, holder.name}:
            continue
        if account in alone and _has_twin(db, now, account, alone[account]):
            continue
        db.execute(_TAKE, (account, label, token + 1, now + round(life * SECOND), *holder))
        taken[account] = TakenLease(token + 1, min(until, now))
    return taken


def _has_twin(db: sqlite3.Connection, now: int, account: int, since: float) -> bool:
    """Return whether another account with the same key is held, or was until so many seconds ago."""
    held = account, now - round(since * SECOND), now + _LONGEST_LIFE
    return db.execute(_TWIN, held).fetchone() is not None


class WithinLease:
    """A change within a lease.

    All leases of the changes of one transaction are read by one statement.

    Args:
        fence: the lease.
        work: the change.
    """

    __slots__ = ("_work", "fence")

    def __init__(self, fence: Fence, work: Callable[[SqliteFile], Any]) -> None:
        self.fence = fence
        self._work = work

    def __call__(self, file: SqliteFile) -> Any:  # noqa: ANN401 - what the change returns
        """Make the change, or raise `LeaseLostError`."""
        return file.within(self.fence, self._work)


def tokens(
    db: sqlite3.Connection, fences: Sequence[Fence], query: str = _TOKENS
) -> dict[int, tuple[int, int]]:
    """Return the token of each account that was ever leased, and whether its holder is asked for a share."""
    accounts = json.dumps([fence.account for fence in fences])
    return {account: (token, asked) for account, token, asked in db.execute(query, (accounts,))}


def check(fence: Fence, found: Mapping[int, tuple[int, int]]) -> None:
    """Raise `LeaseLostError` if a lease was lost, by the tokens within a transaction."""
    token, asked = found.get(fence.account, (None, 0))
    fence.check(token)
    if asked:
        fence.was_asked()


def _renew(db: sqlite3.Connection, now: int, fences: Sequence[Fence], life: float) -> list[Renewal]:
    """Renew leases, within a transaction."""
    found = tokens(db, fences, _HELD)
    held = [fence.account for fence in fences if found.get(fence.account, (None,))[0] == fence.token]
    db.execute(_RENEW, (now + round(life * SECOND), json.dumps(held)))
    return [Renewal(account, bool(found[account][1])) for account in held]


def _release(db: sqlite3.Connection, now: int, fences: Sequence[Fence]) -> None:
    """Release leases, within a transaction."""
    db.executemany(_RELEASE, [(now, fence.account, fence.token) for fence in fences])


def _leases(db: sqlite3.Connection, now: int, account: int | None) -> list[StoredLease]:
    """Return the leases that were not released."""
    moments = {"now": now, "latest": now + _LONGEST_LIFE}
    return [_stored(row, now) for row in db.execute(_LIST, {**moments, "account": account})]


def _with_keys(
    db: sqlite3.Connection, now: int, wanted: Mapping[str, str], since: float
) -> dict[str, StoredLease]:
    """Return the leases of other accounts with the same keys."""
    ended, found = now - round(since * SECOND), {}
    for name, key in wanted.items():
        row = db.execute(_SAME_KEY, (key, name, ended, now + _LONGEST_LIFE)).fetchone()
        if row is not None:
            found[name] = _stored(row, now)
    return found


def _stored(row: tuple[Any, ...], now: int) -> StoredLease:
    number, label, token, until, *holder = row
    return StoredLease(number, label, token, Holder(*holder), (until - now) / SECOND)


def _ask_holder(db: sqlite3.Connection, now: int, account: int, gone: Collection[str]) -> int | None:
    """Ask the holder for a share, or end a lease that has expired, within a transaction."""
    _, until, name = _find(db, now, account)
    if until > now and name not in gone:
        db.execute(_ASK, (account,))
        return None
    db.execute(_END, (account,))
    return min(until, now)


def _find(db: sqlite3.Connection, now: int, account: int) -> tuple[int, int, str]:
    """Return the token, when the lease expires, and its holder; correct it if the clock was set back."""
    token, until, holder = db.execute(_FIND, (account,)).fetchone() or (0, 0, "")
    if until > now + _LONGEST_LIFE:
        until = now + round(LIFE * SECOND)
        db.execute(_CORRECT, (until, account))
    return token, until, holder
