"""Targets that are read while the run works on the first of them."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from hourlyclicks import Account, Client, Link, Plan, PlanError, UsageError
from hourlyclicks.errors import HourlyClicksError, ServerError
from hourlyclicks.events import DayDone, Event, Progress
from hourlyclicks.jobs.backfill import Backfill
from hourlyclicks.jobs.target_feed import AHEAD, TargetFeed
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.report import StopReason
from hourlyclicks.simulator import Catalogue, Rule, Script, Simulator, Status, run_virtual
from hourlyclicks.store import MemoryStore
from tests.client.stories import LINK, UNLIMITED, EmptyAnswers, free, simulate
from tests.sizes import sized

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hourlyclicks.model.targets import Target
    from hourlyclicks.simulator import VirtualClock

DAY = DateRange.of("2024-03-01", "2024-03-01")
WEEK = DateRange.of("2024-03-01", "2024-03-07")
MANY = sized(350, 20_000)
AT_WORK = 10
"""Requests that may be under way, and workers that wait for a slot."""


def link(number: int) -> Link:
    """Return a link."""
    return Link(f"L{number}", "https://vvd.bz")


@attrs.define
class Source:
    """Links without end, or until an error comes; counts how many were read.

    Args:
        number: how many there are.
        pause: the seconds between two of them.
        error: what comes then.
    """

    number: int
    pause: float = 0.0
    error: Exception | None = None
    read: int = 0
    closed: bool = False

    async def links(self) -> AsyncIterator[Link]:
        """Yield them."""
        try:
            for number in range(self.number):
                if self.pause:
                    await asyncio.sleep(self.pause)
                self.read += 1
                yield link(number)
            if self.error is not None:
                raise self.error
        finally:
            self.closed = True


def test_targets_are_read_a_bounded_number_ahead_of_the_requests() -> None:
    """However many there are: at most twice `AHEAD`, and the first request is sent after as few."""
    source, done = Source(MANY), list[int]()

    def watch(event: Event) -> None:
        if isinstance(event, DayDone):
            done.append(source.read - len(done))

    async def story(client: Client, _: VirtualClock) -> None:
        report = await client.backfill(DAY.start, DAY.end, source.links())
        assert (report.complete, report.listed, report.total, report.done) == (True, True, MANY, MANY)

    async def told(clock: VirtualClock) -> None:
        answers = EmptyAnswers(clock)
        async with Client(
            "key-of-a-test",
            transport=answers,
            clock=clock,
            limits=UNLIMITED,
            store=MemoryStore(clock=clock),
            on_event=watch,
        ) as client:
            await story(client, clock)
        assert answers.requests == MANY

    run_virtual(told)
    assert len(done) == MANY
    assert max(done) <= 2 * AHEAD + AT_WORK


@pytest.mark.parametrize("endpoint", ["v2", "auto"])
def test_no_day_waits_for_a_target_that_does_not_come(endpoint: Any) -> None:  # noqa: ANN401 - one of its endpoints
    """Every day of the targets so far is requested, also the last range of days."""
    upstream, source = free(plan="enterprise"), Source(2)

    async def slow() -> AsyncIterator[Link]:
        async for target in source.links():
            yield target
        await asyncio.Event().wait()

    async def story(client: Client, _: VirtualClock) -> None:
        report = await client.backfill("2024-01-01", "2024-03-31", slow(), deadline=3600)
        assert (report.done, report.total, report.listed) == (2 * 91, 2 * 91, False)
        assert report.stopped is StopReason.DEADLINE

    simulate(upstream, story, store=MemoryStore, endpoint=endpoint)
    assert upstream.counters.requests == (2 * 91 if endpoint == "v2" else 2 * 3 + 1)


def test_the_run_starts_while_targets_are_read() -> None:
    """The first answer is stored long before the last target is read; the total grows meanwhile."""
    source, events = Source(20, pause=60.0), list[Event]()

    async def story(client: Client, clock: VirtualClock) -> None:
        began = clock.monotonic()
        report = await client.backfill(WEEK.start, WEEK.end, source.links())
        assert (report.complete, report.total, report.requests) == (True, 140, 140)
        assert 20 * 60 <= (clock.monotonic() - began) / 1e9 <= 20 * 60 + 1

    simulate(free(), story, store=MemoryStore, on_event=events.append)
    progress = [event for event in events if isinstance(event, Progress)]
    totals = [event.total for event in progress]
    assert totals == sorted(totals)
    known = [event.listed for event in progress]
    assert known == sorted(known)
    assert (known[0], known[-1]) == (False, True)
    assert all(event.total == 140 for event in progress if event.listed)
    assert " of at least 7 days done, at least " in next(each.message for each in progress if each.total == 7)
    assert (totals[0], totals[-1]) == (0, 140)
    assert set(totals) == {7 * number for number in range(21)}
    assert all(event.done <= event.total for event in progress)


@pytest.mark.parametrize(
    "error", [ServerError("down", status=500, retryable=True), OSError("a file")], ids=str
)
def test_an_error_of_the_source_keeps_what_was_asked(error: Exception) -> None:
    """It is raised with a report of what was done before; the next run requests only the rest."""
    source, store, upstream = Source(3, pause=0.3, error=error), MemoryStore(), free()

    async def story(client: Client, _: VirtualClock) -> None:
        with pytest.raises(type(error)) as caught:
            await client.backfill(WEEK.start, WEEK.end, source.links())
        report = caught.value.report  # type: ignore[attr-defined]  # carried by any exception
        assert caught.value is error
        assert (report.stopped, report.listed, report.complete) == (StopReason.ERROR, False, False)
        assert report.done == report.requests == upstream.counters.requests > 7
        again = await client.backfill(WEEK.start, WEEK.end, map(link, range(3)))
        assert again.reused == report.done
        assert upstream.counters.requests == 21

    simulate(upstream, story, store=store)


def test_an_invalid_target_in_the_middle_ends_the_run() -> None:
    """It is an error of usage; so is a target that the plan does not include."""

    async def mixed(*items: object) -> AsyncIterator[Target]:
        for item in items:
            yield item  # type: ignore[misc]  # the purpose
            await asyncio.sleep(60)

    async def story(client: Client, _: VirtualClock) -> None:
        with pytest.raises(UsageError, match="a target is") as caught:
            await client.backfill(DAY.start, DAY.end, mixed(LINK, "account"))
        assert caught.value.report is not None
        assert caught.value.report.done == 1
        with pytest.raises(PlanError):
            await client.backfill(WEEK.start, WEEK.end, mixed(LINK, Account()))

    simulate(free(plan="personal"), story, store=MemoryStore, plan=Plan.PERSONAL, limits=None)


def test_a_sync_reads_its_targets_likewise() -> None:
    """Each begins with its first gap, also where the store has some of its days."""
    upstream = free(catalogue=Catalogue.invented(60, dt.date(2025, 1, 1), dt.date(2025, 5, 25)))

    async def links(client: Client) -> AsyncIterator[Target]:
        async for listed in client.links():
            yield listed.target

    async def story(client: Client, _: VirtualClock) -> None:
        report = await client.backfill("2025-05-26", "2025-05-28", links(client))
        assert report.done == 60 * 3
        report = await client.sync(links(client), new=6)
        assert (report.done, report.listed, report.complete) == (60 * 3, True, True)
        assert (await client.sync(links(client), new=6)).total == 0

    simulate(upstream, story, store=MemoryStore, timezone="UTC")


@pytest.mark.parametrize("how", ["max_requests", "cancel", "stop", "answers"])
def test_a_run_that_ends_early_closes_the_source(how: str) -> None:
    """Whether it waits for a target or has read ahead, nothing of it is left running."""
    source = Source(10_000, pause=0.0 if how == "max_requests" else 0.01)
    faults = Script(Rule(Status(401))) if how == "answers" else None
    upstream = Simulator(limits=(), concurrency=0, faults=faults)

    async def story(client: Client, clock: VirtualClock) -> None:
        stop = asyncio.Event()
        options: dict[str, Any] = {"max_requests": 5} if how == "max_requests" else {"stop": stop}
        run = asyncio.create_task(client.backfill(DAY.start, DAY.end, source.links(), **options))
        if how in {"cancel", "stop"}:
            await clock.sleep(1.5)
            run.cancel() if how == "cancel" else stop.set()
        report: Any
        try:
            report = await run
        except (asyncio.CancelledError, HourlyClicksError) as ending:
            report = ending.report  # type: ignore[union-attr]  # carried
        assert not report.listed
        assert source.closed
        assert not any("TargetFeed" in repr(task) for task in asyncio.all_tasks())

    simulate(upstream, story, store=MemoryStore)


async def test_a_feed_gives_each_target_once() -> None:
    """With the first day that counts, in their order; a target without days is left out."""

    async def items() -> AsyncIterator[object]:
        yield link(1), "2024-03-02"
        yield link(2)
        yield link(1)
        yield link(3), "2030-01-01"

    def days_of(_: Target, first: dt.date | None) -> DateRange | None:
        return WEEK if first is None else WEEK.clip(DateRange(first, dt.date.max))

    feed = TargetFeed(
        items(),  # type: ignore[arg-type]  # of any kind
        {link(2): "2024-03-03"},
        days_of=days_of,
        check=lambda _: None,
    )
    async with feed:
        taken: dict[Target, DateRange] = {}
        while more := await feed.take():
            assert not feed.exhausted or len(taken) + len(more) == 2
            taken |= more
        assert feed.exhausted
    assert [(target, days.start.day) for target, days in taken.items()] == [(link(1), 2), (link(2), 3)]
    assert feed.since[link(2)] == dt.date(2024, 3, 3)


@pytest.mark.parametrize("lazily", [True, False])
def test_processes_recognize_the_same_job(*, lazily: bool) -> None:
    """By the targets of a list, and by the first target of a source; another source is another job."""

    def name(*targets: Link) -> str:
        names = set[str]()

        async def source() -> AsyncIterator[Link]:
            for target in targets:
                yield target

        async def story(client: Client, _: VirtualClock) -> None:
            def watch(event: Event) -> None:
                if isinstance(event, DayDone):
                    (run,) = client._engine._services.running
                    assert isinstance(run, Backfill)
                    names.add(run._job.name)

            of = source() if lazily else targets
            await client.backfill(DAY.start, DAY.end, of, on_event=watch)

        simulate(free(), story, store=MemoryStore)
        (found,) = names
        return found

    one, two = link(1), link(2)
    assert len({name(one), name(two), name(two, one), ""}) == (3 if lazily else 4)
    assert name(one, two) == name(one, two)
    assert (name(one) == name(one, two)) is lazily
