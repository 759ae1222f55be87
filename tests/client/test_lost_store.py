"""The file of a store is lost between two clients; the server still counts what the first has sent."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks import Client, Limits, Link, Rate, RateLimitedError
from hourlyclicks.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Callable

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


@pytest.mark.parametrize(
    "other", [{"api_key": "second-key"}, {"base_url": "https://test.example"}, {"account": "shop"}]
)
async def test_another_limit_is_not_touched(store: Path, other: dict[str, str]) -> None:
    """That of another key, another server, or another account."""
    upstream = Simulator(keys={"first-key": "enterprise", "second-key": "enterprise"}, limits=())
    await spend(upstream, store)
    removed(store)
    assert await may_send(upstream, store, **other)


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
