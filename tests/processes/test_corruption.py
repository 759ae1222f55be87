"""The file of a store is removed, replaced or cut off while one process or two are at work on it.

``HOURLYCLICKS_CORRUPTIONS`` says how often, for more than a look; ``--log-cli-level=info`` shows the figures.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time
from contextlib import closing, suppress
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import DateRange, Link
from tests.cli.serving import ENVIRONMENT, ROOT, serving
from tests.forkserver.starting import forked_python
from tests.processes.fleet import LATENCY, PATIENCE, until
from tests.sizes import sized
from tests.store.corruption import CORRUPTIONS, Files
from tests.store.files import filled

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks.simulator import Simulator
    from hourlyclicks.simulator.traffic import Cells

pytestmark = pytest.mark.skipif(os.name != "posix", reason="an open file cannot be removed elsewhere")

_log = logging.getLogger(__name__)

TIMES = int(os.environ.get("HOURLYCLICKS_CORRUPTIONS", sized("2", "16")))
TARGET = Link("damaged", "https://vvd.bz")
DAYS = DateRange.of("2025-01-01", sized("2025-02-14", "2025-03-11"))
REQUESTS, WINDOW = 15, 0.4
SLOTS = 2
LATEST, SOON = sized(15, 40), 0.1
COMPLETE, STORE_FAILED = 0, 12
DIES = {"shm cut off": {-signal.SIGBUS}}
"""SQLite maps this file into memory, and a part that is missing can kill a process before it has looked."""


@pytest.fixture(scope="module")
def another(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make another store, once."""
    path = tmp_path_factory.mktemp("another") / "clicks.db"
    asyncio.run(filled(path))
    return path


@pytest.mark.parametrize("number", range(TIMES))
def test_a_damaged_store_is_never_taken_for_success(tmp_path: Path, another: Path, number: int) -> None:
    """A process that ends well has stored every day; any other says that the store has failed.

    No request is over the limit, and the next run, which begins at once, stores what is true.
    """
    chance = random.Random(number)
    kinds = sorted(CORRUPTIONS)
    kind, processes = kinds[number % len(kinds)], 1 + (number + number // len(kinds)) % 2
    (tmp_path / "data").mkdir()
    files = Files(tmp_path / "data" / "clicks.db")
    of_this_store = chance.random() < 0.5
    shutil.copyfile(another, files.copy)
    outputs = [tmp_path / f"output{place}" for place in range(processes)]
    with serving(limits=((REQUESTS, WINDOW),), concurrency=SLOTS, latency=LATENCY) as upstream:
        workers = [_start(upstream, files.store, output) for output in outputs]
        try:
            moment = chance.randint(1, LATEST)
            until(lambda: upstream.counters.requests >= moment)
            if of_this_store:
                _copy(files)
            time.sleep(chance.uniform(0, SOON))
            with suppress(FileNotFoundError):  # the last process that closes the store removes its log
                CORRUPTIONS[kind](files)
            assert upstream.counters.requests < len(DAYS), "it was done too soon: there are not enough days"
            codes = [worker.wait(PATIENCE) for worker in workers]
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()
        _log.info("%s after %s requests, exit codes %s", kind, moment, codes)
        assert set(codes) <= {COMPLETE, STORE_FAILED} | DIES.get(kind, set()), _texts(outputs)
        if COMPLETE in codes:
            assert _figures(files.store).keys() == set(DAYS), _texts(outputs)
        _check_limits(upstream)

        files.store.parent.mkdir(exist_ok=True)
        again, output = STORE_FAILED, tmp_path / "again"
        if not files.store.exists() or _is_whole(files.store):
            again = _start(upstream, files.store, output).wait(PATIENCE)
        if again == STORE_FAILED:  # it is damaged, or was when the log is left out: a user deletes it
            shutil.rmtree(files.store.parent)
            files.store.parent.mkdir()
            again = _start(upstream, files.store, output).wait(PATIENCE)
        assert again == COMPLETE, _texts([output])
        _check_limits(upstream)
        assert _figures(files.store) == upstream.cells(TARGET, DAYS.start, DAYS.end)


def _start(upstream: Simulator, store: Path, output: Path) -> subprocess.Popen[bytes]:
    words = ["backfill", "--store", str(store), "--link", TARGET.id, "--domain", TARGET.domain]
    words += ["--from", str(DAYS.start), "--to", str(DAYS.end), "--base-url", upstream.url]
    words += ["--limit", f"{REQUESTS}/{WINDOW}", "--concurrency", str(SLOTS), "--guard", "0.01"]
    with output.open("wb") as stream:
        return subprocess.Popen(  # noqa: S603 - ours
            [*forked_python(), "-m", "hourlyclicks", *words],
            cwd=ROOT,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )


def _copy(files: Files) -> None:
    """Let the copy be one of this store, as it is now."""
    files.copy.unlink()
    with closing(sqlite3.connect(files.store)) as store, closing(sqlite3.connect(files.copy)) as copy:
        store.backup(copy)


def _is_whole(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
            return db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    except sqlite3.Error:
        return False


def _figures(path: Path) -> dict[dt.date, Cells]:
    """Return what the store has of each day, by SQL."""
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute(
            "SELECT date, clicks, unique_users FROM hourly WHERE target = ? ORDER BY date, hour",
            (str(TARGET),),
        ).fetchall()
    return {
        dt.date.fromisoformat(date): tuple((clicks, users) for _, clicks, users in cells)
        for date, cells in groupby(rows, key=itemgetter(0))
    }


def _check_limits(upstream: Simulator) -> None:
    counters = upstream.counters
    assert (counters.over_limit, counters.over_concurrency) == (0, 0)


def _texts(outputs: list[Path]) -> list[str]:
    return [output.read_text("utf-8") for output in outputs]
