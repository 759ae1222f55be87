from __future__ import annotations

import asyncio
import datetime as dt
import gc
import importlib
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

import hourlyclicks
from hourlyclicks import DateRange, HourlySeries, Link, StoreError, UsageError, scan
from hourlyclicks.model.series_builder import merge_days
from hourlyclicks.model.targets import Account, Group
from hourlyclicks.store.memory import MemoryStore
from hourlyclicks.store.opening import store_of
from hourlyclicks.store.sqlite import SqliteStore
from tests.cli.filled_stores import LINK, TEAM, WHOLE, answer, days, empty, fill, trouble
from tests.model.frames.sample import BERLIN, a_series
from tests.store.locations import DatabaseLocation, SqliteLocation

if TYPE_CHECKING:
    from pathlib import Path

    from tests.store.databases import PreparedDatabases
    from tests.store.locations import Location

LINKS = [Link(f"k{number}", "https://vvd.bz") for number in range(4)]
MARCH = DateRange.of("2025-03-28", "2025-04-02")
APRIL = DateRange.of("2025-04-01", "2025-04-30")

FORK_HALF_WAY = """
import os
import sys
from hourlyclicks import UsageError, scan
reading = iter(scan(sys.argv[1]))
first = next(reading)
child = os.fork()
if child:
    ended = os.waitpid(child, 0)[1]
    print("parent", ended, 1 + len(list(reading)))
else:
    try:
        next(reading)
    except UsageError as error:
        print("child", len(list(scan(sys.argv[1]))), error, flush=True)
"""
EXIT_HALF_WAY = """
import sys
from hourlyclicks import scan
reading = iter(scan(sys.argv[1]))
print(next(reading).target)
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Fill a store with four links, and return its file."""
    path = tmp_path_factory.mktemp("filled") / "clicks.db"
    for link in LINKS:
        fill(path, link, a_series(link, MARCH).days())
    return path.read_bytes()


@pytest.fixture
def store(tmp_path: Path, filled: bytes) -> Path:
    """Make a store with these links, and return its path."""
    path = tmp_path / "clicks.db"
    path.write_bytes(filled)
    return path


@pytest.fixture(params=["sqlite", "postgres"])
async def location(request: pytest.FixtureRequest, tmp_path: Path) -> Any:  # noqa: ANN401 - a generator of both kinds
    """Make a file or a database."""
    if request.param == "sqlite":
        made: Location = SqliteLocation(tmp_path / "clicks.db")
    else:
        databases: PreparedDatabases = request.getfixturevalue("prepared_databases")
        made = DatabaseLocation(await databases.new())
    yield made
    await made.close()


def known(link: Link) -> HourlySeries:
    """Return the series of a link in the store, without the missing days at its ends."""
    series = a_series(link, MARCH)
    dates = [day.date for day in series.days()]
    return series[dates[0] : dates[-1]]


def readers() -> list[str]:
    """Return the names of the threads that read a store."""
    return [thread.name for thread in threading.enumerate() if "hourlyclicks" in thread.name]


