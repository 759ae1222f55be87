"""The FastAPI service of the documentation, as a process with real browsers, and each of its answers."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import importlib
import os
import signal
import socket
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from hourlyclicks import (
    ApiError,
    AuthenticationError,
    Client,
    Limits,
    Link,
    PlanError,
    Rate,
    RateLimitedError,
    ServerError,
    StoreError,
    UsageError,
)
from hourlyclicks.simulator import Hang, Late, Rule, Script, Simulator
from tests.examples.project import EXAMPLES, needs, posix
from tests.forkserver.starting import forked_python
from tests.late import LateModule
from tests.sizes import sized

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from types import ModuleType

    from hourlyclicks import HourlyClicksError
    from hourlyclicks.events import Hook
    from hourlyclicks.simulator import Fault

httpx = LateModule("httpx")

pytestmark = posix

CHILD = Path(__file__).with_name("fastapi_child.py")
BROWSERS = sized(60, 200)
FIRST = dt.date(2024, 3, 1)
LINK = Link("kYdr", "https://vvd.bz")


@pytest.fixture(autouse=True)
def libraries() -> None:
    """Skip the tests if one is missing."""
    needs("fastapi", "httpx", "prometheus_client", "uvicorn")


@attrs.frozen
class Service:
    """The service as a process.

    Args:
        process: the process.
        browser: sends requests to it.
    """

    process: asyncio.subprocess.Process
    browser: Any

    async def clicks(self, start: dt.date, end: dt.date | None = None) -> Any:  # noqa: ANN401 - an answer
        """Ask for the clicks of some days."""
        days = {"start": str(start), "end": str(end or start)}
        return await self.browser.get("/clicks/kYdr", params=days)

    async def state(self) -> dict[str, Any]:
        """Return what its client is doing."""
        values: dict[str, Any] = (await self.browser.get("/healthz")).json()
        return values

    async def until(self, condition: Callable[[int], bool]) -> None:
        """Wait until a condition holds for the number of its requests that wait for a slot."""
        async with asyncio.timeout(60):
            while not condition((await self.state())["interactive"]["waiting"]):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def serving(
    upstream: Simulator, folder: Path, *, concurrency: int, links: str = ""
) -> AsyncIterator[Service]:
    """Run the service as a process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *forked_python("fastapi", "prometheus_client", "uvicorn"),
        str(CHILD),
        str(EXAMPLES),
        str(port),
        str(upstream.url),
        str(concurrency),
        cwd=folder,
        env={**os.environ, "CLICKS_LINKS": links},
        stderr=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
    )
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    browser = httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", timeout=60, limits=limits, trust_env=False
    )
    try:
        async with browser:
            async with asyncio.timeout(60):
                while not await is_up(browser):  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.05)
            yield Service(process, browser)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def is_up(browser: Any) -> bool:  # noqa: ANN401 - of a library that may be missing
    """Return whether the service answers."""
    try:
        return bool((await browser.get("/healthz")).status_code == 200)
    except httpx.TransportError:
        return False


def stored_days(folder: Path) -> int:
    """Return how many days are in the store."""
    with contextlib.closing(sqlite3.connect(folder / "clicks.db")) as db:
        (number,) = db.execute("SELECT count(*) FROM days WHERE state IN ('final', 'empty')").fetchone()
    return int(number)


def sent_for(upstream: Simulator, days: list[dt.date]) -> int:
    """Return how many requests were sent for some days."""
    return sum(upstream.counters.asked[LINK, day] for day in days)


