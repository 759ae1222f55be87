"""The book: the pace of an account as text, for processes that share it through a store.

All moments are nanoseconds of the one clock that the store gives to everybody.
"""

from __future__ import annotations

import json
from typing import NamedTuple, Self

import attrs

from hourlyclicks.errors import StoreError
from hourlyclicks.pacing.brake import Memory


class Flight(NamedTuple):
    """A request under way.

    Args:
        sent: when it was allowed to go.
        expires: when it is over at the latest, even if its process has died.
        epoch: the pause before it.
        probe: whether it is the probe after that pause.
        previous_even: what even spacing had allowed before.
    """

    sent: int
    expires: int
    epoch: int
    probe: bool
    previous_even: int


class Claim(NamedTuple):
    """Who asks for a day at present.

    Args:
        holder: the process.
        expires: when that is forgotten.
    """

    holder: str
    expires: int


class Line(NamedTuple):
    """A process that waits.

    Args:
        lane: how urgent its most urgent call is; the smaller number goes first.
        unsent: how many requests its calls in that lane still need.
        job: what it works on; who works on the same takes nothing away from the others.
        asks: when it was told to ask again; before that it competes with nobody.
        until: when it is believed dead, if it has not asked.
    """

    lane: int
    unsent: int
    job: str
    asks: int
    until: int


class Held(NamedTuple):
    """The pause, as in `hourlyclicks.pacing.pause.Pause`."""

    epoch: int = 0
    until: int = 0
    held: bool = False
    probing: bool = False


@attrs.define
class Book:
    """The shared state.

    Attributes:
        seen: when it was last changed.
        longest: the length of the longest window that any process keeps.
        released: when the responses of the last requests came, as long as that window counts them.
        flights: the requests under way, by their names.
        claims: who asks for which day.
        lines: the processes that wait.
        served: when each process was last given a place.
        pause: the pause.
        brake: what the refusals so far have taught; ``None``: nothing.
        even: the moment from which on even spacing lets a request go.
    """

    seen: int = 0
    longest: int = 0
    released: list[int] = attrs.field(factory=list)
    flights: dict[str, Flight] = attrs.field(factory=dict)
    claims: dict[str, Claim] = attrs.field(factory=dict)
    lines: dict[str, Line] = attrs.field(factory=dict)
    served: dict[str, int] = attrs.field(factory=dict)
    pause: Held = attrs.field(factory=Held)
    brake: Memory | None = None
    even: int = 0

    @classmethod
    def read(cls, text: str | None) -> Self:
        """Read what `write` wrote; ``None``: begin a new one.

        Raises:
            StoreError: it is something else.
        """
        if text is None:
            return cls()
        try:
            parts = json.loads(text)
            return cls(
                parts["seen"],
                parts["longest"],
                parts["released"],
                {name: Flight(*flight) for name, flight in parts["flights"].items()},
                {what: Claim(*claim) for what, claim in parts["claims"].items()},
                {name: Line(*line) for name, line in parts["lines"].items()},
                parts["served"],
                Held(*parts["pause"]),
                None if parts["brake"] is None else Memory(*parts["brake"]),
                parts["even"],
            )
        except (ValueError, TypeError, KeyError, AttributeError):
            raise StoreError("the pace in the store cannot be read") from None

    def write(self) -> str:
        """Return it as text."""
        names = [field.name for field in attrs.fields(type(self))]
        return json.dumps({name: getattr(self, name) for name in names}, separators=(",", ":"))
