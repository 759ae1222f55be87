"""Time limits of requests: one timer for all that are under way.

A limit that is hardly ever reached would be set and called off again with every request, and with every piece
of its answer, which is a good part of what a request costs. All have the same limits, so one timer is enough,
due when the first of them could run out; only then does anybody look at the single ones.
"""

from __future__ import annotations

import asyncio
import math


class Term:
    """The time one request has.

    Attributes:
        scope: to be entered by the task that sends; raises ``TimeoutError`` when the time is up.
        ends: when it is up in any case, on the clock of the event loop.
        heard: when there was the last sign of life; the limit on silence counts from it.
    """

    __slots__ = ("_loop", "ends", "heard", "scope")

    def __init__(self, loop: asyncio.AbstractEventLoop, ends: float) -> None:
        self.scope = asyncio.timeout(None)
        self.ends = ends
        self.heard = math.inf
        self._loop = loop

    def beat(self) -> None:
        """Note a sign of life."""
        self.heard = self._loop.time()


class Watch:
    """Let requests time out.

    Args:
        total: the seconds a request has.
        silence: the seconds for which nothing may be heard of it.
    """

    def __init__(self, *, total: float, silence: float = math.inf) -> None:
        self._total = total
        self._silence = silence
        self._terms: set[Term] = set()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> Term:
        """Give a request its time, from now on."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        term = Term(loop, now + self._total)
        self._terms.add(term)
        if self._timer is None:
            self._timer = loop.call_at(now + min(self._total, self._silence), self._look, loop)
        return term

    def end(self, term: Term) -> None:
        """Note that a request is over."""
        self._terms.discard(term)

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """End what has run out of time, and come back when the next could."""
        self._timer = None
        now = loop.time()
        for term in tuple(self._terms):
            if self._due(term) <= now:
                self._terms.discard(term)
                term.scope.reschedule(now)
        if self._terms:
            self._timer = loop.call_at(min(map(self._due, self._terms)), self._look, loop)

    def _due(self, term: Term) -> float:
        return min(term.ends, term.heard + self._silence)
