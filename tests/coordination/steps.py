"""The arbiter without a store: its state as text, and steps of some processes at moments in seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from hourlyclicks.coordination.arbiter import Arbiter
from hourlyclicks.coordination.process_queue import SlotRequest
from hourlyclicks.coordination.state import ArbiterState
from hourlyclicks.pacing.breaker import Wait
from hourlyclicks.pacing.plans import Limits
from hourlyclicks.pacing.window import Slot
from tests.pacing.world import S

if TYPE_CHECKING:
    from collections.abc import Callable

    from hourlyclicks.coordination.arbiter import Claimed

T = TypeVar("T")
LEASE = 40


@attrs.define
class Steps:
    """The shared state of an arbiter, and the steps that processes take on it.

    Attributes:
        limits: the limits of the process that takes the next step.
        text: the state as it is stored.
        written: how often it was stored.
        gone: the processes that are known to have ended.
    """

    limits: Limits
    text: str | None = None
    written: int = 0
    gone: frozenset[str] = frozenset()
    _asked: int = 0
    _names: dict[Slot, str] = attrs.Factory(dict)

    def step(self, at: float, act: Callable[[Arbiter], T]) -> T:
        """Take a step as a store does."""
        arbiter = Arbiter(self.limits, self.state, now=round(at * S), lease=LEASE * S, gone=self.gone)
        result = act(arbiter)
        state = arbiter.close()
        if arbiter.changed:
            self.text = state.write()
            self.written += 1
        return result

    @property
    def state(self) -> ArbiterState:
        """The state as a process reads it."""
        return ArbiterState.read(self.text)

    def ask(
        self,
        at: float,
        holder: str,
        day: str | None = None,
        further: tuple[str, ...] = (),
        **more: Any,  # noqa: ANN401 - the rest of a `SlotRequest`
    ) -> Slot | Wait | Claimed:
        """Request a slot for a day, another one each time unless it is named, or for further ones as well."""
        self._asked += 1
        fields: dict[str, Any] = {"lane": 0, "waiting": 1, "unsent": 1, "job": ""} | more
        days = (day or f"day {self._asked}", *further)
        request = SlotRequest(holder, self._asked, days=days, **fields)
        got = self.step(at, lambda arbiter: arbiter.reserve(request))
        if isinstance(got, Slot):
            self._names[got] = request.name
        return got

    def name_of(self, slot: Slot) -> str:
        """Return the name of a slot in the shared state."""
        return self._names[slot]

    def granted(self, at: float, holder: str, day: str | None = None, **more: Any) -> Slot:  # noqa: ANN401 - the rest of a `SlotRequest`
        """Take a slot that must be free."""
        got = self.ask(at, holder, day, **more)
        assert isinstance(got, Slot)
        return got

    def waits_until(self, at: float, holder: str, day: str | None = None, **more: Any) -> float | None:  # noqa: ANN401 - the rest of a `SlotRequest`
        """Request a slot that must not be free; return when to ask again, in seconds."""
        got = self.ask(at, holder, day, **more)
        assert isinstance(got, Wait)
        return None if got.until is None else got.until / S

    def release(self, at: float, slot: Slot, *, answered: bool = True) -> None:
        """Let a response come."""
        self.step(at, lambda arbiter: arbiter.release(self.name_of(slot), answered=answered))

    def rate_limited(self, at: float, slot: Slot, retry_after: float | None = None) -> float | None:
        """Let a request be answered with a 429; return the seconds of the pause if it begins one."""
        name = self.name_of(slot)
        pause = self.step(at, lambda arbiter: arbiter.rate_limited(name, retry_after, u=0.0, for_rate=True))
        return None if pause is None else pause.seconds
