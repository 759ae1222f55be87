"""The tables of a store: those of a new one are what all scripts make."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from importlib import resources

import pytest

from hourlyclicks.store import schema
from hourlyclicks.store.schema import LATEST, scripts, tables
from hourlyclicks.store.sqlite_schema import statements, upgrade

DEFINED = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2"


def definition(sql: str | None) -> str | None:
    """Return a definition as SQLite understands it: without comments, line breaks and needless quotes."""
    if sql is None:
        return None
    words = re.sub(r'"(\w+)"', r"\1", re.sub("--.*", "", sql))
    return re.sub(r"\s+(?=[,)])|(?<=\()\s+", "", re.sub(r"\s+", " ", words))


def defined(script: str) -> list[tuple[object, ...]]:
    """Return what a script defines in a new database."""
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(script)
        return [(*names, definition(sql)) for *names, sql in db.execute(DEFINED)]


def test_a_new_store_has_the_tables_that_all_scripts_make() -> None:
    """In SQLite, each column, key, index, view and trigger is the same, and the order of the columns."""
    found = defined(tables("sqlite"))
    assert found == defined("".join(scripts("sqlite")))
    assert {kind for kind, *_ in found} == {"index", "table", "trigger", "view"}


@pytest.mark.parametrize("change", [(" TEXT NOT NULL UNIQUE", " TEXT UNIQUE"), ("'final', 'prov", "'prov")])
def test_any_difference_is_noticed(change: tuple[str, str]) -> None:
    """Also in what SQLite has no PRAGMA for."""
    differing = tables("sqlite").replace(*change, 1)
    assert differing != tables("sqlite")
    assert defined(differing) != defined(tables("sqlite"))


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_the_latest_version_is_that_of_the_last_script(kind: str) -> None:
    """And the scripts have the numbers from 1."""
    names = sorted(file.name for file in (resources.files(schema) / kind).iterdir())
    numbers = [name for name in names if name[0].isdigit()]
    assert numbers == [f"{number + 1:04}.sql" for number in range(LATEST)]
    assert len(scripts(kind)) == LATEST


def test_a_script_is_split_into_its_statements() -> None:
    """Nothing is lost, and a trigger is one statement."""
    text = tables("sqlite")
    found = statements(text)
    assert "".join(found) == text
    assert all(sqlite3.complete_statement(statement) for statement in found)


def test_two_stores_have_different_keys() -> None:
    """The random bytes by which fingerprints are made and stores are told apart."""
    salts = set()
    for _ in range(2):
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
            upgrade(db, LATEST)
            salts |= set(db.execute("SELECT length(value), value FROM properties WHERE name = 'salt'"))
    assert [length for length, _ in salts] == [32, 32]
