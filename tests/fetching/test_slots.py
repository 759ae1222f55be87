"""Slots: held until the answer, released by cancelled calls, and not granted after a fatal error."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks.errors import AuthenticationError, TransportError, UsageError
from hourlyclicks.events import DayDone
from hourlyclicks.fetching.retry import RetryPolicy
from hourlyclicks.pacing.plans import Limits, Rate
from hourlyclicks.pacing.queue import NotNeededError
from tests.fetching.asking import DAY, LINK, slots_in_use
from tests.fetching.stage import ONE, always, fails, good, in_turn, play, status

if TYPE_CHECKING:
    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.fetching.task import FetchTask
    from hourlyclicks.pacing.window import Slot
    from tests.fetching.stage import Answers, Stage

RESET = TransportError("reset", kind="disconnected")
SLOW = TransportError("slow", kind="timeout")
CERTIFICATE = TransportError("certificate", kind="tls")
WRONG_DAY = good(DAY + dt.timedelta(1))
BUSY = status(429)

# -- slots ----------------------------------------------------------------------------------------------


def test_a_sleeping_task_holds_no_slot() -> None:
    """While one day waits for its next attempt another one is answered, also with a single slot."""

    async def story(stage: Stage) -> None:
        stage.dice.u = 0.9
        first = asyncio.create_task(stage.client.day(DAY, LINK))
        await stage.clock.sleep(1.1)
        await stage.client.day(DAY + dt.timedelta(1), LINK)
        assert stage.now == pytest.approx(2.1)
        await first

    assert play(story, in_turn(RESET), limits=ONE).transport.times == [0.0, 1.1, 2.8]


def test_no_more_are_in_flight_than_allowed() -> None:
    """A slot is held until the whole answer is there."""

    async def story(stage: Stage) -> None:
        await stage.client.fetch(DAY, DAY + dt.timedelta(9), LINK)

    answers = in_turn(RESET, status(500), BUSY)
    assert play(story, answers, limits=Limits(concurrency=2)).transport.most == 2


@pytest.mark.parametrize("outcome", [SLOW, status(500), WRONG_DAY], ids=["timeout", "500", "wrong day"])
def test_a_retry_is_a_request(outcome: Any) -> None:  # noqa: ANN401 - an outcome of any kind
    """A failed request stays counted until its window is over, and the retry waits for a slot."""

    async def story(stage: Stage) -> None:
        await stage.client.day(DAY, LINK)

    limits = Limits(rates=(Rate(1, 10.0),), guard=0.0)
    assert play(story, in_turn(outcome), limits=limits).transport.times == [0.0, 11.0]


def test_a_deadline_counts_from_the_first_request() -> None:
    """The time in the queue, before a day's first request, does not use up its deadline."""

    async def story(stage: Stage) -> None:
        await stage.client.day(DAY, LINK)
        await stage.client.day(DAY + dt.timedelta(1), LINK)

    limits = Limits(rates=(Rate(1, 100.0),), guard=0.0)
    policy = RetryPolicy(deadline=50.0)
    stage = play(story, in_turn(good(DAY), RESET), limits=limits, retry=policy)
    assert [event.requests for event in stage.events_of(DayDone)] == [1, 2]


def test_what_was_spent_on_a_day_stays_counted() -> None:
    """Requests still count when another process has fetched the day before the second attempt."""

    async def story(stage: Stage) -> None:
        limiter = stage.client._engine.limiter
        calls, at_once = itertools.count(1), limiter.try_acquire

        def second_is_not_needed(task: FetchTask) -> Slot | None:
            if next(calls) == 2:
                raise NotNeededError
            return at_once(task)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(limiter, "try_acquire", second_is_not_needed)
            await stage.client.day(DAY, LINK)

    [done] = play(story, in_turn(RESET)).events_of(DayDone)
    assert done.requests == 2


def test_a_deadline_ends_a_day() -> None:
    """A wait that would go beyond the deadline is not begun."""

    async def story(stage: Stage) -> None:
        stage.dice.u = 0.5
        assert isinstance(await fails(stage), TransportError)

    assert play(story, always(RESET), retry=RetryPolicy(deadline=4.5)).transport.times == [0.0, 2.0]


