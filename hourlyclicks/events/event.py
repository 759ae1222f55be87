"""The union of all events."""

from __future__ import annotations

from typing import TypeAlias

from hourlyclicks.events.calls import FetchCancelled, Progress
from hourlyclicks.events.days import DayDiffers, DayDone, DayFailed, DayRevised, TargetParked
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

Event: TypeAlias = (
    AccountEnded
    | AttemptFailed
    | ClockSkew
    | DayDiffers
    | DayDone
    | DayFailed
    | DayRevised
    | EndpointChanged
    | FetchCancelled
    | FleetProgress
    | PageAttemptFailed
    | PageRead
    | Paused
    | Progress
    | RangeDone
    | Refused
    | RequestDone
    | Resumed
    | SlotsHeld
    | SpacingChanged
    | TargetParked
)
"""Any event."""
