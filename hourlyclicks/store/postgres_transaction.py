"""A transaction of a PostgreSQL database."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hourlyclicks.store.postgres_days import Connection

_BEGIN = """BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
    SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off';
    SELECT set_config('idle_in_transaction_session_timeout', '10s', true)
        WHERE current_setting('idle_in_transaction_session_timeout') = '0'"""
"""A process that is stopped within a transaction must not keep the locks of its rows from all others."""


@asynccontextmanager
async def transaction(db: Connection) -> AsyncIterator[None]:
    """Run several changes as one; after a failure the connection must be closed, which rolls them back."""
    await db.execute(_BEGIN)
    yield
    await db.execute("COMMIT")
