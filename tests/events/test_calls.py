"""Whose an event is: two calls at a time, their labels, and the hooks of single calls."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks import Group, Lane, Link, Plan, UsageError
from hourlyclicks.events import (
    DayDone,
    FetchCancelled,
    PageRead,
    Paused,
    Progress,
    RangeDone,
    RequestDone,
)
from tests.client.stories import END, LINK, START, free, simulate
from tests.fetching.asking import DAY
from tests.fetching.stage import in_turn, play, status

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from hourlyclicks import Client
    from hourlyclicks.events import Event
    from hourlyclicks.simulator import VirtualClock
    from tests.fetching.stage import Stage

OTHER = Link("other", "https://vvd.bz")


def kinds(events: list[Event]) -> set[type]:
    """Return the classes of events."""
    return {type(event) for event in events}


def of(events: list[Event], label: str) -> list[Event]:
    """Return the events of a label."""
    return [event for event in events if event.label == label]


def test_the_events_of_two_calls_can_be_told_apart() -> None:
    """Each has the number, the label, the priority and the target of its call, and adds up to that call."""
    events: list[Event] = []

    async def main(client: Client, _clock: VirtualClock) -> None:
        await asyncio.gather(
            client.fetch(START, END, LINK, label="one"),
            client.fetch(START, "2024-03-20", OTHER, label="two", lane=Lane.BACKFILL),
        )

    simulate(free(), main, on_event=events.append)
    one, two = of(events, "one"), of(events, "two")
    assert len(one) + len(two) == len(events)
    for mine, target, lane, days in ((one, LINK, Lane.INTERACTIVE, 31), (two, OTHER, Lane.BACKFILL, 20)):
        assert {(event.target, event.lane) for event in mine} == {(target, lane)}
        assert len({event.call for event in mine}) == 1
        assert [sum(isinstance(event, kind) for event in mine) for kind in (RequestDone, DayDone)] == [
            days
        ] * 2
        last = [event for event in mine if isinstance(event, Progress)][-1]
        assert (last.done, last.failed, last.total, last.eta) == (days, 0, days, 0.0)
    assert one[0].call != two[0].call


async def read(client: Client, how: dict[str, Any]) -> None:
    """Read a stream to its end."""
    async with client.stream(START, END, LINK, **how) as days:
        async for _ in days:
            pass


async def all_of(entries: Any) -> None:  # noqa: ANN401 - of both kinds
    """Read a list to its end."""
    async for _ in entries:
        pass


CALLS: dict[str, tuple[Callable[[Client, dict[str, Any]], Awaitable[object]], set[type]]] = {
    "day": (lambda client, how: client.day(START, LINK, **how), {RequestDone, DayDone}),
    "fetch": (
        lambda client, how: client.fetch(START, END, LINK, **how),
        {RequestDone, DayDone, Progress},
    ),
    "daily": (
        lambda client, how: client.daily(START, END, LINK, **how),
        {RequestDone, RangeDone, Progress},
    ),
    "audit": (
        lambda client, how: client.audit("2024-01-01", "2024-01-03", LINK, **how),
        {RequestDone, RangeDone, Progress},
    ),
    "stream": (read, {RequestDone, DayDone, Progress}),
    "backfill": (
        lambda client, how: client.backfill(START, END, [LINK, OTHER], **how),
        {RequestDone, DayDone, Progress},
    ),
    "sync": (lambda client, how: client.sync([LINK], new=9, **how), {RequestDone, DayDone, Progress}),
    "links": (lambda client, how: all_of(client.links(**how)), {RequestDone, PageRead}),
    "groups": (lambda client, how: all_of(client.groups(**how)), {RequestDone, PageRead}),
}


@pytest.mark.parametrize("name", CALLS)
def test_every_call_takes_a_label_and_a_hook(tmp_path: Path, name: str) -> None:
    """The hook of a call receives what the client's hook receives of it, and nothing of other calls."""
    call, expected = CALLS[name]
    every: list[Event] = []
    mine: list[Event] = []

    async def main(client: Client, _clock: VirtualClock) -> None:
        await client.fetch("2024-01-01", "2024-01-03", LINK, label="before")
        await call(client, {"label": "mine", "on_event": [mine.append]})
        assert not client._engine.dispatch._of_calls
        await client.day("2024-05-01", Group(7))

    simulate(
        free(), main, on_event=every.append, store=tmp_path / "clicks.db", limits=None, plan=Plan.ENTERPRISE
    )
    assert kinds(mine) >= expected
    assert mine == of(every, "mine")
    assert len({event.call for event in mine}) == 1