def output_of(script: str, store: Path) -> list[str]:
    """Run a script with a store, silently, and return the lines that it prints."""
    command = [sys.executable, "-W", "ignore:This process:DeprecationWarning", "-c", script, str(store)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - ours
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def is_open(path: Path) -> bool:
    """Return whether this process has the file open."""
    folder = "/proc/self/fd"
    links = [os.path.join(folder, number) for number in os.listdir(folder)]  # noqa: PTH118, PTH208 - of a moment
    return str(path) in [os.readlink(link) for link in links if os.path.islink(link)]  # noqa: PTH114, PTH115 - as above


def test_a_scan_has_the_series_of_all_targets(store: Path) -> None:
    """In the order of the store, each time it is iterated."""
    figures = scan(store)
    assert list(figures) == [known(link) for link in LINKS]
    assert list(figures) == list(scan(str(store)))
    assert readers() == []
    assert not is_open(store)


async def test_files_and_databases_are_read(location: Location) -> None:
    """Also while an event loop runs in the same thread."""
    writer, number = await location.account("a" * 32)
    for link in LINKS:
        for day in a_series(link, MARCH).days():
            await writer.put(number, link, day, requests=1)
    where = location.path if isinstance(location, SqliteLocation) else getattr(location, "dsn", "")
    pa = pytest.importorskip("pyarrow")
    figures = scan(where, timezone=BERLIN)
    assert list(figures) == [known(link) for link in LINKS]
    assert pa.table(figures)["clicks"].null_count == figures.to_pandas()["clicks"].isna().sum() > 0
    reading = iter(figures)
    assert next(reading) == known(LINKS[0])
    reading.close()  # type: ignore[attr-defined]  # it is a generator
    assert [name for name in readers() if "scan" in name] == []


async def test_an_error_in_the_middle_is_typed_and_has_no_password(
    prepared_databases: PreparedDatabases,
) -> None:
    """What the database says reaches the consumer as a `StoreError`, in Python and by way of Arrow."""
    location = DatabaseLocation(await prepared_databases.new())
    writer, number = await location.account("a" * 32)
    for link in LINKS:
        await writer.put(number, link, answer(APRIL.start), requests=1)
    address = location.dsn.replace("//", "//postgres:s3cret@") if "@" not in location.dsn else location.dsn
    reading = iter(scan(address, APRIL.start, APRIL.end))
    assert next(reading).target == LINKS[0]
    await location.sql("DROP TABLE days CASCADE")
    with pytest.raises(StoreError) as caught:
        next(reading)
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in repr(scan(address))
    await location.close()


@pytest.mark.usefixtures("own_garbage")
def test_a_file_that_breaks_in_the_middle_is_a_store_error(store: Path) -> None:
    """The series before it are delivered, and the error names the file."""
    pa = pytest.importorskip("pyarrow")
    batches = scan(store).reader()
    assert batches.read_next_batch().num_rows == len(known(LINKS[0]))
    store.write_bytes(b"not a store" * 1_000)
    with pytest.raises(StoreError, match=r"clicks\.db: it is damaged"):
        batches.read_all()
    with pytest.raises(pa.ArrowInvalid, match=r"StoreError: the store .*clicks\.db: it is damaged"):
        pa.table(scan(store))  # the C interface of Arrow carries a text
    del batches
    gc.collect()
    assert readers() == []


def test_a_range_is_that_of_every_target(store: Path) -> None:
    """With both ends, all days are there, fetched or not, also of a target that the store does not know."""
    unknown = Group(9)
    found = list(scan(store, "2025-04-01", APRIL.end, targets=[LINKS[1], unknown]))
    assert found == [
        a_series(LINKS[1], APRIL)["2025-04-01":"2025-04-02"].merge(merge_days(APRIL, (), target=LINKS[1])),
        merge_days(APRIL, (), target=unknown),
    ]


def test_an_open_end_is_the_last_day_with_figures(tmp_path: Path) -> None:
    """Each target has its own; days that failed at an open end and targets without figures are left out."""
    path = tmp_path / "clicks.db"
    april = days("2025-04-01", 10)
    fill(path, LINK, [trouble(april[0]), *map(answer, april[1:4]), trouble(april[4])])
    fill(path, WHOLE, [answer(april[6])])
    fill(path, TEAM, [trouble(april[0])])
    whole = {series.target: str(series.range) for series in scan(path)}
    assert whole == {LINK: str(DateRange(april[1], april[3])), WHOLE: str(DateRange(april[6], april[6]))}
    begun = {series.target: str(series.range) for series in scan(path, start=april[0])}
    assert begun == {LINK: str(DateRange(april[0], april[3])), WHOLE: str(DateRange(april[0], april[6]))}
    ended = {series.target: str(series.range) for series in scan(path, end=april[4])}
    assert ended == {LINK: str(DateRange(april[1], april[4]))}
    assert list(scan(path, start=april[9])) == []


def test_targets_come_in_the_order_in_which_they_are_given(store: Path) -> None:
    """Each once; a single target needs no list."""
    wanted = [LINKS[2], LINKS[0], LINKS[2]]
    assert [series.target for series in scan(store, targets=wanted)] == [LINKS[2], LINKS[0]]
    assert [series.target for series in scan(store, targets=LINKS[3])] == [LINKS[3]]
    assert list(scan(store, targets=[])) == []


def test_an_account_can_be_named(store: Path) -> None:
    """One of several must be, by its name or by the beginning of its fingerprint."""
    fill(store, LINK, [answer(APRIL.start)], account="other")
    assert [series.target for series in scan(store, account="other")] == [LINK]
    with pytest.raises(UsageError, match="the store has 2 accounts: name one"):
        list(scan(store))
    with pytest.raises(UsageError, match="no account named 'third'"):
        list(scan(store, account="third"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"start": "2025-04-02", "end": "2025-04-01"}, "2025-04-0"),
        ({"start": "yesterday"}, "yesterday"),
        ({"timezone": "Europe/Atlantis"}, "no such time zone"),
        ({"targets": ["https://vvd.bz/kYdr"]}, "a target is an Account, a Group or a Link, not 'https"),
        ({"targets": "account"}, "a target is an Account, a Group or a Link, not 'account'"),
        ({"account": " "}, "account is empty"),
        ({"store": ":memory:"}, "a store in memory"),
        ({"store": "sqlite:///clicks.db"}, "is not read"),
        ({"store": MemoryStore()}, "a scan opens its store itself"),
        ({"store": store_of("clicks.db")}, "a scan opens its store itself"),
    ],
)
def test_an_invalid_argument_is_refused_at_once(arguments: dict[str, Any], message: str) -> None:
    """Before anything is opened."""
    with pytest.raises(UsageError, match=message):
        scan(**({"store": "clicks.db"} | arguments))


