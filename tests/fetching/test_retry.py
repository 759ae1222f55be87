"""Retries: how often, after how long, and when to stop, on a virtual clock."""

from __future__ import annotations

import asyncio
import math
import random
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.clock import SECOND, SystemClock
from hourlyclicks.errors import ApiError, DecodeError, HourlyClicksError, TransportError, UsageError
from hourlyclicks.fetching.retry import Retrier, RetryBudget, RetryPolicy, backoff
from hourlyclicks.simulator.clock import run_virtual
from tests.fetching.asking import Dice

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hourlyclicks.clock import Clock
    from hourlyclicks.errors import TransportKind
    from hourlyclicks.simulator.clock import VirtualClock

T = TypeVar("T")

ENDLESS = RetryPolicy(attempts=50, budget=math.inf)


def broken(kind: TransportKind = "disconnected") -> TransportError:
    """Return a failure that may be repeated, unless it is one of TLS."""
    return TransportError(kind, kind=kind)


async def repeat(
    clock: Clock,
    retrier: Retrier,
    attempt: Callable[[], Awaitable[T]],
    first: HourlyClicksError,
    *,
    started: int = 0,
    on_wait: Callable[[int, float, HourlyClicksError], None] = lambda *_: None,
) -> T:
    """Repeat an attempt whose first time has failed, as long as the attempts allow it."""
    attempts, error = retrier.begin(started), first
    while True:
        number = attempts.number
        wait = attempts.failed(error)
        on_wait(number, wait, error)
        await clock.sleep(wait)
        try:
            return await attempt()
        except HourlyClicksError as failure:
            error = failure


class Trial:
    """Repeat an attempt that fails in a given way, and note the times.

    Attributes:
        waits: the number of each failed attempt and the seconds until the next, as reported.
        times: the seconds at which attempts were made, the first one included.
    """

    def __init__(self, clock: VirtualClock, policy: RetryPolicy, *, u: float = 0.5) -> None:
        self.retrier = Retrier(policy, clock=clock, random=Dice(u))
        self.clock = clock
        self.waits: list[tuple[int, float]] = []
        self.times: list[float] = []
        self.failures: list[BaseException] = []

    async def run(self, *failures: BaseException, lasting: float = 0.0) -> str:
        """Fail in these ways, one after the other, and then succeed; each attempt takes `lasting` seconds."""
        self.failures = list(failures)
        started = self.clock.monotonic()
        try:
            return await self._attempt(lasting)
        except HourlyClicksError as error:
            first = error
        if not self.retrier.may_repeat(first):
            raise first
        return await repeat(
            self.clock,
            self.retrier,
            lambda: self._attempt(lasting),
            first,
            started=started,
            on_wait=self._record,
        )

    async def _attempt(self, lasting: float) -> str:
        self.times.append(self.clock.monotonic() / SECOND)
        await asyncio.sleep(lasting)
        if self.failures:
            raise self.failures.pop(0)
        return "done"

    def _record(self, attempt: int, wait: float, error: HourlyClicksError) -> None:
        assert error.retryable
        self.waits.append((attempt, wait))


def on_trial(
    story: Callable[[Trial], Awaitable[Any]], policy: RetryPolicy = RetryPolicy(), *, u: float = 0.5
) -> Trial:
    """Run a scenario on the virtual clock and return what was recorded."""

    async def main(clock: VirtualClock) -> Trial:
        trial = Trial(clock, policy, u=u)
        await story(trial)
        return trial

    return run_virtual(main)


async def gives_up(trial: Trial, *failures: BaseException, lasting: float = 0.0) -> BaseException:
    """Run a trial that fails in the end, and return its error."""
    with pytest.raises(HourlyClicksError) as caught:
        await trial.run(*failures, lasting=lasting)
    return caught.value


# -- how long -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attempt", "seconds"), [(1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (5, 15.0), (6, 15.0), (99_999, 15.0)]
)
def test_backoff_doubles_up_to_its_cap(attempt: int, seconds: float) -> None:
    """The longest wait doubles with each attempt, up to the cap; u = 0.5 gives half of it."""
    assert backoff(attempt, RetryPolicy(), u=0.5) == seconds


