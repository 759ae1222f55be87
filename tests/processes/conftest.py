"""The stores of the processes of a test: a file in one round, a database in the other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.sizes import sized

if TYPE_CHECKING:
    from pathlib import Path

    from tests.store.databases import PreparedDatabases


@pytest.fixture(params=sized(["sqlite"], ["sqlite", "postgres"]))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of a store."""
    if request.param == "sqlite":
        return str(tmp_path / "clicks.db")
    databases: PreparedDatabases = request.getfixturevalue("prepared_databases")
    return asyncio.run(databases.new())