def test_a_hook_of_a_call_alone_is_enough() -> None:
    """Without a hook of the client, that of a call receives its events, and it is not called afterwards."""
    mine: list[Event] = []

    async def main(client: Client, _clock: VirtualClock) -> None:
        await asyncio.gather(
            client.fetch(START, END, LINK, on_event=mine.append), client.fetch(START, END, OTHER)
        )
        assert len(mine) == 93
        await client.fetch(START, END, OTHER)

    simulate(free(), main)
    assert len(mine) == 93
    assert {event.target for event in mine} == {LINK}


def test_a_hook_of_a_call_is_told_what_concerns_all_calls() -> None:
    """A pause that another call caused is an event of no call, and reaches every hook while its call runs."""
    quiet: list[Event] = []

    async def story(stage: Stage) -> None:
        await asyncio.gather(
            stage.client.day(DAY, LINK), stage.client.day(DAY + dt.timedelta(1), LINK, on_event=quiet.append)
        )
        told = len(quiet)
        stage.transport.answers = in_turn(*[status(429)] * 5)
        await stage.client.day(DAY + dt.timedelta(2), LINK)
        assert len(quiet) == told

    play(story, lambda day, number: status(429) if number == 0 else in_turn()(day, number))
    [pause] = [event for event in quiet if isinstance(event, Paused)]
    assert (pause.call, pause.label, pause.lane, pause.target) == (None, None, None, None)


def test_a_cancelled_call_tells_its_hook_what_it_had() -> None:
    """The last event of a cancelled call reaches its own hook, too."""
    mine: list[Event] = []

    async def main(client: Client, clock: VirtualClock) -> None:
        task = asyncio.create_task(client.fetch(START, END, LINK, label="late", on_event=mine.append))
        await clock.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    simulate(free(), main)
    assert isinstance(mine[-1], FetchCancelled)
    assert (mine[-1].label, mine[-1].target) == ("late", LINK)


def test_a_shared_day_is_told_once() -> None:
    """A day that two calls need is requested in one of them, and each of them reports its progress."""
    events: list[Event] = []

    async def main(client: Client, _clock: VirtualClock) -> None:
        await asyncio.gather(
            client.fetch(START, START, LINK, label="one"), client.fetch(START, START, LINK, label="two")
        )

    simulate(free(), main, on_event=events.append)
    assert [type(event) for event in events[:2]] == [RequestDone, DayDone]
    assert events[0].label == events[1].label
    assert sorted((type(event).__name__, event.label or "") for event in events[2:]) == [
        ("Progress", "one"),
        ("Progress", "two"),
    ]


def test_a_run_is_called_by_its_name(tmp_path: Path) -> None:
    """A backfill without a label has its name for one."""
    events: list[Event] = []

    async def main(client: Client, _clock: VirtualClock) -> None:
        await client.backfill(START, START, [LINK], name="nightly")
        await client.backfill(START, START, [OTHER], name="nightly", label="mine")

    simulate(free(), main, on_event=events.append, store=tmp_path / "clicks.db")
    assert [event.label for event in events if isinstance(event, DayDone)] == ["nightly", "mine"]


@pytest.mark.parametrize("label", ["", " ", "x" * 65, "two\nlines", 7])
@pytest.mark.parametrize("name", CALLS)
def test_a_bad_label_or_hook_sends_nothing(tmp_path: Path, name: str, label: Any) -> None:  # noqa: ANN401 - wrong on purpose
    """Both are checked before the first request."""
    upstream = free()

    async def main(client: Client, _clock: VirtualClock) -> None:
        for how in ({"label": label}, {"on_event": 7}, {"on_event": [print, read]}):
            with pytest.raises(UsageError, match=r"label|on_event"):
                await CALLS[name][0](client, how)

    simulate(upstream, main, store=tmp_path / "clicks.db", limits=None, plan=Plan.ENTERPRISE)
    assert upstream.counters.requests == 0
