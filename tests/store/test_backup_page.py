"""The commands of the page about backups, in its order, on a store in use."""

from __future__ import annotations

import asyncio
import re
import shlex
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from hourlyclicks.store.sqlite import SqliteStore
from tests.forkserver.starting import forked_python
from tests.model.strategies import a_day
from tests.store.answers import ALL, ME
from tests.store.files import me

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(
    r"^```console\n(.*?)^```$", (ROOT / "docs/how-to/backup.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
)
DAYS = 3


def commands(*blocks: str) -> list[str]:
    """Return the commands of some blocks, without what they print."""
    lines = [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line[:1] == "$"]
    program = shlex.join([*forked_python(), "-m", "hourlyclicks"])
    return [line.replace("hourlyclicks status", f"{program} status") for line in lines]


def run(folder: Path, *lines: str) -> None:
    """Run commands in a shell."""
    for line in lines:
        subprocess.run(line, shell=True, check=True, cwd=folder, capture_output=True)  # noqa: S602 - ours


def days(path: Path) -> int:
    """Return how many days are in a file."""
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("SELECT count(*) FROM days").fetchone()[0])


@pytest.mark.skipif(not shutil.which("sqlite3"), reason="needs the program sqlite3")
def test_a_backup_is_made_and_restored(tmp_path: Path) -> None:
    """Every copy that the page makes of a store in use is complete."""
    backup, vacuum, dump, restore, undump, check = BLOCKS

    async def use() -> None:
        store = SqliteStore(tmp_path / "clicks.db")
        account = await me(store)
        for date in list(ALL)[:DAYS]:
            await store.put(account, ME, a_day(date), requests=1)
        run(tmp_path, *commands(backup, vacuum, dump))
        await store.put(account, ME, a_day(ALL[DAYS]), requests=1)
        await store.close()

    asyncio.run(use())
    run(tmp_path, *commands(undump, check))
    assert days(tmp_path / "clicks.db") == DAYS + 1
    run(tmp_path, *commands(restore))
    names = ("clicks.db", "backup.db", "small.db", "restored.db")
    assert {name: days(tmp_path / name) for name in names} == dict.fromkeys(names, DAYS)

    async def go_on() -> None:
        for name in names:
            store = SqliteStore(tmp_path / name)
            await store.put(await me(store), ME, a_day(ALL[DAYS]), requests=1)
            await store.close()

    asyncio.run(go_on())
    assert {name: days(tmp_path / name) for name in names} == dict.fromkeys(names, DAYS + 1)
