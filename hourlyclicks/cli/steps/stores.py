"""Which store and which account a command reads.

Commands that only read never make or change anything: neither a file, nor its tables, nor an account.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from hourlyclicks.cli.steps.keys import key_if_any
from hourlyclicks.errors import StoreError, UsageError
from hourlyclicks.store.opening import open_store
from hourlyclicks.store.reader import there_are
from hourlyclicks.wire.key import ApiKey

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import AsyncIterator

    from hourlyclicks.cli.options.stores import StoreChoice
    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.reader import StoreReader
    from hourlyclicks.store.stored_account import StoredAccount


@asynccontextmanager
async def looking_into(choice: StoreChoice, zone: dt.tzinfo | None = None) -> AsyncIterator[StoreReader]:
    """Open a store that is there, to read only, and close it in the end.

    Args:
        choice: which store.
        zone: the time zone of the accounts, if it is known.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    reader = open_store(choice.needed(), timezone=zone)
    if not choice.exists:
        raise StoreError(f"there is no store {choice.where}")
    async with reader:
        yield reader


async def accounts(store: StoreReader, name: str | None) -> tuple[StoredAccount, ...]:
    """Return the accounts that are meant: the one that was named, or all.

    Args:
        store: the store.
        name: the name of an account, or the beginning of its fingerprint.

    Raises:
        UsageError: there is no such account.
    """
    return await store.accounts() if name is None else (await store.account(name),)


async def accounts_in_use(store: StoreReader, name: str | None) -> tuple[StoredAccount, ...]:
    """Return the accounts that are meant: the one that was named, or all with days.

    A run with a wrong key leaves an account without targets, which is none for the user. One of which no day
    was requested counts only if there is no other.

    Raises:
        UsageError: there is no such account.
    """
    if name is not None:
        return (await store.account(name),)
    found = tuple([account for account in await store.accounts() if await account.targets()])
    if len(found) == 1:
        return found
    return tuple([account for account in found if await _was_used(account)]) or found


async def _was_used(account: StoredAccount) -> bool:
    """Return whether any day of an account was requested."""
    for target in await account.targets():
        if (await account.count_by_state(target)).total():
            return True
    return False


async def accounts_of(
    store: StoreReader, name: str | None, targets: tuple[Target, ...]
) -> tuple[StoredAccount, ...]:
    """Return the accounts to look at; targets that are named belong to one account.

    Raises:
        UsageError: it cannot be told which account they belong to.
    """
    if not targets:
        return await accounts_in_use(store, name)
    account = await one_account(store, name)
    return () if account is None else (account,)


async def one_account(store: StoreReader, name: str | None) -> StoredAccount | None:
    """Return the account that is meant; ``None`` when the store is empty.

    That is the one that was named, else the only one with days, else that of the key.

    Raises:
        UsageError: it cannot be told.
    """
    found = await accounts_in_use(store, name)
    if len(found) > 1:
        account = await account_of_key(store)
        if account is None:
            raise UsageError(f"the store has several accounts: use --account-name{there_are(found)}")
        return account
    return next(iter(found), None)


async def account_to_fill(store: StoreReader, name: str | None) -> StoredAccount | None:
    """Return the account that a backfill would fill; ``None`` when the store does not know it yet.

    That is the one that was named, else that of the key, else, without a key, the only account there is.

    Raises:
        UsageError: it cannot be told.
    """
    if name is not None:
        try:
            return await store.account(name)
        except UsageError:
            return None
    if key_if_any() is not None:
        return await account_of_key(store)
    return await one_account(store, None)


async def account_of_key(store: StoreReader) -> StoredAccount | None:
    """Return the account of the API key; ``None`` when there is no key, or the store does not know it."""
    key = key_if_any()
    return None if key is None else await store.find(ApiKey(key).fingerprint)
