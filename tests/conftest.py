"""What all tests share: settings of hypothesis, aioresponses on a current aiohttp, a PostgreSQL server."""

from __future__ import annotations

import asyncio
import gc
import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import aiohttp
import aioresponses.compat
import aioresponses.core
import pytest
from hypothesis import HealthCheck, settings

from tests.sizes import PROFILE, THOROUGH, examples
from tests.sources import nodes, parsed
from tests.stores import store_at

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from yarl import URL

    from hourlyclicks.store import MemoryStore
    from tests.render.page.chromium import Chromium
    from tests.store.bouncer import Bouncer
    from tests.store.databases import PreparedDatabases
    from tests.store.server import PostgresServer

settings.register_profile(
    "default",
    deadline=None,  # a busy machine is no bug
    derandomize=True,  # the same run everywhere; look for new cases with the profile below
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=examples(100),
)
settings.register_profile("thorough", settings.get_profile("default"))
settings.register_profile("explore", settings.get_profile("default"), derandomize=False)
settings.load_profile(PROFILE)


class _MockedResponse(aiohttp.ClientResponse):
    """A response without a writer: aiohttp 3.14 asks for one, aioresponses 0.7.9 passes none."""

    def __init__(self, method: str, url: URL, **kwargs: Any) -> None:  # noqa: ANN401 - passed through
        kwargs.setdefault("stream_writer", SimpleNamespace(output_size=0))
        super().__init__(method, url, **kwargs)


class _IdleParser:
    """The parser behind a mocked body; without one, aiohttp cannot pause and resume at 128 KiB."""

    def pause_reading(self) -> None:
        """Do nothing: there is no socket."""

    def resume_reading(self) -> None:
        """Do nothing: there is no socket."""

    def feed_data(self, _data: bytes) -> tuple[()]:
        """Parse nothing: the body is in the stream already."""
        return ()


@pytest.fixture
def mocked_api(monkeypatch: pytest.MonkeyPatch) -> Iterator[aioresponses.aioresponses]:
    """Answer every aiohttp request of the test from what the test registers here."""

    def reader_with_parser(loop: asyncio.AbstractEventLoop | None = None) -> aiohttp.StreamReader:
        reader = aioresponses.compat.stream_reader_factory(loop)
        monkeypatch.setattr(reader._protocol, "_parser", _IdleParser())
        return reader

    monkeypatch.setattr(aioresponses.core, "ClientResponse", _MockedResponse)
    monkeypatch.setattr(aioresponses.core, "stream_reader_factory", reader_with_parser)
    with aioresponses.aioresponses() as mocked:
        yield mocked


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of a store."""
    return tmp_path / "clicks.db"


@pytest.fixture
def any_store(path: Path) -> Path | MemoryStore:
    """What a client takes for its store, in a test to which the kind of the store makes no difference."""
    return store_at(path)


@pytest.fixture
def own_garbage() -> None:
    """Let ``gc.collect()`` in a test go through what the test has made, not what earlier ones have left."""
    gc.collect()
    gc.freeze()


@pytest.fixture
async def complaints(own_garbage: None) -> AsyncIterator[list[dict[str, Any]]]:  # noqa: ARG001 - for its effect
    """What the event loop reports, such as exceptions never retrieved; must be empty."""
    found: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: found.append(context))
    yield found
    gc.collect()
    assert found == []


@pytest.fixture(scope="module")
def parsed_sources() -> Iterator[None]:
    """Forget in the end what was parsed: half a million objects, which slow each garbage collection."""
    yield
    nodes.cache_clear()
    parsed.cache_clear()


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """Run a PostgreSQL server for all tests that need it, or skip them if none is installed.

    Each process of ``pytest -n`` has a server of its own, which tests may stop or crash.
    """
    from tests.store.server import PostgresServer, binaries  # noqa: PLC0415 - asyncpg, for these tests only
    from tests.store.types import remember_types  # noqa: PLC0415 - as above

    programs = binaries()
    if programs is None:
        unwelcome = pytest.fail if os.environ.get("HOURLYCLICKS_TESTS_NEED_POSTGRES") else pytest.skip
        unwelcome("there is no PostgreSQL server on this machine: no initdb")
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    server = PostgresServer(programs, origin=shared / "postgres")
    try:
        server.start()
        with pytest.MonkeyPatch.context() as patch:
            if not THOROUGH:
                remember_types(patch)
                patch.setenv("PGSSLMODE", "disable")  # else each connection prepares for TLS and asks for it
            yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def prepared_databases(postgres_server: PostgresServer) -> PreparedDatabases:
    """Lend and make databases of that server which have the tables already."""
    from tests.store.databases import PreparedDatabases  # noqa: PLC0415 - as above

    return PreparedDatabases(postgres_server)


@pytest.fixture(scope="session")
def bouncer(postgres_server: PostgresServer) -> Iterator[Bouncer]:
    """Run PgBouncer in front of that server, or skip the tests that need it."""
    from tests.store.bouncer import Bouncer, bouncer_binary  # noqa: PLC0415 - as above

    program = bouncer_binary()
    if program is None:
        unwelcome = pytest.fail if os.environ.get("HOURLYCLICKS_TESTS_NEED_PGBOUNCER") else pytest.skip
        unwelcome("there is no PgBouncer on this machine")
    bouncer = Bouncer(program, postgres_server)
    try:
        yield bouncer
    finally:
        bouncer.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """Run a browser for all tests that need it, or skip them if none is installed."""
    from tests.render.page.chromium import Chromium, chromium_binary  # noqa: PLC0415 - playwright, for these only

    program = chromium_binary()
    if program is None:
        unwelcome = pytest.fail if os.environ.get("HOURLYCLICKS_TESTS_NEED_CHROMIUM") else pytest.skip
        unwelcome("there is no Chromium on this machine")
    browser = Chromium(program)
    try:
        yield browser
    finally:
        browser.close()
