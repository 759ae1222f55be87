"""What PostgreSQL says of its own types, asked once for all connections of the tests."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from asyncpg import Connection

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

_FIRST_OF_USERS = 16_384
"""The number of the first type that a user has made; those below are the same in each database."""


def remember_types(patch: pytest.MonkeyPatch) -> None:
    """Let connections remember what others were told of types such as ``integer[]``.

    Each new connection asks for them before its first statement that has such a type, which takes the server
    7 ms: twice as long as the connection itself.
    """
    ask = Connection._introspect_types  # type: ignore[attr-defined]  # it is private
    known: dict[frozenset[int], object] = {}
    kept: Any = SimpleNamespace(name="remembered")  # for asyncpg: no statement was replaced by the question

    async def remembered(self: Connection, numbers: Iterable[int], timeout: float) -> Any:  # noqa: ANN401, ASYNC109 - as in asyncpg
        wanted = frozenset(numbers)
        if max(wanted) >= _FIRST_OF_USERS:
            return await ask(self, wanted, timeout)
        if wanted in known:
            return known[wanted], kept
        known[wanted], statement = await ask(self, wanted, timeout)
        return known[wanted], statement

    patch.setattr(Connection, "_introspect_types", remembered)
