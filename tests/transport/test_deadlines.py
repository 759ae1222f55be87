"""One timer ends every request at its own deadline, and no other request."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.clock import SECOND
from hourlyclicks.simulator.clock import VirtualEventLoop, run_virtual
from hourlyclicks.transport.deadlines import DeadlineTimer
from tests.pacing.world import virtual

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hourlyclicks.simulator.clock import VirtualClock
    from hourlyclicks.transport.deadlines import Deadline

Work: TypeAlias = Callable[["Deadline"], Awaitable[None]]

LONG = 1000.0
"""Seconds; longer than any limit of these tests."""


class Ask(NamedTuple):
    """A request.

    Attributes:
        beats: when there is activity of it, in seconds from its start.
        start: when it begins, in seconds.
        lasts: how long it takes without a limit, in seconds.
    """

    beats: Sequence[float] = ()
    start: float = 0.0
    lasts: float = LONG


class End(NamedTuple):
    """How a request ended: when, in seconds since the play began, and whether its time was up."""

    at: float
    up: bool = True


def now() -> float:
    """Return the time of the loop, in seconds since the play began."""
    return asyncio.get_running_loop().time()


def begun(deadlines: DeadlineTimer) -> Deadline:
    """Begin the deadline of a request."""
    deadline = deadlines.begin()
    assert deadline is not None
    return deadline


async def limited(deadlines: DeadlineTimer, work: Work) -> None:
    """Do the work of a request within its limits, as the transport does; a ``TimeoutError`` ends it."""
    deadline = begun(deadlines)
    try:
        await work(deadline)
    except asyncio.CancelledError:
        if not deadlines.end(deadline):
            raise
        raise TimeoutError from None
    finally:
        deadlines.end(deadline)


async def ended(deadlines: DeadlineTimer, ask: Ask) -> End:
    """Send a request and return how it ended."""

    async def work(deadline: Deadline) -> None:
        passed = 0.0
        for moment in ask.beats:
            await asyncio.sleep(moment - passed)
            deadline.record_activity()
            passed = moment
        await asyncio.sleep(ask.lasts - passed)

    await asyncio.sleep(ask.start)
    try:
        await limited(deadlines, work)
    except TimeoutError:
        return End(now())
    return End(now(), up=False)


def ends(deadlines: DeadlineTimer, *asks: Ask) -> list[End]:
    """Return how requests end that are sent at their times."""

    async def send_all() -> list[End]:
        return await asyncio.gather(*(ended(deadlines, ask) for ask in asks))

    return run_virtual(send_all())


def armed(deadlines: DeadlineTimer) -> list[float]:
    """Return when the timer of deadlines is due, in seconds."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualEventLoop)
    timers = [timer for _, _, timer in loop._timers._entries if not timer.cancelled()]
    return [timer.when() for timer in timers if timer.callback == deadlines._check]


# -- when the time is up --------------------------------------------------------------------------------


@pytest.mark.parametrize("silence", [4, 50, None])
def test_a_request_ends_when_its_time_is_up(silence: float | None) -> None:
    """Despite any activity, it ends exactly at its total limit."""
    deadlines = DeadlineTimer(total=30) if silence is None else DeadlineTimer(total=30, silence=silence)
    assert ends(deadlines, Ask(beats=range(0, 30, 3))) == [End(30)]


def test_a_request_ends_when_it_falls_silent() -> None:
    """The limit on silence counts from the last activity, and restarts with each."""
    assert ends(DeadlineTimer(total=30, silence=5), Ask(beats=[0])) == [End(5)]
    assert ends(DeadlineTimer(total=30, silence=5), Ask(beats=[0, 4, 8, 12])) == [End(17)]


def test_silence_begins_with_the_first_activity() -> None:
    """Before the first activity there is only the total limit."""
    assert ends(DeadlineTimer(total=30, silence=5), Ask()) == [End(30)]


def test_a_request_in_time_is_not_ended() -> None:
    """One that ends a moment before its limits ends by itself."""
    assert ends(DeadlineTimer(total=30), Ask(lasts=29.999)) == [End(29.999, up=False)]
    assert ends(DeadlineTimer(total=30, silence=5), Ask([0], lasts=4.999)) == [End(4.999, up=False)]


def test_a_later_request_may_end_earlier() -> None:
    """A silent one ends before an older one that is not connected yet, and neither is early."""
    assert ends(DeadlineTimer(total=30, silence=20), Ask(), Ask([0], start=5)) == [End(30), End(25)]


def test_a_request_goes_on_when_others_end() -> None:
    """The end of one request, in time or not, affects no other."""
    asks = [
        Ask([0], lasts=3),
        Ask([0], start=1),
        Ask([0], start=2, lasts=19),
        Ask([0, 19], start=3),
        Ask([0, 15, 29], start=4),
    ]
    expected = [End(3, up=False), End(21), End(21, up=False), End(33), End(34)]
    assert ends(DeadlineTimer(total=30, silence=20), *asks) == expected


