"""Jobs of accounts in a queue of procrastinate, here in memory; `engines` has it with a database."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks import Limits, Link, PlanError, UsageError
from hourlyclicks.clock import SystemClock
from hourlyclicks.errors import AuthenticationError, HourlyClicksError
from hourlyclicks.fleet import AccountJob, KeyRef
from hourlyclicks.fleet.job_values import as_values
from hourlyclicks.model.report import BackfillReport, StopReason
from tests.cli.serving import serving
from tests.late import LateModule

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hourlyclicks.fleet.procrastinate import FleetTasks
    from hourlyclicks.simulator import Simulator

procrastinate, testing = LateModule("procrastinate"), LateModule("procrastinate.testing")
ours = LateModule("hourlyclicks.fleet.procrastinate")

NAMES = ("acme", "umbrella", "initech")
DAYS = 3


def key_of(name: str) -> str:
    """Return a key, as a vault would."""
    return f"key-of-{name}"


def job_of(name: str, days: int = DAYS) -> AccountJob:
    """Return the job of an account."""
    key, first = KeyRef.call("tests.fleet.test_procrastinate:key_of", name), dt.date(2025, 1, 1)
    last = first + dt.timedelta(days - 1)
    return AccountJob(name, key=key, targets=[Link("kYdr", "https://vvd.bz")], start=first, end=last)


class Service:
    """An app with the tasks, and its queue.

    Args:
        upstream: the server.
    """

    def __init__(self, upstream: Simulator) -> None:
        self.upstream = upstream
        self.queue = testing.InMemoryConnector()
        self.app = procrastinate.App(connector=self.queue)
        options: dict[str, Any] = {"base_url": upstream.url, "limits": Limits(concurrency=1)}
        self.tasks: FleetTasks = ours.tasks(self.app, **options)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The jobs of accounts in the queue."""
        return [row for row in self.queue.jobs.values() if row["task_name"] == "hourlyclicks.backfill"]

    @property
    def states(self) -> dict[str, tuple[str, int]]:
        """The status of the job of each account, and how often it was run."""
        return {row["args"]["job"]["name"]: (row["status"], row["attempts"]) for row in self.rows}

    async def work(self) -> None:
        """Run a worker until nothing is to do."""
        async with self.app.open_async():
            await self.app.run_worker_async(wait=False, concurrency=5, listen_notify=False)


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Run a server that knows the keys of two accounts."""
    monkeypatch.setenv("HOURLYCLICKS_STORE", str(tmp_path / "clicks.db"))
    keys = {key_of(name): "enterprise" for name in NAMES[:2]}
    with serving(keys=keys, latency=(0.005, 0.005)) as upstream:
        yield Service(upstream)


async def test_a_worker_does_the_jobs(service: Service) -> None:
    """What is done has succeeded, and a rejected key fails at once, without another attempt."""
    assert await service.tasks.defer_async(map(job_of, NAMES)) == len(NAMES)
    await service.work()
    assert service.states == {
        "acme": ("succeeded", 1),
        "umbrella": ("succeeded", 1),
        "initech": ("failed", 1),
    }
    assert service.upstream.counters.count(status=200) == 2 * DAYS


async def test_a_job_that_failed_is_repeated_later(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here the store cannot be used; nothing is sent meanwhile."""
    monkeypatch.setenv("HOURLYCLICKS_STORE", "/dev/null/clicks.db")
    await service.tasks.defer_async([job_of("acme")])
    before = SystemClock().wall()
    await service.work()
    assert service.states == {"acme": ("todo", 1)}
    (row,) = service.rows
    assert before + dt.timedelta(seconds=29) < row["scheduled_at"] < before + dt.timedelta(seconds=90)
    assert service.upstream.counters.requests == 0


async def test_an_account_is_in_the_queue_once(service: Service) -> None:
    """A second job of it would only wait for the first."""
    assert await service.tasks.defer_async([job_of("acme"), job_of("umbrella")]) == 2
    assert await service.tasks.defer_async([job_of("acme")]) == 0
    rows = service.rows
    assert [row["lock"] for row in rows] == ["hourlyclicks.acme", "hourlyclicks.umbrella"]
    assert [row["queueing_lock"] for row in rows] == [row["lock"] for row in rows]
    assert [row["args"] for row in rows] == [{"job": as_values(job_of(name))} for name in NAMES[:2]]
    await service.work()
    assert await service.tasks.defer_async([job_of("acme")]) == 1


