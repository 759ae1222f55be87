"""Days one after the other: in order, within bounds, and always with an end."""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
from typing import TYPE_CHECKING

import pytest

from hourlyclicks.errors import HourlyClicksError, ServerError, TransportError, UsageError
from tests.fetching.asking import DAY, LINK
from tests.fetching.stage import BAD_DAYS, END, always, good, in_turn, others, play, read, some_bad, status

if TYPE_CHECKING:
    from hourlyclicks.jobs.stream import DayStream
    from tests.fetching.stage import Stage


def test_a_stream_continues_after_a_failed_day() -> None:
    """A day that failed raises in its place; all the others come, in order."""

    async def story(stage: Stage) -> None:
        async with stage.client.stream(DAY, END, LINK) as days:
            found = [found async for found in read(days)]
        assert [isinstance(day, HourlyClicksError) for day in found] == [
            DAY + dt.timedelta(n) in BAD_DAYS for n in range(30)
        ]
        assert await others() == 1

    play(story, some_bad)


def test_the_workers_stay_near_a_slow_consumer() -> None:
    """The workers of a stream keep a few days ahead of the consumer."""

    async def story(stage: Stage) -> None:
        async with stage.client.stream("2015-01-01", "2024-12-31", LINK) as days:
            for taken in range(3):
                await stage.clock.sleep(1000.0)
                assert len(stage.transport.asked) == taken + 4 * 5
                await anext(days)

    play(story)


@pytest.mark.parametrize("ordered", [True, False])
def test_a_fatal_error_ends_a_stream(*, ordered: bool) -> None:
    """It is raised once, after what had been fetched; then there is no more."""

    async def story(stage: Stage) -> None:
        async with stage.client.stream(DAY, END, LINK, ordered=ordered) as days:
            found = [found async for found in read(days)]
        assert [type(day).__name__ for day in found] == ["DayClicks", "DayClicks", "AuthenticationError"]
        assert await others() == 1

    play(story, in_turn(*[good(DAY + dt.timedelta(n)) for n in range(2)], *[status(401)] * 99))


def test_a_stream_ends_when_the_budget_is_spent() -> None:
    """When nothing succeeds, a stream ends with the error and does not request the other days."""

    async def story(stage: Stage) -> None:
        async with stage.client.stream(DAY, END, LINK) as days:
            found = [found async for found in read(days)]
            assert {type(error) for error in found} == {ServerError}
            assert len(found) < 30
            await stage.clock.sleep(1000.0)

    assert len(play(story, always(status(500))).transport.asked) <= 11 + 5


@pytest.mark.parametrize("ordered", [True, False])
def test_a_stream_is_iterated(*, ordered: bool) -> None:
    """A plain loop yields every day once, and ends."""

    async def story(stage: Stage) -> None:
        async with stage.client.stream(DAY, END, LINK, ordered=ordered) as days:
            found = [day.date async for day in days]
        assert sorted(found) == [DAY + dt.timedelta(n) for n in range(30)]

    play(story)


@pytest.mark.usefixtures("own_garbage")
def test_a_bug_ends_a_stream() -> None:
    """An exception that a transport must not raise ends the stream, without a complaint of asyncio."""
    complaints = []

    async def story(stage: Stage) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        async with stage.client.stream(DAY, END, LINK) as days:
            with pytest.raises(TransportError, match="ZeroDivisionError"):
                await anext(days)
        assert await others() == 1

    play(story, always(ZeroDivisionError()))
    gc.collect()
    assert complaints == []


def test_a_stream_is_read_inside_of_its_context() -> None:
    """Iterating without entering, after leaving, or after entering twice is an error."""

    async def story(stage: Stage) -> None:
        days = stage.client.stream(DAY, END, LINK)
        with pytest.raises(UsageError, match="inside"):
            await anext(days)
        async with days:
            await anext(days)
        with pytest.raises(UsageError, match="inside"):
            await anext(days)
        with pytest.raises(UsageError, match="once"):
            await days.__aenter__()

    play(story)


def test_a_stream_is_left_while_a_task_reads() -> None:
    """A task that waits for a day when the stream is left gets an error, and is not cancelled."""

    async def story(stage: Stage) -> None:
        async with stage.client.stream(DAY, END, LINK) as days:
            reading = asyncio.ensure_future(days.__anext__())
            await stage.clock.sleep(0.5)
        with pytest.raises(UsageError, match="inside"):
            await reading

    play(story)


def test_a_stream_of_a_closed_client() -> None:
    """Entering a stream after its client was closed is an error."""

    async def story(stage: Stage) -> None:
        days = stage.client.stream(DAY, END, LINK)
        await stage.client.close()
        with pytest.raises(UsageError, match="closed"):
            await days.__aenter__()

    play(story)


def test_a_stream_of_another_loop() -> None:
    """A stream is entered on the loop its client belongs to."""

    async def make(stage: Stage) -> DayStream:
        return stage.client.stream(DAY, END, LINK)

    streams: list[DayStream] = []

    async def story(stage: Stage) -> None:
        streams.append(await make(stage))

    play(story)
    streams[0]._check.__self__.closed = False  # type: ignore[attr-defined]  # as if it had been left open

    async def enter() -> None:
        await streams[0].__aenter__()

    with pytest.raises(UsageError, match="event loop"):
        asyncio.run(enter())