@given(st.integers(1, 10**6), st.floats(0, 1, exclude_max=True), st.floats(0, 100), st.floats(0, 1000))
def test_backoff_stays_within_its_bounds(attempt: int, u: float, base: float, cap: float) -> None:
    """No wait is negative or longer than the cap, and the first is not longer than the base."""
    policy = RetryPolicy(base=base, cap=cap)
    assert 0 <= backoff(attempt, policy, u=u) <= cap
    assert backoff(1, policy, u=u) <= base


@pytest.mark.parametrize("u", [0.0, 0.25, 0.999])
def test_waits_are_full_jitter(u: float) -> None:
    """The wait between attempts is a random part of the doubled bound, down to zero."""
    trial = on_trial(lambda trial: trial.run(*[broken()] * 3), u=u)
    assert trial.waits == [(1, u * 2), (2, u * 4), (3, u * 8)]
    assert trial.times == pytest.approx([0, u * 2, u * 6, u * 14])


# -- how often ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attempts", [1, 2, 4, 7])
def test_attempts_are_counted_from_the_first(attempts: int) -> None:
    """That many attempts are made, the first one included, and the last error is raised."""
    failures = [TransportError(str(number), kind="disconnected") for number in range(attempts + 1)]

    async def story(trial: Trial) -> None:
        assert await gives_up(trial, *failures) is failures[attempts - 1]

    assert len(on_trial(story, RetryPolicy(attempts=attempts)).times) == attempts


def test_a_success_ends_it() -> None:
    """The first success is returned, and nothing more is tried."""

    async def story(trial: Trial) -> None:
        assert await trial.run(broken(), broken()) == "done"

    assert len(on_trial(story).times) == 3


FINAL = [
    ApiError("no", code=7, status=200),
    DecodeError(("too large",), retryable=False),
    broken("tls"),
    UsageError("closed"),
]


@pytest.mark.parametrize("error", FINAL, ids=repr)
@pytest.mark.parametrize("before", [0, 1])
def test_what_is_final_is_not_repeated(error: HourlyClicksError, before: int) -> None:
    """An error that is not retryable ends it, as the first one or as a later one."""

    async def story(trial: Trial) -> None:
        assert await gives_up(trial, *[broken()] * before, error) is error

    assert len(on_trial(story).times) == before + 1


@pytest.mark.parametrize(("before", "tried"), [(0, 2), (1, 2), (2, 3)])
def test_names_are_looked_up_twice_at_most(before: int, tried: int) -> None:
    """A host that cannot be resolved is retried once, however many attempts are left."""

    async def story(trial: Trial) -> None:
        error = await gives_up(trial, *[broken()] * before, *[broken("dns")] * 9)
        assert isinstance(error, TransportError)
        assert error.kind == "dns"

    assert len(on_trial(story, ENDLESS).times) == tried


# -- until when -----------------------------------------------------------------------------------------


def test_a_deadline_is_looked_at_before_sleeping() -> None:
    """A wait that would end after the deadline is not begun; one that ends on it is."""

    async def story(trial: Trial) -> None:
        await gives_up(trial, *[broken()] * 9)
        assert trial.clock.monotonic() == 3 * SECOND

    trial = on_trial(story, RetryPolicy(attempts=50, deadline=3.0, budget=math.inf))
    assert trial.times == [0, 1, 3]
    assert trial.waits == [(1, 1.0), (2, 2.0)]


def test_a_deadline_counts_what_the_attempts_take() -> None:
    """The time of the attempts themselves counts, on our clock."""

    async def story(trial: Trial) -> None:
        await gives_up(trial, *[broken()] * 9, lasting=10.0)

    assert on_trial(story, RetryPolicy(attempts=50, deadline=20.0)).times == [0, 11]


# -- how much altogether --------------------------------------------------------------------------------


def test_a_budget_is_spent_by_retries() -> None:
    """After ten retries without a success, of any days, there are no more."""

    async def story(trial: Trial) -> None:
        await gives_up(trial, *[broken()] * 99)
        assert len(trial.times) == 11
        await gives_up(trial, *[broken()] * 99)
        assert len(trial.times) == 12

    on_trial(story, RetryPolicy(attempts=50))