async def test_browsers_that_leave(tmp_path: Path) -> None:
    """When half of the browsers leave, nothing more is sent for them; the others get their answers."""
    upstream = Simulator(limits=(), concurrency=0, faults=Script(Rule(Late(sized(1.0, 2.0)), day=FIRST)))
    async with upstream, serving(upstream, tmp_path, concurrency=1) as service:
        blocking = asyncio.create_task(service.clicks(FIRST))
        async with asyncio.timeout(60):
            while not upstream.counters.requests:  # noqa: ASYNC110 - the server has nothing to wait on
                await asyncio.sleep(0.01)
        days = [FIRST + dt.timedelta(number) for number in range(1, BROWSERS)]
        browsers = {day: asyncio.create_task(service.clicks(day)) for day in days}
        leaving, staying = days[::2], days[1::2]
        await service.until(lambda waiting: waiting == len(days) or blocking.done())
        for day in leaving:
            browsers[day].cancel()
        await asyncio.gather(*(browsers[day] for day in leaving), return_exceptions=True)
        await service.until(lambda waiting: waiting <= sum(not browsers[day].done() for day in staying))
        before = sent_for(upstream, leaving)
        answers = await asyncio.gather(blocking, *(browsers[day] for day in staying))
        assert {answer.status_code for answer in answers} == {200}
        assert sent_for(upstream, leaving) == before
        assert sent_for(upstream, [FIRST, *staying]) == 1 + len(staying)
        assert (await service.state())["interactive"] == {"waiting": 0, "unsent": 0}
        assert stored_days(tmp_path) == upstream.counters.requests


async def test_what_is_in_flight_when_the_browser_leaves(tmp_path: Path) -> None:
    """A browser asks for a month and leaves: what is in flight is completed and stored, no other is sent."""
    upstream = Simulator(limits=(), concurrency=0, faults=Script(Rule(Late(0.3))))
    async with upstream, serving(upstream, tmp_path, concurrency=2) as service:
        month = asyncio.create_task(service.clicks(FIRST, FIRST + dt.timedelta(29)))
        async with asyncio.timeout(60):
            while upstream.counters.requests < 4:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
        month.cancel()
        await service.until(lambda waiting: not waiting)
        async with asyncio.timeout(60):
            while (await service.state())["in_flight"]:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.02)
        sent = upstream.counters.requests
        await asyncio.sleep(0.7)  # two slots
        assert upstream.counters.requests == sent < 10
        assert stored_days(tmp_path) == sent


@pytest.mark.parametrize("then", [Late(0.2), Hang()], ids=["answers", "none"])
async def test_sigterm_with_a_run_in_flight(tmp_path: Path, then: Fault) -> None:
    """It waits for no slot and no timeout: what is in flight may be answered, a browser that waits is told.

    It ends with exit code 0, and everything answered is stored.
    """
    upstream = Simulator(limits=(), concurrency=0, faults=Script(Rule(Late(0.2))))
    async with upstream, serving(upstream, tmp_path, concurrency=2, links="kYdr,talk") as service:
        async with asyncio.timeout(60):
            while upstream.counters.requests < 6:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
        upstream.faults = Script(Rule(then))
        waiting = asyncio.create_task(service.clicks(FIRST, FIRST + dt.timedelta(89)))
        async with asyncio.timeout(60):
            while not (await service.state())["interactive"]["unsent"]:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.01)
        before = upstream.counters.requests
        service.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):  # a request that is not answered takes longer, 90 days as well
            assert await service.process.wait() == 0
        answer = await waiting
        assert (answer.status_code, answer.json()) == (503, {"error": "the client is closed"})
        assert upstream.counters.requests <= before + 2
        assert stored_days(tmp_path) == upstream.counters.count(status=200)


# -- its answers --------------------------------------------------------------------------------------------


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the module of the example."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return importlib.import_module("fastapi_app")


@contextlib.asynccontextmanager
async def inside(
    app: ModuleType, upstream: Simulator, folder: Path, *, an_hour: int = 5
) -> AsyncIterator[Any]:
    """Run the service in this process, without a socket of its own."""

    def new_client(metrics: Hook) -> Client:
        limits = Limits((Rate(an_hour, 3600.0),), concurrency=2)
        store = folder / "clicks.db"
        return Client(upstream.key, base_url=upstream.url, limits=limits, store=store, on_event=metrics)

    app.new_client = new_client  # type: ignore[attr-defined]  # replaced, as its docstring says
    transport = httpx.ASGITransport(app.app)
    async with (
        app.lifespan(app.app),
        httpx.AsyncClient(transport=transport, base_url="http://here") as browser,
    ):
        yield browser