def test_a_request_after_a_rest() -> None:
    """After a while without requests, the next one has its full limits."""
    asks = [Ask(lasts=1), Ask([0], start=2), Ask([0], start=100)]  # at 2 the timer of the first is still set
    assert ends(DeadlineTimer(total=30, silence=5), *asks) == [End(1, up=False), End(7), End(105)]


@pytest.mark.parametrize(
    ("deadlines", "asks", "end"),
    [
        (DeadlineTimer(total=30, silence=5), [Ask([6])], End(11)),
        (DeadlineTimer(total=30, silence=20), [Ask(lasts=1), Ask([0.25], start=19.9)], End(40.15)),
    ],
)
def test_a_request_that_connects_late_may_fall_silent_soon(
    deadlines: DeadlineTimer, asks: list[Ask], end: End
) -> None:
    """A request without a connection at one check is checked again in time."""
    assert ends(deadlines, *asks)[-1] == pytest.approx(end)


def alone(ask: Ask, total: float, silence: float) -> End:
    """Return how a request would end with a timer of its own."""
    heard = math.inf
    for moment in [*ask.beats, ask.lasts]:
        due = min(total, heard + silence)
        if due <= moment:
            return End(ask.start + due)
        heard = moment
    return End(ask.start + ask.lasts, up=False)


# Activity and ends fall on whole seconds and limits on halves, so that no two things happen at one moment.
_SECONDS = st.integers(1, 40)
_LIMITS = _SECONDS.map(lambda seconds: seconds - 0.5)
_ASKS = st.builds(
    lambda beats, start, lasts: Ask(sorted(beat for beat in beats if beat < lasts), start, lasts),
    st.sets(_SECONDS, max_size=4),
    _SECONDS.map(lambda seconds: seconds / 4),
    _SECONDS,
)


@given(st.lists(_ASKS, min_size=1, max_size=8), _LIMITS, _LIMITS)
def test_every_request_ends_as_if_it_were_alone(asks: list[Ask], total: float, silence: float) -> None:
    """Any number of requests end as if each had a timer of its own."""
    expected = [alone(ask, total, silence) for ask in asks]
    assert ends(DeadlineTimer(total=total, silence=silence), *asks) == expected


# -- the one timer --------------------------------------------------------------------------------------


@virtual
async def test_many_requests_have_one_timer(clock: VirtualClock) -> None:
    """Any number of requests have one timer, set for the first that could run out of time."""
    deadlines = DeadlineTimer(total=30, silence=20)
    asks = [Ask([0], start=number / 4) for number in range(50)]
    requests = [asyncio.create_task(ended(deadlines, ask)) for ask in asks]
    await clock.sleep(13)
    assert armed(deadlines) == [20]
    await clock.sleep(9.1)
    assert armed(deadlines) == [22.25]
    await asyncio.gather(*requests)
    assert armed(deadlines) == []


@virtual
async def test_the_timer_is_not_set_for_every_request(clock: VirtualClock) -> None:
    """Thousands of requests in a row, answered in time, set a timer once in each period of the limit."""
    deadlines = DeadlineTimer(total=30, silence=20)
    loop = asyncio.get_running_loop()

    async def work(deadline: Deadline) -> None:
        for _ in range(10):
            deadline.record_activity()

    with mock.patch.object(loop, "call_at", wraps=loop.call_at) as call_at:
        while clock.monotonic() < 100 * SECOND:
            await limited(deadlines, work)
            await clock.sleep(0.03125)  # by another method of the loop
    assert call_at.call_count == 5


@virtual
async def test_nothing_stays_set_after_the_last(clock: VirtualClock) -> None:
    """Without requests the timer is due once more, and then there is none."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    deadlines = DeadlineTimer(total=30, silence=20)
    await ended(deadlines, Ask([0], lasts=1))
    assert armed(deadlines) == [20]
    await clock.sleep(19.5)
    assert armed(deadlines) == []
    assert complaints == []


@virtual
async def test_closing_cancels_the_timer(clock: VirtualClock) -> None:
    """After a close there is no timer, closed twice or before it was used."""
    deadlines = DeadlineTimer(total=30)
    deadlines.close()
    await ended(deadlines, Ask(lasts=1))
    assert armed(deadlines) == []
    for _ in range(2):
        deadlines.close()
        assert armed(deadlines) == []
        await clock.sleep(LONG)


@virtual
async def test_closing_keeps_the_limits_of_requests_in_flight(clock: VirtualClock) -> None:
    """They have the same time as before; the last one ends the timer."""
    deadlines = DeadlineTimer(total=30)
    asks = [asyncio.create_task(ended(deadlines, ask)) for ask in (Ask(), Ask(lasts=20))]
    await clock.sleep(10)
    deadlines.close()
    assert [await ask for ask in asks] == [End(30), End(20, up=False)]
    assert armed(deadlines) == []


@virtual
async def test_an_answer_at_the_last_moment_counts(clock: VirtualClock) -> None:
    """Activity in the very turn of the loop in which the time would be up counts."""
    loop = asyncio.get_running_loop()
    deadlines, answered = DeadlineTimer(total=30, silence=5), asyncio.Event()
    loop.call_at(5, answered.set)

    async def work(deadline: Deadline) -> None:
        deadline.record_activity()
        await answered.wait()
        deadline.record_activity()
        await clock.sleep(1)

    await limited(deadlines, work)
    assert now() == 6


# -- whose end it is ------------------------------------------------------------------------------------


async def forever(_: Deadline) -> None:
    """Wait for an answer that never comes."""
    await asyncio.Event().wait()


@pytest.mark.parametrize("when", [3, 29.999, 30])
@pytest.mark.parametrize("first", ["the caller", "the deadlines"])
def test_a_cancellation_from_outside_stays_one(first: str, when: float) -> None:
    """It does, also at the very moment at which the time is up."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(limited(DeadlineTimer(total=30), forever))
        if first == "the deadlines":
            await asyncio.sleep(0)
        loop.call_at(when, task.cancel)
        await asyncio.wait([task])
        assert task.cancelled()
        assert now() == when

    run_virtual(main())