def test_synchronous_code_defers_as_well(service: Service) -> None:
    """As a view of a web framework does, with the options of procrastinate."""
    at = dt.datetime(2030, 1, 1, 3, tzinfo=dt.UTC)
    with service.app.open():
        assert service.tasks.defer([job_of("acme")], schedule_at=at, priority=7, queue="nightly") == 1
        assert service.tasks.defer([job_of("acme")]) == 0
    (row,) = service.rows
    assert (row["scheduled_at"], row["priority"], row["queue_name"]) == (at, 7, "nightly")


async def test_the_jobs_of_a_worker_that_is_gone_are_repeated(service: Service) -> None:
    """Its heartbeats have ended, and the other jobs stay as they are."""
    await service.tasks.defer_async(map(job_of, NAMES[:2]))
    for number, row in service.queue.jobs.items():
        row["status"], row["worker_id"] = "doing", number
    now = SystemClock().wall()
    service.queue.workers = {1: now - dt.timedelta(seconds=31), 2: now}
    task = service.app.tasks["hourlyclicks.repeat_stalled"]
    await task.defer_async(timestamp=0)
    await service.work()
    assert service.states == {"acme": ("succeeded", 2), "umbrella": ("doing", 0)}


async def test_a_worker_that_shuts_down_gives_its_jobs_back(service: Service) -> None:
    """It keeps the answers to requests in flight, so the next one continues at once, and repeats no day."""
    await service.tasks.defer_async([job_of("acme", days=40)])
    async with service.app.open_async():
        options: dict[str, Any] = {"listen_notify": False, "install_signal_handlers": False}
        worker = asyncio.create_task(service.app.run_worker_async(shutdown_graceful_timeout=0, **options))
        async with asyncio.timeout(20):
            while service.upstream.counters.requests < 5:  # noqa: ASYNC110 - of another thread
                await asyncio.sleep(0.01)
        worker.cancel()
        await asyncio.wait([worker])
    assert service.states == {"acme": ("todo", 1)}
    await service.work()
    assert service.states == {"acme": ("succeeded", 2)}
    assert service.upstream.counters.requests == 40


def _decide(error: BaseException, attempts: int = 0) -> dt.datetime | None:
    from hourlyclicks.fleet.procrastinate import _Repetition  # noqa: PLC0415 - as `ours`

    job = procrastinate.jobs.Job(
        id=1, lock=None, queueing_lock=None, task_name="t", queue="q", attempts=attempts
    )
    decision = _Repetition(5).get_retry_decision(exception=error, job=job)
    return None if decision is None else decision.retry_at


@pytest.mark.parametrize(
    "error", [AuthenticationError("no", status=401), PlanError("no"), UsageError("no")], ids=repr
)
def test_what_no_repetition_cures_is_not_repeated(error: HourlyClicksError) -> None:
    """A key, a plan or an argument has to change first."""
    assert _decide(error) is None


def test_repetitions_become_rarer_and_end() -> None:
    """The waits double up to an hour."""
    now = SystemClock().wall()
    waits = [_decide(HourlyClicksError("no"), attempts) for attempts in range(5)]
    assert waits[-1] is None
    seconds = [round((wait - now).total_seconds(), -1) for wait in waits if wait is not None]
    assert seconds == [30, 60, 120, 240]


def test_a_repetition_waits_for_something_to_request() -> None:
    """A parked target may be asked again in a day."""
    error = HourlyClicksError("parked")
    opens = SystemClock().wall() + dt.timedelta(days=1)
    counts: dict[str, Any] = dict.fromkeys(
        ["total", "done", "reused", "failed", "refused", "remaining", "revised", "provisional"], 0
    )
    error.report = BackfillReport(
        **counts, requests=0, retries=0, seconds=0.0, stopped=StopReason.COMPLETE, resume_at=opens
    )
    assert _decide(error) == opens


def test_the_job_of_a_worker_that_shuts_down_is_repeated_at_once() -> None:
    """However often it was run."""
    when = _decide(asyncio.CancelledError(), 99)
    assert when is not None
    assert when <= SystemClock().wall()


def test_wrong_arguments_are_found_when_the_tasks_are_registered() -> None:
    """An address in clear would be shown in logs."""
    app = procrastinate.App(connector=testing.InMemoryConnector())
    mistakes: list[tuple[dict[str, Any], str]] = [
        ({"store": "postgresql://me:secret@db/clicks"}, "store must be of type KeyRef"),
        ({"attempts": 0}, "attempts must be"),
        ({"rate": "fast"}, "requests/seconds"),
        ({"session": None}, "a task cannot carry the option 'session'"),
    ]
    for wrong, match in mistakes:
        with pytest.raises(UsageError, match=match):
            ours.tasks(app, **wrong)
    assert not [name for name in app.tasks if name.startswith("hourlyclicks")]