async def test_what_the_pages_answer(app: ModuleType, tmp_path: Path) -> None:
    """Clicks, errors with their statuses, the state and the metrics."""
    upstream = Simulator(limits=(), concurrency=0)
    async with upstream, inside(app, upstream, tmp_path) as browser:
        days = {"start": "2024-03-01", "end": "2024-03-02"}
        answer = await browser.get("/clicks/kYdr", params=days)
        truth = upstream.truth(LINK, FIRST, dt.date(2024, 3, 2))
        assert answer.status_code == 200
        assert answer.json()["days"] == {str(day.date): day.total_clicks for day in truth.days()}

        assert (await browser.get("/clicks/kYdr", params={"start": "x", "end": "y"})).status_code == 422
        back = {"start": "2024-03-02", "end": "2024-03-01"}
        assert (await browser.get("/clicks/kYdr", params=back)).status_code == 422

        late = {"start": "2024-04-01", "end": "2024-04-30"}
        answer = await browser.get("/clicks/kYdr", params=late)
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 3600

        answer = await browser.get("/healthz")
        assert answer.status_code == 200
        assert answer.json()["windows"] == [{"requests": 5, "seconds": 3600.0, "free": 3}]

        text = (await browser.get("/metrics")).text
        assert 'hourlyclicks_requests_total{endpoint="clicks-by-hour/v2",status="200"} 2.0' in text
        assert 'hourlyclicks_days_total{result="final"} 2.0' in text
        assert 'hourlyclicks_window_free{window="3600s"} 3.0' in text
        assert 'hourlyclicks_waited_seconds_count{lane="interactive"} 2.0' in text
        assert "kYdr" not in text


async def test_a_link_that_the_api_does_not_know(app: ModuleType, tmp_path: Path) -> None:
    """It is told as such, whether `fetch` raises the error of the link or one for its days."""
    upstream = Simulator(limits=(), concurrency=0, known=())
    async with upstream, inside(app, upstream, tmp_path, an_hour=100) as browser:
        for last in (1, 2, 9):
            days = {"start": "2024-05-01", "end": f"2024-05-{last:02}"}
            answer = await browser.get("/clicks/kYdr", params=days)
            assert (answer.status_code, "no such link" in answer.text) == (404, True)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UsageError("bad day"), 422),
        (UsageError("the client is closed", fatal=True), 503),
        (ApiError("no such link", code=7, status=200), 404),
        (ApiError("no", code=None, status=404), 502),
        (PlanError("no"), 501),
        (RateLimitedError("later", retry_after=3.2), 503),
        (AuthenticationError("no", status=401), 502),
        (ServerError("no", status=500, retryable=True), 502),
        (StoreError("full"), 502),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
async def test_the_statuses_of_errors(app: ModuleType, error: HourlyClicksError, status: int) -> None:
    """Each error is told by its status, and a rate limit by when to try again."""
    answer = await app.failed(None, error)
    assert answer.status_code == status
    assert answer.headers.get("Retry-After") == ("4" if isinstance(error, RateLimitedError) else None)


async def test_the_store_is_kept_up_to_date_after_errors(
    app: ModuleType, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A run that ends early is logged, and the next one follows."""
    ends = [StoreError("the disk is full"), RateLimitedError("later"), asyncio.CancelledError()]

    class Failing:
        async def sync(self, _links: list[Link]) -> None:
            raise ends.pop(0)

    monkeypatch.setattr(app, "PAUSE", 0.0)
    with pytest.raises(asyncio.CancelledError):
        await app.keep_up_to_date(Failing(), [LINK])
    assert [record.getMessage().rpartition(": ")[2] for record in caplog.records] == [
        "the disk is full",
        "later",
    ]


def test_a_client_that_is_made_as_it_stands(app: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client of the example takes its key and its store from the environment."""
    monkeypatch.setenv("HOURLYCLICKS_API_KEY", "0123456789abcdef")
    monkeypatch.setenv("CLICKS_STORE", "elsewhere.db")
    client = importlib.reload(app).new_client(print)
    assert client.state().store.location == "elsewhere.db"