def test_ten_successes_earn_a_retry() -> None:
    """Exactly ten successes bring back one retry, up to the original number."""
    budget = RetryBudget(2)
    budget.earn()
    for _ in range(2):
        assert not budget.spent
        budget.take()
    for _ in range(10):
        assert budget.spent
        budget.earn()
    assert not budget.spent


@pytest.mark.parametrize(("size", "spent"), [(0, True), (0.5, True), (1, False), (math.inf, False)])
def test_a_budget_may_be_none_or_endless(size: float, *, spent: bool) -> None:
    """A budget of less than one retry allows none; an infinite one is never spent."""
    budget = RetryBudget(size)
    assert budget.spent is spent
    for _ in range(1000):
        budget.take()
    assert budget.spent is (size < math.inf)


# -- other people's business ----------------------------------------------------------------------------


@pytest.mark.parametrize("bug", [ZeroDivisionError(), KeyError("x")], ids=repr)
def test_a_bug_is_not_repeated(bug: Exception) -> None:
    """An exception that is not of this package is raised at once."""

    async def story(trial: Trial) -> None:
        with pytest.raises(type(bug)) as caught:
            await trial.run(broken(), bug)
        assert caught.value is bug
        assert len(trial.times) == 2

    on_trial(story)


@pytest.mark.parametrize("when", [0.5, 1.5], ids=["in the backoff", "in the attempt"])
def test_cancellation_is_never_swallowed(when: float) -> None:
    """Cancelled in a backoff or in an attempt, it ends at once without a retry."""

    async def story(trial: Trial) -> None:
        task = asyncio.create_task(trial.run(*[broken()] * 9, lasting=1.0))
        await asyncio.sleep(1.0 + when)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert trial.clock.monotonic() == (1 + when) * SECOND
        assert len(trial.times) == (1 if when < 1 else 2)

    on_trial(story)


def test_a_timeout_of_the_caller_stays_theirs() -> None:
    """A timeout of the caller during a backoff raises their TimeoutError."""

    async def story(trial: Trial) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.5):
                await trial.run(*[broken()] * 9)

    assert on_trial(story).times == [0, 1]


async def test_the_waits_are_those_of_the_clock() -> None:
    """It sleeps on the given clock, whatever the time of the event loop."""
    slept: list[float] = []

    class Sleepless(SystemClock):
        async def sleep(self, seconds: float) -> None:
            slept.append(seconds)

    failures = [broken()] * 2

    async def attempt() -> str:
        if failures:
            raise failures.pop()
        return "done"

    clock = Sleepless()
    retrier = Retrier(RetryPolicy(), clock=clock, random=Dice(0.5))
    assert await repeat(clock, retrier, attempt, broken()) == "done"
    assert slept == [1.0, 2.0, 4.0]


def test_many_at_a_time_do_not_mix() -> None:
    """Concurrent tasks have their own counts, waits and outcomes."""

    async def one(clock: VirtualClock, retrier: Retrier, number: int) -> int:
        failures = [broken() for _ in range(number % 4)]

        async def attempt() -> int:
            await clock.sleep(0.01)
            if failures:
                raise failures.pop()
            return number

        return await repeat(clock, retrier, attempt, broken())

    async def main(clock: VirtualClock) -> list[int]:
        retrier = Retrier(ENDLESS, clock=clock, random=random.Random(1))
        return await asyncio.gather(*(one(clock, retrier, number) for number in range(40)))

    assert run_virtual(main) == list(range(40))


# -- the policy -----------------------------------------------------------------------------------------

WRONG: list[dict[str, Any]] = [
    {"attempts": 0},
    {"attempts": 2.0},
    {"attempts": True},
    {"base": -1.0},
    {"cap": math.nan},
    {"budget": -0.1},
    {"deadline": 0},
    {"deadline": math.nan},
]


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
def test_an_invalid_policy_is_an_error(wrong: dict[str, Any]) -> None:
    """An invalid value is an error with the name of the field."""
    with pytest.raises(UsageError, match=next(iter(wrong))):
        RetryPolicy(**wrong)