@pytest.mark.parametrize("turns", range(4))
def test_a_cancellation_just_after_the_end(turns: int) -> None:
    """However few turns of the loop after the end, it is a timeout or a cancellation, and nothing else."""

    async def main() -> None:
        task = asyncio.create_task(limited(DeadlineTimer(total=30), forever))
        await asyncio.sleep(30)
        for _ in range(turns):
            await asyncio.sleep(0)
        cancelled = task.cancel()
        await asyncio.wait([task])
        assert task.cancelled() == cancelled
        assert cancelled or isinstance(task.exception(), TimeoutError)

    run_virtual(main())


@virtual
async def test_a_timeout_of_the_caller_stays_theirs(clock: VirtualClock) -> None:
    """A timeout of the caller that ends first, or at the same moment, raises theirs."""
    for seconds, end in ((10, 10), (30, 40)):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(seconds) as limit:
                await limited(DeadlineTimer(total=30), forever)
        assert limit.expired()
        assert clock.monotonic() == end * SECOND


@virtual
async def test_a_timeout_leaves_the_task_as_it_was(clock: VirtualClock) -> None:
    """A task whose request timed out is not marked as cancelled, and continues."""
    task = asyncio.current_task()
    assert task is not None
    deadlines = DeadlineTimer(total=30)
    assert await ended(deadlines, Ask()) == End(30)
    assert task.cancelling() == 0
    await clock.sleep(LONG)


@virtual
async def test_a_task_that_was_cancelled_before_can_time_out(clock: VirtualClock) -> None:
    """A last request that a task sends while it is being cancelled can time out."""
    ends: list[End] = []

    async def last_words() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ends.append(await ended(DeadlineTimer(total=30), Ask()))

    task = asyncio.create_task(last_words())
    await clock.sleep(1)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert ends == [End(31)]


@virtual
async def test_an_end_is_told_once(clock: VirtualClock) -> None:
    """A new request, or one before its deadline, is not ended."""
    deadlines = DeadlineTimer(total=30)
    deadline = begun(deadlines)
    with pytest.raises(asyncio.CancelledError):
        await clock.sleep(LONG)
    assert [deadlines.end(deadline), deadlines.end(deadline)] == [True, False]
    assert not deadlines.end(begun(deadlines))


async def clean_up(_: Deadline) -> None:
    """Take long to handle the end."""
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(LONG)


async def times_out(deadlines: DeadlineTimer) -> None:
    """Run out of time, and clean up for longer than any limit."""
    with pytest.raises(TimeoutError):
        await limited(deadlines, clean_up)


async def is_in_time(deadlines: DeadlineTimer) -> None:
    """End in time, and continue for longer than any limit."""
    assert await ended(deadlines, Ask(lasts=1)) == End(1, up=False)
    await asyncio.sleep(LONG)


@pytest.mark.parametrize("what", [times_out, is_in_time])
def test_what_has_ended_is_not_ended_again(what: Callable[[DeadlineTimer], Awaitable[None]]) -> None:
    """What a task does after its request is not disturbed when others, or its next request, time out."""

    async def main() -> None:
        deadlines = DeadlineTimer(total=30)
        asks = [Ask(start=start) for start in (0, 7, 31, 50)]
        _, *others = await asyncio.gather(what(deadlines), *(ended(deadlines, ask) for ask in asks))
        assert others == [End(30), End(37), End(61), End(80)]
        assert now() >= LONG

    run_virtual(main())


def test_it_belongs_to_one_loop() -> None:
    """A timer that was set on another event loop would never be due, so no deadline begins there."""
    deadlines = DeadlineTimer(total=30)

    async def main() -> None:
        for _ in range(2):
            deadline = begun(deadlines)
            assert (asyncio.get_running_loop(), asyncio.current_task()) == (deadline.loop, deadline.task)
            deadlines.end(deadline)

    run_virtual(main())

    async def elsewhere() -> None:
        assert deadlines.begin() is None

    run_virtual(elsewhere())