# -- leaving --------------------------------------------------------------------------------------------

AWAITS: dict[str, tuple[Answers, float, int]] = {
    "for the answer": (in_turn(), 0.5, 1),
    "in the backoff": (in_turn(RESET), 1.5, 1),
    "in the pause": (in_turn(BUSY), 30.0, 1),
    "for the answer of a retry": (in_turn(RESET), 3.0, 2),
}


@pytest.mark.parametrize("where", AWAITS)
def test_cancelled_at_any_await(where: str) -> None:
    """Cancelled anywhere, it ends at once and releases its slot, and the next task continues."""
    answers, when, asked = AWAITS[where]

    async def story(stage: Stage) -> None:
        stage.dice.u = 0.99
        task = asyncio.create_task(stage.client.day(DAY, LINK))
        await stage.clock.sleep(when)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert stage.now == when
        assert len(stage.transport.asked) == asked
        await asyncio.sleep(0)
        assert stage.transport.in_flight == 0
        assert slots_in_use(stage.client) == 0
        await stage.client.day(DAY, LINK)

    play(story, answers, limits=ONE)


def test_cancelled_in_the_queue() -> None:
    """Cancelled while it waits for a slot, it sends nothing, and the next task continues."""
    days = [DAY + dt.timedelta(n) for n in range(3)]

    async def story(stage: Stage) -> None:
        tasks = [asyncio.create_task(stage.client.day(day, LINK)) for day in days]
        await stage.clock.sleep(0.5)
        tasks[1].cancel()
        await asyncio.wait(tasks)
        assert [task.cancelled() for task in tasks] == [False, True, False]

    assert [asked.day for asked in play(story, limits=ONE).transport.asked] == [days[0], days[2]]


@pytest.mark.parametrize("where", AWAITS)
def test_a_timeout_of_the_caller_stays_theirs(where: str) -> None:
    """A timeout of the caller raises their TimeoutError, wherever the day waits."""
    answers, when, _ = AWAITS[where]

    async def story(stage: Stage) -> None:
        stage.dice.u = 0.99
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(when):
                await stage.client.day(DAY, LINK)
        assert stage.now == when

    play(story, answers, limits=ONE)


# -- what ends everything -------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [401, 403])
def test_a_rejected_key_is_not_tried_again(code: int) -> None:
    """After a 401 or 403 the client sends nothing more."""

    async def story(stage: Stage) -> None:
        for _ in range(3):
            error = await fails(stage)
            assert isinstance(error, AuthenticationError)
            assert (error.status, error.day, error.series) == (code, DAY, None)

    assert len(play(story, in_turn(status(code))).transport.asked) == 1


def test_what_later_callers_get_after_a_rejected_key() -> None:
    """Each later caller gets an error of its own, without the series of the first."""

    async def story(stage: Stage) -> None:
        with pytest.raises(AuthenticationError) as caught:
            await stage.client.fetch(DAY, DAY + dt.timedelta(9), LINK)
        assert caught.value.series is not None
        assert (await fails(stage)).series is None

    play(story, always(status(401)))


def closed_session() -> UsageError:
    """Return what the transport says of a session that cannot serve."""
    error = UsageError("the session is closed")
    error.fatal = True
    return error


@pytest.mark.parametrize("error", [CERTIFICATE, closed_session()], ids=["TLS", "session"])
def test_a_fatal_error_ends_the_run(error: HourlyClicksError) -> None:
    """A bad certificate, or a session that cannot work, costs one request a slot, and ends the run."""

    async def story(stage: Stage) -> None:
        with pytest.raises(type(error), match=str(error)):
            await stage.client.fetch(DAY, DAY + dt.timedelta(30), LINK)

    assert len(play(story, always(error)).transport.asked) == 3


def test_a_bad_certificate_is_not_for_good() -> None:
    """Once the certificate is replaced the same client can be used again."""

    async def story(stage: Stage) -> None:
        assert isinstance(await fails(stage), TransportError)
        await stage.client.day(DAY, LINK)

    play(story, in_turn(CERTIFICATE))
