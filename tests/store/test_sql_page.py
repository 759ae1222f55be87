"""The recipes of the page about SQL: Datasette with its file, and the queries for Grafana."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from hourlyclicks.store.sqlite import SqliteStore
from tests.cli.filled_stores import LINK, answer, days, stock
from tests.model.strategies import a_day
from tests.store.answers import ME, failure
from tests.store.files import me

if TYPE_CHECKING:
    from tests.store.locations import DatabaseLocation

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "sql.md").read_text("utf-8")
DATASETTE = shutil.which("datasette", path=str(Path(sys.executable).parent)) or shutil.which("datasette")
NAMES = ["clicks_a_day", "hours_of_the_week", "gaps"]


def blocks(language: str, heading: str) -> list[str]:
    """Return the blocks of a language below a heading."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [str(block) for block in re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)]


def asked(folder: Path, path: str) -> Any:  # noqa: ANN401 - JSON
    """Let Datasette answer a request, with the file of the page."""
    [metadata] = blocks("yaml", "Datasette")
    (folder / "metadata.yaml").write_text(metadata, "utf-8")
    words = blocks("console", "Datasette")[-1].removeprefix("$ datasette ").split()
    command = [str(DATASETTE), *words, "--get", path]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 - from our own page
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(DATASETTE is None, reason="needs Datasette")
@pytest.mark.parametrize("name", NAMES)
def test_the_queries_for_datasette_run(tmp_path: Path, name: str) -> None:
    """Each has rows for a store with days in every state, also while a client has it open."""
    stock(tmp_path / "clicks.db")

    async def use() -> Any:  # noqa: ANN401 - JSON
        store = SqliteStore(tmp_path / "clicks.db")
        account = await me(store)
        await store.put(account, ME, a_day(days("2025-05-01", 1)[0]), requests=1)
        path = f"/clicks/{name}.json?_shape=array&target={quote(str(LINK), safe='')}"
        rows = await asyncio.to_thread(asked, tmp_path, path)
        await store.put(account, ME, a_day(days("2025-05-02", 1)[0]), requests=1)
        await store.close()
        return rows

    rows = asyncio.run(use())
    if name == "clicks_a_day":
        assert rows[0] == {"date": "2025-04-01", "clicks": 1, "reported_hours": 2}
        assert rows[-1] == {"date": "2025-04-30", "clicks": None, "reported_hours": 0}
    elif name == "gaps":
        assert [row["state"] for row in rows].count("refused") == 1
    else:
        assert len(rows) == 7 * 24


@pytest.mark.skipif(DATASETTE is None, reason="needs Datasette")
def test_tables_for_hourlyclicks_are_hidden(tmp_path: Path) -> None:
    """Those that remain are described on the page about stores."""
    stock(tmp_path / "clicks.db")
    found = asked(tmp_path, "/clicks.json")
    hidden = {table["name"] for table in found["tables"] if table["hidden"]}
    assert {"pacing", "properties", "range_endpoints"} <= hidden
    assert {query["name"] for query in found["queries"]} == set(NAMES)


async def test_the_queries_for_grafana_run(database: DatabaseLocation) -> None:
    """With the macros replaced as Grafana does, they have the hours of the time range."""
    [hours] = blocks("text", "Grafana")
    targets, states = blocks("sql", "Grafana")
    store, account = await database.account()
    for date in days("2025-03-29", 4):
        await store.put(account, LINK, answer(date), requests=1)
    await store.record_failure(account, LINK, failure(days("2025-04-03", 1)[0]))
    first, last = "'2025-03-30T22:00:00Z'", "'2025-03-31T21:59:59Z'"
    query = hours.replace("${target:sqlstring}", f"'{LINK}'")
    query = re.sub(r"\$__timeFilter\(([^)]*)\)", rf"\1 BETWEEN {first} AND {last}", query)
    query = query.replace("$__timeFrom()", first).replace("$__timeTo()", last)
    rows = await database.sql(query)
    assert len(rows) == 24
    assert [value for _, _, value in rows[:3]] == [31, 0, None]
    assert rows[0][:2] == (dt.datetime(2025, 3, 30, 22, tzinfo=dt.UTC), str(LINK))
    assert await database.sql(targets) == [(str(LINK),)]
    assert await database.sql(states) == [(str(LINK), dt.date(2025, 4, 1), 1)]
