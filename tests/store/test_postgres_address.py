"""What may stand in the address of a PostgreSQL database."""

from __future__ import annotations

import pytest

from hourlyclicks.errors import UsageError
from hourlyclicks.store.opening import store_of
from hourlyclicks.store.postgres import PostgresStore


@pytest.mark.parametrize(
    "name",
    [
        "connect_timeout",
        "options",
        "channel_binding",
        "keepalives",
        "Keepalives_Idle",
        "gssencmode",
        "hostaddr",
    ],
)
def test_what_only_libpq_knows_is_refused_by_name(name: str) -> None:
    """The parameter is named, its value and the password are not repeated."""
    with pytest.raises(UsageError, match=name.lower()) as caught:
        store_of(f"postgresql://me:secret@host/clicks?sslmode=require&{name}=hidden")
    assert "secret" not in str(caught.value)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?sslmode=require",
        "?target_session_attrs=read-write",
        "?host=/run&user=me",
        "?statement_timeout=9000",
    ],
)
def test_what_asyncpg_or_the_server_knows_is_let_through(query: str) -> None:
    """Parameters of asyncpg, and settings of the server."""
    assert "clicks" in repr(PostgresStore(f"postgresql://host/clicks{query}"))


def test_nul_is_no_character_of_an_address() -> None:
    """It would end the text on its way to the server."""
    with pytest.raises(UsageError, match="NUL"):
        PostgresStore("postgresql://me%00you@host/clicks")
