"""Events and hooks: what may be a hook, what a bad one does, and an ETA that is computed when it is read."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from hourlyclicks import Limits, Rate, UsageError
from hourlyclicks.events import LOGGER, Dispatcher, Progress, Resumed
from tests.client.stories import END, LINK, START, free, simulate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hourlyclicks import Client
    from hourlyclicks.events import Binding, Event
    from hourlyclicks.simulator import VirtualClock


async def late(_event: Event, *_: object) -> None:
    """Fail if it is run."""
    raise AssertionError


class Late:
    """Has hooks that cannot be run."""

    async def __call__(self, event: Event) -> None:
        """Fail if it is run."""
        await late(event)

    async def method(self, event: Event) -> None:
        """Fail if it is run."""
        await late(event)


@pytest.mark.parametrize(
    "hook", [late, Late(), Late().method, partial(late), partial(Late()), partial(partial(late, Resumed()))]
)
def test_an_async_hook_is_refused(hook: Any) -> None:  # noqa: ANN401 - wrong on purpose
    """It would never run, and the error says what to do instead."""
    with pytest.raises(UsageError, match=r"asyncio\.create_task"):
        Dispatcher(hook)


def test_a_coroutine_that_a_hook_returns_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """It is closed, so that there is no warning later."""

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
    """Neither an exception nor a foreign cancellation ends a fetch; both are logged."""

    def hook(_event: Event) -> None:
        raise error

    series = simulate(free(), lambda client, _clock: client.fetch(START, END, LINK), on_event=hook)
    assert series.missing_days == ()
    assert "my mistake" in caplog.text


def failing(_event: Event) -> None:
    """Fail as a hook of a client."""
    raise RuntimeError("my mistake")


def failing_too(_event: Event) -> None:
    """Fail as a hook of a call."""
    raise KeyError("mine")


def test_a_hook_that_always_fails_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Each kind of failure has one traceback, whichever calls it happens in, and a count in the end."""

    async def main(client: Client, _clock: VirtualClock) -> None:
        with client.subscribe(failing):
            await client.fetch(START, END, LINK)
        for day in ("2023-01-01", "2023-01-02"):
            await client.day(day, LINK, on_event=partial(failing_too))

    with caplog.at_level(logging.INFO, LOGGER):
        simulate(free(), main)
    first = "the event hook {} failed on {}; more of the same is logged at DEBUG"
    assert {record.getMessage() for record in caplog.records if record.exc_info} == {
        *(first.format("failing", event) for event in ("RequestDone", "DayDone", "Progress")),
        *(first.format("failing_too", event) for event in ("RequestDone", "DayDone")),
    }
    assert {record.getMessage() for record in caplog.records if not record.exc_info} == {
        *(
            f"the event hook failing failed with RuntimeError on 31 {event} events"
            for event in ("RequestDone", "DayDone", "Progress")
        ),
        *(
            f"the event hook failing_too failed with KeyError on 2 {event} events"
            for event in ("RequestDone", "DayDone")
        ),
    }
    assert len(caplog.records) == 10


def test_what_a_hook_raises_again_is_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    """Later failures of a kind are logged one by one at DEBUG; what has happened once needs no count."""
    dispatch = Dispatcher(failing)
    with caplog.at_level(logging.DEBUG, LOGGER):
        for event in (Resumed(), Resumed(), AT_ONCE):
            dispatch(event)
        dispatch.end()
        dispatch.end()
    failures = [record for record in caplog.records if "hook" in record.getMessage()]
    assert [(record.levelname, bool(record.exc_info)) for record in failures] == [
        ("ERROR", True),
        ("DEBUG", True),
        ("ERROR", True),
        ("ERROR", False),
    ]
    assert failures[-1].getMessage() == "the event hook failing failed with RuntimeError on 2 Resumed events"


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_ends_a_program_ends_it_in_a_hook_too(error: type[BaseException]) -> None:
    """KeyboardInterrupt and SystemExit are raised."""

    def hook(_event: Event) -> None:
        raise error

    with pytest.raises(error):
        Dispatcher(hook)(Resumed())


def test_a_hook_may_close_the_client() -> None:
    """It starts the close as a task, which does not wait for the fetch."""
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


# -- an ETA that is computed when it is read ----------------------------------------------------------------


def deferred(computed: list[str]) -> Progress:
    """Return an event that notes when its ETA is computed."""

    def compute() -> tuple[float, Binding]:
        computed.append("computed")
        return 7.5, "rate"

    return Progress.deferred(done=1, failed=2, total=9, compute=compute)


AT_ONCE = Progress(done=1, failed=2, total=9, eta=7.5, binding="rate")


def test_an_eta_is_computed_once_and_only_if_it_is_read() -> None:
    """Reading the counts computes nothing; reading the ETA or what binds computes both."""
    computed: list[str] = []
    event = deferred(computed)
    assert (event.done, event.failed, event.total, computed) == (1, 2, 9, [])
    assert (event.binding, event.eta, event.eta, computed) == ("rate", 7.5, 7.5, ["computed"])


@pytest.mark.parametrize(
    "read",
    [
        lambda event: event,
        copy.copy,
        copy.deepcopy,
        attrs.evolve,
        lambda event: pickle.loads(pickle.dumps(event)),  # noqa: S301 - our own
        lambda event: Progress(**attrs.asdict(event)),
    ],
    ids=["itself", "copy", "deepcopy", "evolve", "pickle", "asdict"],
)
def test_a_computed_eta_is_like_a_given_one(read: Callable[[Progress], Progress]) -> None:
    """It is equal, has the same hash and text, and is copied and pickled; the function is not."""
    event = read(deferred([]))
    assert event == AT_ONCE
    assert hash(read(deferred([]))) == hash(AT_ONCE)
    assert repr(read(deferred([]))) == repr(AT_ONCE)


@pytest.mark.parametrize("event", [AT_ONCE, deferred([])])
def test_an_event_has_no_other_attributes(event: Progress) -> None:
    """A misspelt attribute is an error, and no attribute can be set."""
    with pytest.raises(AttributeError, match="seconds"):
        event.seconds  # type: ignore[attr-defined]  # noqa: B018 - the access is what is tested
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        event.eta = 1.0  # type: ignore[misc]  # this is what is tested


@pytest.mark.parametrize("shared", [False, True], ids=["local", "shared"])
def test_an_eta_is_that_of_the_moment_of_its_event(tmp_path: Path, *, shared: bool) -> None:
    """Read after the run, it is what it was when the event was sent, with local and with shared limits."""
    events: list[Progress] = []
    at_once: list[tuple[float, Binding]] = []

    def hook(event: Event) -> None:
        if isinstance(event, Progress) and event._compute is not None:
            events.append(event)
            at_once.append(event._compute())

    simulate(
        free(),
        lambda client, _clock: client.fetch(START, END, LINK),
        on_event=hook,
        limits=Limits(rates=(Rate(4, 5.0), Rate(9, 20.0)), concurrency=2),
        store=tmp_path / "clicks.db" if shared else None,
    )
    assert [(event.eta, event.binding) for event in events] == at_once
    assert len(set(at_once)) > 10
