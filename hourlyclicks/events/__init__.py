"""Events: what a client does, reported to hooks.

Progress bars, logs, metrics and tests use them. A hook is any callable that takes one event::

    Client(on_event=print)

``on_event`` takes one hook or several, `Client.subscribe` adds one later, and `Client.events` is an async
iterator in their place. A hook that is given to a call, as in ``client.fetch(…, on_event=bar.update)``,
receives the events of this call, and those that concern all calls, such as `Paused`.

A hook is called on the event loop, between two awaits: it must not block, and it cannot be an async function;
it may start a task. An exception in it does not affect the run. The first of a kind is logged with its
traceback, and how many there were when the client is closed; ``KeyboardInterrupt`` and ``SystemExit`` end the
program as usual.

Events are also written to the log, see the how-to about logging.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourlyclicks.events.dispatcher import Dispatcher, Hook, Hooks, Subscription
from hourlyclicks.events.wording import (
    CLOCK_LOGGER,
    LOGGER,
    MUCH_FAILS,
    Binding,
    ListName,
    waits_for,
)
from hourlyclicks.lazy import lazy_names

if TYPE_CHECKING:
    from hourlyclicks.events.base import BaseEvent
    from hourlyclicks.events.calls import FetchCancelled, Progress
    from hourlyclicks.events.days import DayDiffers, DayDone, DayFailed, DayRevised, TargetParked
    from hourlyclicks.events.event import Event
    from hourlyclicks.events.fleet import AccountEnded, FleetProgress
    from hourlyclicks.events.pacing import (
        ClockSkew,
        EndpointChanged,
        Paused,
        Resumed,
        SlotsHeld,
        SpacingChanged,
    )
    from hourlyclicks.events.requests import (
        AttemptFailed,
        PageAttemptFailed,
        PageRead,
        RangeDone,
        Refused,
        RequestDone,
    )
    from hourlyclicks.events.stream import EventStream

_HOMES = {
    "base": ("BaseEvent",),
    "calls": ("FetchCancelled", "Progress"),
    "days": ("DayDiffers", "DayDone", "DayFailed", "DayRevised", "TargetParked"),
    "event": ("Event",),
    "fleet": ("AccountEnded", "FleetProgress"),
    "pacing": ("ClockSkew", "EndpointChanged", "Paused", "Resumed", "SlotsHeld", "SpacingChanged"),
    "requests": ("AttemptFailed", "PageAttemptFailed", "PageRead", "RangeDone", "Refused", "RequestDone"),
    "stream": ("EventStream",),
}
_HOME_OF = {name: f"events.{home}" for home, names in _HOMES.items() for name in names}

__all__ = [
    "CLOCK_LOGGER",
    "LOGGER",
    "MUCH_FAILS",
    "AccountEnded",
    "AttemptFailed",
    "BaseEvent",
    "Binding",
    "ClockSkew",
    "DayDiffers",
    "DayDone",
    "DayFailed",
    "DayRevised",
    "Dispatcher",
    "EndpointChanged",
    "Event",
    "EventStream",
    "FetchCancelled",
    "FleetProgress",
    "Hook",
    "Hooks",
    "ListName",
    "PageAttemptFailed",
    "PageRead",
    "Paused",
    "Progress",
    "RangeDone",
    "Refused",
    "RequestDone",
    "Resumed",
    "SlotsHeld",
    "SpacingChanged",
    "Subscription",
    "TargetParked",
    "waits_for",
]

__getattr__, __dir__ = lazy_names(__name__, _HOME_OF)
