"""The file of a store is lost between two clients; the server still counts what the first has sent."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks import Client, Limits, Link, Rate, RateLimitedError, StoreError
from hourlyclicks.coordination.state import ArbiterState
from hourlyclicks.events import DayDone
from hourlyclicks.fleet import AccountJob, KeyRef, run_jobs
from hourlyclicks.simulator import Simulator
from tests.client.stories import UNLIMITED

if TYPE_CHECKING:
    from collections.abc import Callable

    from hourlyclicks.events import Event

LINK = Link("x", "https://vvd.bz")
HOURLY = Limits(rates=(Rate(4, 3600.0),), concurrency=2)


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the copies be in a folder of this test."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The path of the store, in a folder of its own; a link leads to it."""
    (tmp_path / "data").mkdir()
    (tmp_path / "link.db").symlink_to(tmp_path / "data" / "clicks.db")
    return tmp_path / "data" / "clicks.db"


async def spend(upstream: Simulator, store: Path, **options: Any) -> None:  # noqa: ANN401 - of a client
    """Use a whole hour's limit up, with a client that is closed then."""
    async with _client(upstream, store, **options) as client:
        await client.fetch("2025-01-01", "2025-01-04", LINK)


async def may_send(upstream: Simulator, store: Path, **options: Any) -> bool:  # noqa: ANN401 - likewise
    """Return whether a new client sends a request at once."""
    async with _client(upstream, store, **options) as client:
        try:
            await client.fetch("2025-02-01", "2025-02-01", LINK, wait=0)
        except RateLimitedError:
            return False
    return True


def _client(upstream: Simulator, store: Path, **options: Any) -> Client:  # noqa: ANN401 - likewise
    of: dict[str, Any] = {
        "api_key": upstream.key,
        "base_url": "https://api.example",
        "limits": HOURLY,
    } | options
    return Client(store=store, transport=upstream.transport(), **of)


def removed(store: Path) -> None:
    """Remove the file."""
    store.unlink()


def folder_renamed(store: Path) -> None:
    """Rename its folder, and make a new one."""
    store.parent.rename(store.parent.with_name("elsewhere"))
    store.parent.mkdir()


def emptied(store: Path) -> None:
    """Cut the file off."""
    os.truncate(store, 0)


def restored(store: Path) -> None:
    """Restore a backup from before the requests."""
    shutil.copyfile(store.with_name("backup.db"), store)


@pytest.mark.parametrize("lose", [removed, folder_renamed, emptied, restored])
@pytest.mark.parametrize("more", [{}, {"account": "shop"}], ids=["key", "named"])
async def test_the_next_client_counts_the_requests(
    store: Path, lose: Callable[[Path], None], more: dict[str, str]
) -> None:
    """Whatever has become of the file."""
    upstream = Simulator(limits=(), concurrency=0)
    async with _client(upstream, store, **more) as client:
        await client.fetch("2025-01-01", "2025-01-01", LINK)
    shutil.copyfile(store, store.with_name("backup.db"))
    await spend(upstream, store, **more)
    lose(store)
    assert not await may_send(upstream, store, **more)
    assert upstream.counters.requests == 4


async def test_the_same_file_by_another_path(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link to it, or a relative path."""
    upstream = Simulator(limits=(), concurrency=0)
    monkeypatch.chdir(store.parent)
    await spend(upstream, tmp_path / "link.db")
    removed(store)
    assert not await may_send(upstream, Path("clicks.db"))


@pytest.mark.parametrize("other", [{"api_key": "second-key"}, {"base_url": "https://test.example"}])
async def test_another_limit_is_not_touched(store: Path, other: dict[str, str]) -> None:
    """That of another key, another server, or another account of that key."""
    upstream = Simulator(keys={"first-key": "enterprise", "second-key": "enterprise"}, limits=())
    await spend(upstream, store)
    removed(store)
    assert await may_send(upstream, store, **other)


async def test_a_run_over_accounts_counts_for_a_client(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account that has its key alone is that of the key, whatever it is called."""
    upstream = Simulator(limits=(), concurrency=0)
    monkeypatch.setenv("SHOP_KEY", upstream.key)
    account = AccountJob(
        "shop",
        key=KeyRef.env("SHOP_KEY"),
        targets=[LINK],
        start="2025-01-01",
        end="2025-01-04",
        limits=HOURLY,
    )
    report = await run_jobs(
        [account], store=store, transport=upstream.transport(), base_url="https://api.example"
    )
    assert report.complete
    removed(store)
    assert not await may_send(upstream, store)


async def test_copies_need_no_current_folder(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If it was deleted, it is the store that cannot be opened."""
    folder = store.with_name("deleted")
    made_and_deleted(folder, monkeypatch)
    with pytest.raises(StoreError):
        await may_send(Simulator(limits=()), Path("clicks.db"))


def made_and_deleted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a folder that is not there any more be the current one."""
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()


async def test_requests_of_a_client_that_is_closed_are_over(store: Path) -> None:
    """It could not report the responses to the store that was lost; the next client here does not wait."""
    upstream = Simulator(limits=(), concurrency=0)

    def lose(event: Event) -> None:
        if isinstance(event, DayDone):
            store.unlink(missing_ok=True)

    async with _client(upstream, store, limits=UNLIMITED, on_event=lose) as client:
        with pytest.raises(StoreError):
            await client.backfill("2025-01-01", "2025-01-31", [LINK])
    assert await may_send(upstream, store, limits=UNLIMITED)
    found = shared_state(store)
    assert found.requests
    assert found.orphans.keys() == found.requests.keys()


def shared_state(store: Path) -> ArbiterState:
    """Return the shared state in a store with one account."""
    with closing(sqlite3.connect(store)) as db:
        [[text]] = db.execute("SELECT state FROM pacing").fetchall()
    return ArbiterState.read(text)


async def test_the_copies_name_no_key(store: Path, tmp_path: Path) -> None:
    """Neither their content, nor their names."""
    upstream = Simulator(limits=(), concurrency=0)
    await spend(upstream, store)
    copies = files_below(tmp_path, "hourlyclicks-*")
    assert copies
    assert upstream.key not in str(copies)


def files_below(folder: Path, pattern: str) -> dict[str, str]:
    """Return the texts of files by their paths."""
    return {str(path): path.read_text("utf-8") for path in folder.glob(f"{pattern}/**/*") if path.is_file()}
