"""What stands in line: a day that some call wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

    from hourlyclicks.pacing.gate import Slot
    from hourlyclicks.pacing.lanes import Call


class Errand:
    """A day to be asked for on behalf of a call. A more urgent call that wants the same day takes it over.

    Attributes:
        call: on whose behalf, at present.
        turn: its place in the line while it waits.
    """

    __slots__ = ("call", "turn")

    def __init__(self, call: Call) -> None:
        self.call = call
        self.turn: asyncio.Future[Slot] | None = None