def test_nothing_is_opened_before_it_is_read(tmp_path: Path) -> None:
    """A store that is not there is an error when it is read."""
    pa = pytest.importorskip("pyarrow")
    figures = scan(tmp_path / "none.db", timezone=BERLIN)
    assert pa.schema(figures).names[3] == "time"
    batches = figures.reader()
    assert readers() == []
    for read in (batches.read_all, lambda: list(figures), figures.to_polars, figures.to_pandas):
        with pytest.raises(StoreError, match="there is no such file"):
            read()
    assert not (tmp_path / "none.db").exists()


def test_an_empty_store_has_no_rows_of_the_same_types(tmp_path: Path, store: Path) -> None:
    """Tables of nothing have the columns of all others."""
    pa = pytest.importorskip("pyarrow")
    nothing, something = (scan(path, timezone=BERLIN) for path in (empty(tmp_path / "new.db"), store))
    assert list(nothing) == []
    assert pa.table(nothing) == pa.table(something).slice(0, 0)
    assert nothing.to_polars().equals(something.to_polars().head(0))
    assert len(nothing.to_pandas()) == 0
    kinds = [
        {name: str(kind) for name, kind in each.to_pandas().dtypes.items()} for each in (nothing, something)
    ]
    assert kinds[0] == kinds[1]
    [missing] = scan(tmp_path / "new.db", APRIL.start, APRIL.end, targets=Account())
    assert missing == merge_days(APRIL, (), target=Account())


def test_libraries_read_it_as_one_table(store: Path) -> None:
    """A batch for each target, with the rows of its series; frames have the same rows."""
    pa, pl = pytest.importorskip("pyarrow"), pytest.importorskip("polars")
    figures = scan(store, timezone=BERLIN)
    batches = pa.RecordBatchReader.from_stream(figures).read_all()
    assert batches.equals(pa.concat_tables([series.to_arrow(timezone=BERLIN) for series in figures]))
    assert batches["target"].num_chunks == len(LINKS)
    batches.validate(full=True)
    assert figures.to_polars().equals(pl.DataFrame(figures))
    assert figures.to_polars().rows() == pl.DataFrame(batches).rows()
    frame = figures.to_pandas()
    assert list(frame["target"].cat.categories) == [str(link) for link in LINKS]
    assert frame["target"].tolist() == batches["target"].to_pylist()
    assert frame["clicks"].sum() == pa.compute.sum(batches["clicks"]).as_py()


def test_a_schema_can_be_requested(store: Path) -> None:
    """Batches are cast to the types that a consumer requests."""
    pa = pytest.importorskip("pyarrow")
    own = pa.schema(scan(store))
    wanted = pa.schema([field.with_type(pa.int32()) if field.name == "clicks" else field for field in own])
    found = pa.table(scan(store), schema=wanted)
    assert found.schema == wanted
    assert found["clicks"].to_pylist() == pa.table(scan(store))["clicks"].to_pylist()


@pytest.mark.usefixtures("own_garbage")
def test_duckdb_pulls_it_from_its_own_threads(store: Path) -> None:
    """A query reads the scan each time, and one that needs no more than a few rows leaves nothing open."""
    duckdb = pytest.importorskip("duckdb")
    figures = scan(store)
    expected = [(str(link), known(link).total_clicks) for link in LINKS]
    with closing(duckdb.connect()) as db:
        for query, rows in {
            "SELECT target, sum(clicks)::BIGINT FROM hours GROUP BY ALL ORDER BY ALL": expected,
            "SELECT hour FROM hours LIMIT 1": [(0,)],
        }.items():
            db.register("hours", figures)  # before each query, since DuckDB 1 reads what is registered once
            assert db.execute(query).fetchall() == rows
            db.unregister("hours")
    gc.collect()
    assert readers() == []
    assert not is_open(store)


def test_each_series_may_be_pulled_by_another_thread(store: Path) -> None:
    """The connection of SQLite stays in one thread, whichever thread pulls."""
    reading = iter(scan(store))
    found: list[HourlySeries] = []
    for _ in LINKS:
        with ThreadPoolExecutor(1) as pool:
            found.append(pool.submit(next, reading).result())
    assert found == [known(link) for link in LINKS]


