"""Hooks: what may be one, and what a bad one does."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from hourlyclicks import UsageError
from hourlyclicks.events import Dispatcher, Resumed
from tests.client.stories import END, LINK, START, free, simulate

if TYPE_CHECKING:
    from hourlyclicks import Client
    from hourlyclicks.events import Event
    from hourlyclicks.simulator import VirtualClock


async def late(_event: Event, *_: object) -> None:
    """Never be run."""
    raise AssertionError


class Late:
    """Has hooks that cannot be run."""

    async def __call__(self, event: Event) -> None:
        """Never be run."""
        await late(event)

    async def method(self, event: Event) -> None:
        """Never be run."""
        await late(event)


@pytest.mark.parametrize(
    "hook", [late, Late(), Late().method, partial(late), partial(Late()), partial(partial(late, Resumed()))]
)
def test_an_async_hook_is_refused(hook: Any) -> None:  # noqa: ANN401 - wrong on purpose
    """It would never run, and the error says what to do instead."""
    with pytest.raises(UsageError, match=r"asyncio\.create_task"):
        Dispatcher(hook)


def test_a_coroutine_that_a_hook_returns_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    """It is closed, so that nothing is warned about later."""

    def hook(event: Event) -> object:
        return late(event)

    dispatch = Dispatcher(hook)
    for _ in range(3):
        dispatch(Resumed())
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
        "the event hook returns a coroutine, which is not run; let it start a task instead"
    ]


async def test_a_task_that_a_hook_starts_runs(caplog: pytest.LogCaptureFixture) -> None:
    """A hook may return it, or not."""
    ran: list[Event] = []

    async def record(event: Event) -> None:
        ran.append(event)

    tasks: list[asyncio.Task[None]] = []

    def hook(event: Event) -> asyncio.Task[None]:
        tasks.append(asyncio.create_task(record(event)))
        return tasks[-1]

    Dispatcher(hook)(Resumed())
    await asyncio.gather(*tasks)
    assert ran == [Resumed()]
    assert "WARNING" not in caplog.text


@pytest.mark.parametrize("error", [RuntimeError("my mistake"), asyncio.CancelledError("my mistake")])
def test_what_a_hook_raises_disturbs_nothing(caplog: pytest.LogCaptureFixture, error: BaseException) -> None:
    """Neither an error nor a cancellation that is not ours ends a fetch; both are logged."""

    def hook(_event: Event) -> None:
        raise error

    series = simulate(free(), lambda client, _clock: client.fetch(START, END, LINK), on_event=hook)
    assert series.missing_days == ()
    assert "my mistake" in caplog.text


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_ends_a_program_ends_it_in_a_hook_too(error: type[BaseException]) -> None:
    """Ctrl-C, and sys.exit, are not held back."""

    def hook(_event: Event) -> None:
        raise error

    with pytest.raises(error):
        Dispatcher(hook)(Resumed())


def test_a_hook_may_close_the_client() -> None:
    """It starts the close as a task, which the fetch does not hold up."""
    clients: list[Client] = []
    closing: list[asyncio.Task[None]] = []

    async def main(client: Client, _clock: VirtualClock) -> None:
        clients.append(client)
        with pytest.raises(UsageError, match="closed"):
            await client.fetch(START, END, LINK)
        await asyncio.gather(*closing)

    def hook(_event: Event) -> None:
        closing.append(asyncio.create_task(clients[0].close()))

    simulate(free(), main, on_event=hook)
    assert closing
