"""The arguments, the targets and the report of a backfill."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks import Account, Group, Limits, Link, Plan, PlanError, UsageError
from hourlyclicks.errors import StoreError
from hourlyclicks.events import Progress
from hourlyclicks.model.report import StopReason
from hourlyclicks.simulator import Rule, Script, Simulator, Status
from tests.client.stories import END, LINK, START, free, simulate
from tests.truths import differences

if TYPE_CHECKING:
    from pathlib import Path

    from hourlyclicks import Client
    from hourlyclicks.events import Event
    from hourlyclicks.model.report import BackfillReport
    from hourlyclicks.simulator import VirtualClock

TARGETS = (LINK, Group(3), Account())


def backfill(upstream: Simulator, path: Path | None, *targets: Any, **more: Any) -> BackfillReport:  # noqa: ANN401 - arguments
    """Backfill a month."""
    options = {name: more.pop(name) for name in ("limits", "plan", "on_event", "timezone") if name in more}

    async def story(client: Client, _: VirtualClock) -> BackfillReport:
        return await client.backfill(START, END, targets or TARGETS, **more)

    report: BackfillReport = simulate(upstream, story, store=path, **options)
    return report


def test_a_month_of_three_targets(path: Path) -> None:
    """Each day of each is fetched once, is in the store, and is what the server says."""
    upstream = free()
    report = backfill(upstream, path)
    assert (report.total, report.done, report.requests, report.retries) == (93, 93, 93, 0)
    assert (report.complete, report.stopped, report.resume_at) == (True, StopReason.COMPLETE, None)
    assert set(upstream.counters.asked.values()) == {1}

    async def look(client: Client, _: VirtualClock) -> None:
        for target in TARGETS:
            assert differences(await client.fetch(START, END, target), upstream) == []

    simulate(upstream, look, store=path)
    assert upstream.counters.requests == 93


def test_a_target_counts_once(path: Path) -> None:
    """A target that is named several times is fetched once."""
    assert backfill(free(), path, LINK, LINK, Link("kYdr", "https://VVD.bz/")).total == 31


def test_nothing_to_do(path: Path) -> None:
    """Without targets the report is empty."""

    async def story(client: Client, _: VirtualClock) -> None:
        report = await client.backfill(START, END, [])
        assert (report.total, report.requests, report.complete, report.resume_at) == (0, 0, True, None)

    simulate(free(), story, store=path)


def test_without_a_store(path: Path) -> None:
    """It is a usage error, and nothing is sent."""
    upstream = free()
    with pytest.raises(UsageError, match="needs a store"):
        backfill(upstream, None)
    assert upstream.counters.requests == 0
    assert not path.exists()


@pytest.mark.parametrize(
    "more",
    [
        {"deadline": -1},
        {"deadline": "soon"},
        {"deadline": True},
        {"deadline": float("nan")},
        {"deadline": float("inf")},
        {"deadline": 1e300},
        {"deadline": dt.datetime(2025, 6, 1)},  # noqa: DTZ001 - the point of the test
        {"deadline": dt.date(2025, 6, 1)},
        {"max_requests": -1},
        {"max_requests": 1.5},
        {"max_requests": True},
        {"max_requests": "9"},
        {"order": "random"},
        {"order": None},
    ],
    ids=str,
)
def test_wrong_arguments(path: Path, more: dict[str, Any]) -> None:
    """They are usage errors before anything is sent or stored."""
    upstream = free()
    with pytest.raises(UsageError):
        backfill(upstream, path, **more)
    assert upstream.counters.requests == 0
    assert not path.exists()


@pytest.mark.parametrize(
    "targets", [LINK, "account", None, 5, ["account"], [None], {"a": 1}, "https://vvd.bz/x"]
)
def test_wrong_targets(path: Path, targets: Any) -> None:  # noqa: ANN401 - anything
    """Anything but targets is an error at once."""

    async def story(client: Client, _: VirtualClock) -> None:
        with pytest.raises(UsageError):
            await client.backfill(START, END, targets)

    simulate(free(), story, store=path)


@pytest.mark.parametrize(("start", "end"), [(END, START), (START, "2025-06-03"), (START, "tomorrow")])
def test_wrong_ranges(path: Path, start: str, end: str) -> None:
    """A range that ends before it begins is an error, and so is one in the future."""

    async def story(client: Client, _: VirtualClock) -> None:
        with pytest.raises(UsageError):
            await client.backfill(start, end, TARGETS)

    simulate(free(), story, store=path)


def test_what_the_plan_forbids(path: Path) -> None:
    """If the plan excludes one target, nothing is sent for any."""
    upstream = Simulator(plan="personal")
    with pytest.raises(PlanError):
        backfill(upstream, path, LINK, Account(), plan=Plan.PERSONAL, limits=None)
    assert upstream.counters.requests == 0


def test_the_largest_timedelta_is_a_deadline(path: Path) -> None:
    """It counts as no deadline."""
    for deadline in (dt.timedelta.max, dt.datetime.max.replace(tzinfo=dt.UTC)):
        assert backfill(free(), path, LINK, deadline=deadline).complete


def test_progress(path: Path) -> None:
    """It counts over all targets, never more than the total, and ends with nothing left."""
    events: list[Event] = []
    upstream = free(faults=Script(Rule(Status(404, body=b'{"code": 9}'), day=dt.date(2024, 3, 5))))
    backfill(upstream, path, on_event=events.append)
    progress = [event for event in events if isinstance(event, Progress)]
    finished = [event.done + event.failed for event in progress]
    assert finished == sorted(finished)
    assert (progress[0].done, finished[-1]) == (0, 93)
    assert {event.total for event in progress} == {93}
    assert all(0 <= event.eta < 1000 for event in progress)
    assert (progress[-1].eta, progress[-1].failed) == (0.0, 3)


def test_the_first_eta_is_right(path: Path) -> None:
    """The ETA of the first event is the time that the run takes."""
    events: list[Event] = []
    limits = Limits(rates=Plan.BUSINESS.limits.rates, concurrency=2)
    report = backfill(free(), path, limits=limits, on_event=events.append)
    first = next(event for event in events if isinstance(event, Progress))
    assert first.eta == pytest.approx(report.seconds, rel=0.02)


def test_a_client_that_is_closed(path: Path) -> None:
    """It is a usage error."""

    async def story(client: Client, _: VirtualClock) -> None:
        await client.close()
        with pytest.raises(UsageError, match="closed"):
            await client.backfill(START, END, TARGETS)

    simulate(free(), story, store=path)


def test_a_store_that_cannot_be_opened(path: Path) -> None:
    """It is a `StoreError` with a report without any day done, for every caller."""
    path.mkdir()

    async def story(client: Client, _: VirtualClock) -> None:
        calls = [client.backfill(START, END, [LINK]) for _ in range(2)]
        for error in await asyncio.gather(*calls, return_exceptions=True):
            assert isinstance(error, StoreError)
            assert error.report is not None
            assert (error.report.done, error.report.remaining) == (0, 31)

    simulate(free(), story, store=path)
