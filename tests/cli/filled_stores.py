"""Stores for the tests of the command line, filled without a server."""

from __future__ import annotations

import asyncio
import datetime as dt
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from hourlyclicks import Account, DayClicks, Group, Link
from hourlyclicks.model.fingerprints import fingerprint_of
from hourlyclicks.simulator import DEFAULT_KEY
from hourlyclicks.store.ledger import DayState, Failure, LedgerEntry
from hourlyclicks.store.opening import store_of
from hourlyclicks.wire.key import ApiKey

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hourlyclicks import Target

LINK = Link("kYdr", "https://vvd.bz")
HANGUL = Link("한/글", "https://vvd.bz")
TEAM = Group(7)
WHOLE = Account()
LATER = dt.datetime(2025, 6, 1, tzinfo=dt.UTC)


def days(first: str, number: int) -> list[dt.date]:
    """Return so many days from the first on."""
    start = dt.date.fromisoformat(first)
    return [start + dt.timedelta(days=place) for place in range(number)]


def answer(date: dt.date, *, final: bool = True) -> DayClicks:
    """Return a day whose first two hours were reported, the second one with zero."""
    counts = (date.day, 0, *([None] * 22))
    return DayClicks(date, counts, counts, LATER, final)


def empty_day(date: dt.date) -> DayClicks:
    """Return a day without reported hours."""
    return DayClicks(date, (None,) * 24, (None,) * 24, LATER, final=True)


def trouble(date: dt.date, *, refused: bool = False, text: str = "HTTP 500") -> LedgerEntry:
    """Return the ledger entry of a day without figures."""
    state, error = (DayState.REFUSED, "ApiError") if refused else (DayState.FAILED, "ServerError")
    return LedgerEntry(date, state, LATER, 1, reason=Failure(error, text, 7 if refused else None, 200))


def fill(
    path: Path,
    target: Target,
    known: Iterable[DayClicks | LedgerEntry],
    *,
    key: str = DEFAULT_KEY,
    account: str | None = None,
) -> None:
    """Put days and entries into a store."""

    async def put() -> None:
        store = store_of(path)
        salt = await store.salt()
        number = await store.account(
            ApiKey(key).fingerprint(salt) if account is None else fingerprint_of(account, salt)
        )
        writes = [
            store.record_failure(number, target, each)
            if isinstance(each, LedgerEntry)
            else store.put(number, target, each, requests=1)
            for each in known
        ]
        await asyncio.gather(*writes)  # in one transaction
        await store.close()

    asyncio.run(put())


def empty(path: Path) -> Path:
    """Create an empty store, and return its path."""

    async def make() -> None:
        store = store_of(path)
        await store.open()
        await store.close()

    asyncio.run(make())
    return path


def stock(path: Path) -> Path:
    """Make a store with days in every state, and return its path."""
    path.touch(mode=0o600)
    path.write_bytes(_stocked())
    return path


@cache
def _stocked() -> bytes:
    """Fill such a store once, and return its file."""
    april = days("2025-04-01", 30)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clicks.db"
        fill(path, LINK, [*map(answer, april[:9]), *map(answer, april[14:29]), empty_day(april[29])])
        fill(
            path,
            LINK,
            [trouble(april[9]), trouble(april[10]), trouble(april[11], refused=True, text="\x1b[31mno")],
        )
        fill(path, HANGUL, [answer(april[0]), answer(april[1], final=False)])
        fill(path, TEAM, [trouble(april[0])])
        return path.read_bytes()