@pytest.mark.usefixtures("own_garbage")
def test_a_reading_left_half_way_leaves_nothing_open(store: Path) -> None:
    """Neither a thread nor a file, whether an iterator, a reader or a loop is left."""
    figures = scan(store)
    for series in figures:
        assert series == known(LINKS[0])
        break
    reading = iter(figures)
    next(reading)
    batches = figures.reader()
    batches.read_next_batch()
    assert readers() != []
    del reading, batches
    gc.collect()
    assert readers() == []
    assert not is_open(store)


def test_a_with_block_closes_all_readings(store: Path) -> None:
    """After the block, open readings are errors and not ends, and new ones cannot begin."""
    with scan(store) as figures:
        first, second = iter(figures), iter(figures)
        assert next(first) == next(second) == known(LINKS[0])
        batches = figures.reader()
        batches.read_next_batch()
        assert is_open(store)
    assert readers() == []
    assert not is_open(store)
    for read in (lambda: next(first), batches.read_next_batch, lambda: list(figures)):
        with pytest.raises(UsageError, match="the scan is closed"):
            read()


def test_two_readings_do_not_disturb_each_other(store: Path) -> None:
    """Each has its own connection and its own place."""
    figures = scan(store)
    pairs = list(zip(figures, figures, strict=True))
    assert [first for first, _ in pairs] == [second for _, second in pairs] == list(figures)


@pytest.mark.usefixtures("own_garbage")
def test_one_series_is_alive_at_a_time(store: Path) -> None:
    """The memory does not grow with the number of targets, also by way of Arrow."""

    def alive() -> int:
        gc.collect()
        return sum(isinstance(each, HourlySeries) for each in gc.get_objects())

    assert alive() == 0
    counted = []
    for series in scan(store):
        assert series.total_clicks
        counted.append(alive())
    del series
    assert counted == [1] * len(LINKS)
    pytest.importorskip("pyarrow")
    batches = scan(store).reader()
    for _ in LINKS:
        assert batches.read_next_batch().num_rows
        assert alive() <= 1


def test_a_process_ends_in_the_middle_of_a_reading(store: Path) -> None:
    """Promptly and silently."""
    assert output_of(EXIT_HALF_WAY, store) == [str(LINKS[0])]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_reads_for_itself(store: Path) -> None:
    """It cannot go on with a reading of its parent, which it does not disturb."""
    child, parent = output_of(FORK_HALF_WAY, store)
    assert child.startswith(f"child {len(LINKS)} the scan began before this process was forked")
    assert parent == f"parent 0 {len(LINKS)}"


async def test_a_client_may_write_meanwhile(store: Path) -> None:
    """Each series is the one at the moment when it is read."""
    async with SqliteStore(store) as writer:
        [number] = (await writer.accounts()).values()
        reading = iter(scan(store))
        assert next(reading) == known(LINKS[0])
        day = answer(MARCH.end + dt.timedelta(days=3))
        for link in LINKS:
            await writer.put(number, link, day, requests=1)
        assert next(reading) == known(LINKS[1])  # its days were chosen before
        assert [series.range.end for series in scan(store)] == [day.date] * len(LINKS)
        assert [series.target for series in reading] == LINKS[2:]


async def test_a_running_loop_is_not_used(store: Path) -> None:
    """A coroutine can read a scan in a thread, and goes on meanwhile."""
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    ticking = asyncio.create_task(tick())
    found = await asyncio.to_thread(list, scan(store))
    ticking.cancel()
    assert len(found) == len(LINKS)
    assert ticks > 1


def test_the_function_keeps_its_name() -> None:
    """No module of the package takes the place of the public function."""
    importlib.import_module("hourlyclicks.scanning.scan")
    assert hourlyclicks.scan is scan
    assert callable(scan)


def test_a_scan_shows_what_it_reads(tmp_path: Path) -> None:
    """The store, the targets and the days."""
    path = tmp_path / "clicks.db"
    assert repr(scan(path)) == f"<Scan of {path}: all targets, the first day..the last day>"
    one = scan(path, dt.date(2025, 4, 1), "2025-04-30", targets=LINK)
    assert repr(one) == f"<Scan of {path}: 1 target, 2025-04-01..2025-04-30>"


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without pyarrow or polars, one sentence names the extra."""
    figures = scan(tmp_path / "clicks.db")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(UsageError, match=r"^this needs pyarrow: pip install 'hourlyclicks\[parquet\]'$"):
        figures.__arrow_c_stream__()
    with pytest.raises(UsageError, match=r"^this needs polars: pip install 'hourlyclicks\[polars\]'$"):
        figures.to_polars()
