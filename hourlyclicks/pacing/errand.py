"""What stands in line: a day that some call wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

    from hourlyclicks.model.targets import Query
    from hourlyclicks.pacing.gate import Slot
    from hourlyclicks.pacing.lanes import Call


class NotNeededError(Exception):
    """No request is needed: another process has got the day meanwhile, and it is in the store."""


class TakenError(Exception):
    """No request is allowed: another process asks for the day at this moment."""


class Errand:
    """A day to be asked for on behalf of a call. A more urgent call that wants the same day takes it over.

    Attributes:
        call: on whose behalf, at present.
        leader: on whose behalf at first; it runs in a task of that call.
        query: what is asked.
        turn: its place in the line while it waits.
        busy: whether a request was spent on it whose result is not lost if it is let be.
    """

    __slots__ = ("busy", "call", "leader", "query", "turn")

    def __init__(self, call: Call, query: Query) -> None:
        self.call = self.leader = call
        self.query = query
        self.busy = False
        self.turn: asyncio.Future[Slot] | None = None

    @property
    def waits(self) -> bool:
        """Whether it stands in line and has got nothing yet."""
        return self.turn is not None and not self.turn.done()
