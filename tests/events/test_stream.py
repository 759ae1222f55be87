"""The events of a client as an async iterator, and hooks that come and go."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks import UsageError
from hourlyclicks.events import DayDone, Dispatcher, Progress, RequestDone, Resumed
from tests.client.stories import END, LINK, START, free, simulate

if TYPE_CHECKING:
    from hourlyclicks import Client
    from hourlyclicks.events import Event
    from hourlyclicks.simulator import VirtualClock


def test_a_stream_has_all_events_and_ends_with_the_client() -> None:
    """What a hook receives, a reader receives in the same order."""
    hooked: list[Event] = []
    read: list[Event] = []

    async def main(client: Client, _clock: VirtualClock) -> None:
        async def follow() -> int:
            async with client.events() as events:
                read.extend([event async for event in events])
                return events.dropped

        reader = asyncio.create_task(follow())
        await asyncio.sleep(0)
        await client.fetch(START, END, LINK)
        await client.close()
        assert await reader == 0

    simulate(free(), main, on_event=hooked.append)
    assert read == hooked
    assert len(read) == 3 * 31


def test_a_slow_reader_loses_the_oldest_events_and_is_told() -> None:
    """No more events than asked for are kept."""

    async def main(client: Client, _clock: VirtualClock) -> None:
        async with client.events(size=10) as events:
            await client.fetch(START, END, LINK)
            assert events.dropped == 3 * 31 - 10
            kept = [await anext(events) for _ in range(10)]
            assert {type(event) for event in kept} == {RequestDone, DayDone, Progress}
            last = kept[-1]
            assert isinstance(last, Progress)
            assert last.done == 31

    simulate(free(), main)


def test_a_stream_is_read_in_its_block_and_entered_once() -> None:
    """Reading outside and entering again are errors; a wait in the block ends when the block is left."""

    async def main(client: Client, _clock: VirtualClock) -> None:
        events = client.events()
        with pytest.raises(UsageError, match="inside"):
            await anext(events)
        async with events:
            waiting = asyncio.ensure_future(anext(events, None))
            await asyncio.sleep(0)
        assert await waiting is None
        assert await anext(events, None) is None
        with pytest.raises(UsageError, match="once"):
            await events.__aenter__()
        assert not client._engine.dispatch

    simulate(free(), main)


@pytest.mark.parametrize("size", [0, -1, 1.5, True, None])
def test_the_size_of_a_stream_is_checked(size: Any) -> None:  # noqa: ANN401 - wrong on purpose
    """It is a whole number from 1 on."""

    async def main(client: Client, _clock: VirtualClock) -> None:
        with pytest.raises(UsageError, match="size"):
            client.events(size=size)

    simulate(free(), main)


def test_a_closed_client_has_no_stream() -> None:
    """As with any other call, using it is an error."""

    async def main(client: Client, _clock: VirtualClock) -> None:
        await client.close()
        with pytest.raises(UsageError, match="closed"):
            await client.events().__aenter__()

    simulate(free(), main)


def test_a_client_takes_several_hooks() -> None:
    """Each receives every event, in the order of the hooks; one that fails spares the others."""
    told: list[tuple[str, Event]] = []

    def fail(_event: Event) -> None:
        raise RuntimeError

    dispatch = Dispatcher(
        [lambda event: told.append(("one", event)), fail, lambda event: told.append(("two", event))]
    )
    dispatch(Resumed())
    assert told == [("one", Resumed()), ("two", Resumed())]
    assert not Dispatcher([])
    for wrong in ("print", [print, 7], {"a": 1}):
        with pytest.raises(UsageError, match="on_event"):
            Dispatcher(wrong)  # type: ignore[arg-type]  # this is what is tested


def test_a_hook_can_be_added_and_cancelled() -> None:
    """From then on it receives every event, until it is cancelled or its block is left."""
    told: list[Event] = []

    async def main(client: Client, _clock: VirtualClock) -> None:
        await client.day("2024-03-01", LINK)
        with client.subscribe(told.append):
            await client.day("2024-03-02", LINK)
            twice = client.subscribe(told.append)
            await client.day("2024-03-03", LINK)
            twice.cancel()
            twice.cancel()
        await client.day("2024-03-04", LINK)
        with pytest.raises(UsageError, match="async"):
            client.subscribe(main)  # type: ignore[arg-type]  # this is what is tested

    simulate(free(), main)
    days = [event.day.day for event in told if isinstance(event, DayDone)]
    assert days == [2, 3, 3]
