"""Errors and wrong results of a foreign transport or store are translated."""

from __future__ import annotations

import asyncio
from itertools import product
from typing import TYPE_CHECKING, Any, cast

import pytest

from hourlyclicks import StoreError, UsageError
from hourlyclicks.model.http import Response
from hourlyclicks.store.sqlite import SqliteStore
from tests.client.stories import END, KEY, LINK, START, free, simulate
from tests.sizes import sample

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from hourlyclicks import Client, HourlyClicksError
    from hourlyclicks.model.http import Request
    from hourlyclicks.simulator import VirtualClock

WORDS: Any = "text"
"""Accepted in place of any type."""
RETURNED: tuple[Any, ...] = (
    None,
    (200, {}, b"{}"),
    Response(200, {}, WORDS),
    Response(WORDS, {}, b"{}"),
    Response(200, WORDS, b"{}"),
    Response(503, {"Retry-After": cast("Any", 5)}, b""),
)


class Brittle:
    """A foreign store, which fails with its own errors.

    Args:
        store: does the work.
        method: what fails.
        after: how often it works before.
        error: what it raises.
    """

    def __init__(self, store: SqliteStore, method: str, after: int, error: Exception) -> None:
        self._store, self._method, self._after, self._error = store, method, after, error

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a method of a store
        method = getattr(self._store, name)

        async def call(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - passed through
            if name == self._method:
                self._after -= 1
                if self._after < 0:
                    raise self._error
            return await method(*given, **named)

        return call


async def fetch(client: Client, _: VirtualClock) -> object:
    """Fetch a month."""
    return await client.fetch(START, END, LINK)


async def fill(client: Client, _: VirtualClock) -> object:
    """Bring a month into the store."""
    return await client.backfill(START, END, [LINK])


@pytest.mark.parametrize("returned", RETURNED, ids=repr)
def test_a_transport_returns_a_response(returned: object) -> None:
    """Anything else is a `TransportError` that says so; the answered days are kept."""
    upstream = free()
    make = upstream.transport

    class Odd:
        def __init__(self, clock: VirtualClock) -> None:
            self._good, self._left = make(clock), 3

        async def send(self, request: Request) -> Any:  # noqa: ANN401 - that is the point
            self._left -= 1
            return await self._good.send(request) if self._left >= 0 else returned

        async def close(self) -> None:
            """Do nothing."""

    upstream.transport = Odd  # type: ignore[method-assign, assignment]  # in place of a good one
    with pytest.raises(UsageError, match="the transport returned no Response") as raised:
        simulate(upstream, fetch)
    assert raised.value.series is not None


@pytest.mark.parametrize(
    ("method", "story"),
    sample(list(product(["open", "account", "entries", "put", "pace"], [fetch, fill])), 5),
)
def test_a_store_of_the_user_fails_as_a_store(
    method: str, story: Callable[[Client, VirtualClock], Awaitable[object]], tmp_path: Path
) -> None:
    """Each of its exceptions is a `StoreError` without its text, with the series or the report."""
    for error in (OSError(28, KEY), KeyError(KEY)):
        for after in (0, 3):
            store = Brittle(SqliteStore(tmp_path / f"{type(error).__name__}{after}.db"), method, after, error)
            failure = ended(story, store)
            assert failure is None or (failure.series or failure.report) is not None
            assert failure is None or KEY not in repr(failure)
            assert (after > 0 or method == "entries") or failure is not None


def ended(
    story: Callable[[Client, VirtualClock], Awaitable[object]], store: Brittle
) -> HourlyClicksError | None:
    """Return the error that a scenario ends with, if it does."""
    try:
        simulate(free(), story, store=store)
    except StoreError as error:
        return error
    finally:
        asyncio.run(store._store.close())
    return None


def test_an_answer_that_a_foreign_store_drops_is_in_the_series(tmp_path: Path) -> None:
    """The day that could not be stored is part of the series."""
    store = Brittle(SqliteStore(tmp_path / "clicks.db"), "put", 0, OSError(28, "full"))
    error = ended(fetch, store)
    assert isinstance(error, StoreError)
    assert error.series is not None
    (unsaved,) = error.unsaved
    assert unsaved.date not in error.series.missing_days
