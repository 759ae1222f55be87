"""Fetched days are kept, however the run ends."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING

import pytest

from hourlyclicks import (
    Account,
    AuthenticationError,
    Client,
    DailySeries,
    DateRange,
    Group,
    Lane,
    Limits,
    Plan,
    PlanError,
    RetryPolicy,
)
from hourlyclicks.cli.steps.collecting import collect, collect_each
from hourlyclicks.simulator import Rule, Script, Simulator, Status, run_virtual

if TYPE_CHECKING:
    from hourlyclicks.cli.steps.collecting import RunOutcome, TargetOutcome
    from hourlyclicks.model.series import HourlySeries
    from hourlyclicks.model.targets import Target
    from hourlyclicks.simulator import Faults, VirtualClock

APRIL = DateRange.of("2025-04-01", "2025-04-30")
BAD = dt.date(2025, 4, 10)
USUAL = RetryPolicy()
BAD_KEY = Script(Rule(Status(401), number=range(3, 99)))


def collected(
    faults: Faults | None = None, *, retry: RetryPolicy = USUAL, cancel_after: float | None = None
) -> TargetOutcome[HourlySeries]:
    """Fetch April from a simulator with a second of latency, on virtual time."""

    async def story(clock: VirtualClock) -> TargetOutcome[HourlySeries]:
        server = Simulator(limits=(), concurrency=0, faults=faults, latency=(0.5, 0.5), clock=clock)
        transport = server.transport(clock)
        async with Client(
            server.key, limits=Limits(concurrency=2), transport=transport, clock=clock, retry=retry
        ) as client:
            task = asyncio.create_task(collect(client, APRIL, Account(), lane=Lane.INTERACTIVE))
            if cancel_after is not None:
                await clock.sleep(cancel_after)
                task.cancel()
            return await task

    return run_virtual(story)


def test_all_days_are_kept() -> None:
    """When nothing fails, the series is complete."""
    outcome = collected()
    assert outcome.complete
    assert (outcome.fetched, outcome.failures, outcome.ended_by, outcome.interrupted) == (30, {}, None, False)


@pytest.mark.parametrize(
    ("faults", "cancel_after", "fetched", "interrupted"),
    [(None, None, 30, False), (None, 2.5, 14, True), (BAD_KEY, None, 14, False)],
)
def test_sums_are_kept(
    faults: Faults | None, cancel_after: float | None, fetched: int, *, interrupted: bool
) -> None:
    """The range of a month is refused, then 14 days are fetched at a time, until the end or an error."""

    async def story(clock: VirtualClock) -> RunOutcome:
        server = Simulator(limits=(), concurrency=0, faults=faults, latency=(0.5, 0.5), clock=clock)
        async with Client(
            server.key, limits=Limits(concurrency=2), transport=server.transport(clock), clock=clock
        ) as client:
            targets: tuple[Target, ...] = TARGETS if cancel_after else TARGETS[:1]
            ranges = dict.fromkeys(targets, APRIL)
            task = asyncio.create_task(collect_each(client, ranges, lane=Lane.INTERACTIVE, daily=True))
            if cancel_after is not None:
                await clock.sleep(cancel_after)
                task.cancel()
            return await task

    outcomes = run_virtual(story)
    assert (outcomes.fetched, outcomes.interrupted) == (fetched, interrupted)
    assert (outcomes.ended_by is not None) is (faults is not None)
    assert {type(series) for series in outcomes} == {DailySeries}


def test_a_day_that_fails_is_no_end() -> None:
    """The other days are fetched."""
    outcome = collected(Script(Rule(Status(501), day=BAD)))
    assert outcome.series.missing_days == (BAD,)
    assert list(outcome.failures) == [BAD]
    assert outcome.ended_by is None


def test_a_cancellation_keeps_what_is_finished() -> None:
    """After 5.5 seconds with two requests a second, ten days are kept."""
    outcome = collected(cancel_after=5.5)
    assert outcome.interrupted
    assert outcome.fetched == 10


def test_a_cancellation_keeps_what_was_answered_at_the_same_moment() -> None:
    """A day that was answered but not yet taken is kept as well."""
    outcome = collected(cancel_after=5.0)
    assert outcome.interrupted
    assert outcome.fetched == 10


def test_a_fatal_error_ends_it() -> None:
    """What was fetched before is kept, and the outcome has the error."""
    outcome = collected(Script(Rule(Status(401), number=range(7, 99))))
    assert isinstance(outcome.ended_by, AuthenticationError)
    assert 4 <= outcome.fetched <= 6
    assert outcome.failures == {}


def test_a_spent_budget_ends_it() -> None:
    """The remaining days are not requested; all that was fetched is kept."""
    outcome = collected(Script(Rule(Status(500), number=range(7, 999))), retry=RetryPolicy(budget=3.0))
    assert not outcome.complete
    assert 1 <= len(outcome.failures) <= 3
    assert 4 <= outcome.fetched <= 6


TARGETS = (Account(), Group(1), Group(2))


def collected_each(
    faults: Faults | None = None, *, retry: RetryPolicy = USUAL, cancel_after: float | None = None
) -> RunOutcome:
    """Fetch April of three targets, with two requests a second."""

    async def story(clock: VirtualClock) -> RunOutcome:
        server = Simulator(limits=(), concurrency=0, faults=faults, latency=(0.5, 0.5), clock=clock)
        transport = server.transport(clock)
        async with Client(
            server.key, limits=Limits(concurrency=2), transport=transport, clock=clock, retry=retry
        ) as client:
            task = asyncio.create_task(
                collect_each(client, dict.fromkeys(TARGETS, APRIL), lane=Lane.INTERACTIVE)
            )
            if cancel_after is not None:
                await clock.sleep(cancel_after)
                task.cancel()
            return await task

    return run_virtual(story)


def test_targets_are_fetched_one_after_the_other() -> None:
    """All targets are fetched, and the series can be iterated repeatedly."""
    outcomes = collected_each(Script(Rule(Status(501), day=BAD, target=Group(1))))
    assert (outcomes.total, outcomes.fetched, outcomes.complete, outcomes.left) == (90, 89, False, ())
    assert [series.target for series in outcomes] == list(TARGETS) == [series.target for series in outcomes]
    assert [(target, day) for target, day, _ in outcomes.failures()] == [(Group(1), BAD)]
    assert list(outcomes.lacking()) == [(Group(1), (BAD,))]


def test_a_cancellation_keeps_the_targets_before() -> None:
    """The target in progress is kept as far as it was, and the others are left."""
    outcomes = collected_each(cancel_after=20.5)
    assert outcomes.interrupted
    assert [part.fetched for part in outcomes.parts] == [30, 10]
    assert outcomes.left == (Group(2),)
    assert [len(series.missing_days) for series in outcomes] == [0, 20, 30]


def test_a_spent_budget_leaves_the_targets_behind_it() -> None:
    """When one target has spent its retry budget, the others are not requested."""
    outcomes = collected_each(Script(Rule(Status(500), number=range(37, 999))), retry=RetryPolicy(budget=3.0))
    assert len(outcomes.parts) == 2
    assert not outcomes.interrupted
    assert outcomes.left == (Group(2),)


async def test_what_cannot_begin_is_an_error() -> None:
    """What the plan forbids raises, as in the client."""
    async with Client("simulated-key", plan=Plan.PERSONAL) as client:
        with pytest.raises(PlanError):
            await collect(client, APRIL, Account(), lane=Lane.INTERACTIVE)
