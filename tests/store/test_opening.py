from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks.errors import UsageError
from hourlyclicks.simulator import VirtualClock
from hourlyclicks.store.opening import store_of
from hourlyclicks.store.postgres import PostgresStore
from hourlyclicks.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from hourlyclicks.store.protocol import Store


@pytest.mark.parametrize(
    "store", [SqliteStore("clicks.db"), PostgresStore("postgresql://host/clicks")], ids=repr
)
def test_a_store_is_left_as_it_is(store: Store) -> None:
    """A store object is used as it is."""
    assert store_of(store) is store


@pytest.mark.parametrize(
    "path", ["clicks.db", Path("clicks.db"), "a:b", "a=b@c.db", "a@b.db", "postgresql", "서울.db"]
)
def test_a_path_is_a_file(path: str | Path) -> None:
    """A file is meant, whatever it is called, and nothing is made yet."""
    store = store_of(path)
    assert isinstance(store, SqliteStore)
    assert store.path == Path(path)
    assert not store.path.exists()


def test_a_file_is_paced_by_the_given_clock() -> None:
    """So that a test can do without real time."""
    clock = VirtualClock()
    store = store_of("clicks.db", clock)
    assert isinstance(store, SqliteStore)
    assert store.shared_clock.clock is clock


@pytest.mark.parametrize(
    "address", ["postgresql://host/clicks", "postgres://host/clicks", "PostgreSQL://host/clicks"]
)
def test_an_address_is_a_database(address: str) -> None:
    """Both spellings of the scheme are known, and nothing is connected yet."""
    assert isinstance(store_of(address), PostgresStore)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        (":memory:", "keeps nothing"),
        (":MEMORY:", "keeps nothing"),
        ("file:clicks.db", "without file:"),
        ("file:clicks.db?mode=memory&cache=shared", "without file:"),
        ("host=127.0.0.1 user=me password=pa55word dbname=clicks", "write postgresql://user@host"),
        ("dbname = clicks", "write postgresql://user@host"),
        (" user='me' password='pa55word'", "write postgresql://user@host"),
        ("clicks.db?password=pa55word", "write postgresql://user@host"),
        ("mysql://me:pa55word@host/x", "no store"),
        ("http://me:pa55word@host/x", "no store"),
        ("jdbc:postgresql://me:pa55word@host/x", "begins with postgresql://"),
        ("postgresql+asyncpg://me:pa55word@host/x", "write postgresql://user@host"),
        ("postgresql:/me:pa55word@host/x", "write postgresql://user@host"),
        ("postgresql:me:pa55word@host/x", "write postgresql://user@host"),
        (Path("postgresql://me:pa55word@host/x"), "write postgresql://user@host"),
        ("me:pa55word@host/x", "lacks its beginning"),
        ("me:pa55/wo@rd@host/x", "lacks its beginning"),
        ("//me:pa55word@host/x", "lacks its beginning"),
        ("sqlite:///clicks.db", "clicks.db in place of sqlite:///"),
        ("sqlite+aiosqlite:///clicks.db", "clicks.db in place of sqlite:///"),
        ("sqlite:clicks.db", "clicks.db in place of sqlite:///"),
        ("clicks/", "add the name of a file"),
    ],
)
@pytest.mark.parametrize("make", [store_of, SqliteStore])
def test_what_is_no_path_is_refused(make: Any, name: str | Path, hint: str) -> None:  # noqa: ANN401 - both take a name
    """It is not taken for a file name, and not quoted, since it may have a password."""
    with pytest.raises(UsageError, match=re.escape(hint)) as caught:
        make(name)
    assert "pa55" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["C:\\clicks.db", "C:/clicks.db", "./me:x@y/clicks.db", "/data/a:b@c/clicks.db", "password.db"]
)
def test_a_strange_path_is_a_path(name: str) -> None:
    """Drives, and folders with signs of an address in their names."""
    assert isinstance(store_of(name), SqliteStore)


@pytest.mark.parametrize("thing", [None, 5, b"clicks.db", object(), "a\0b"])
def test_anything_else_is_refused(thing: Any) -> None:  # noqa: ANN401 - anything at all
    """The error says what a store is."""
    with pytest.raises(UsageError, match=r"a store (is|needs)"):
        store_of(thing)


def test_a_missing_driver_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says how to install it."""
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    for name in ("postgres", "postgres_messages"):
        monkeypatch.delitem(sys.modules, f"hourlyclicks.store.{name}")
    with pytest.raises(UsageError, match=r"pip install 'hourlyclicks\[postgres\]'"):
        store_of("postgresql://host/clicks")


def test_another_missing_module_is_no_missing_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error of a broken installation is raised as it is."""
    monkeypatch.setitem(sys.modules, "hourlyclicks.store.postgres_database", None)
    monkeypatch.delitem(sys.modules, "hourlyclicks.store.postgres")
    monkeypatch.delattr(sys.modules["hourlyclicks.store"], "postgres_database")
    with pytest.raises(ModuleNotFoundError, match=r"hourlyclicks\.store\.postgres_database"):
        store_of("postgresql://host/clicks")


@pytest.mark.parametrize(
    ("use", "loaded"),
    [("", set()), ("store_of('x.db')", {"sqlite3"}), ("store_of('postgresql://x/x')", {"asyncpg"})],
)
def test_only_the_driver_that_is_needed_is_loaded(use: str, loaded: set[str]) -> None:
    """Importing the package's door to stores imports neither of them."""
    script = f"""
import sys
from hourlyclicks.store.opening import store_of
{use}
print(*{{"sqlite3", "asyncpg"}} & set(sys.modules))"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert set(done.stdout.split()) == loaded
