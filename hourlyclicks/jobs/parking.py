"""A circuit breaker for each target of a run: a wrong link costs few requests, and an outage rejects no day.

The API rejects single days finally: those older than the data it keeps. It also rejects every day of a link
that does not exist, and, while it is under maintenance, every day of every target. One answer does not show
which; the answers around it do. Per target, in one run:

* **closed**: days are sent. When `ROW` answers in a row are the same rejection, one day decides:
* **checking** (half open): no day is sent but a *check*, a day that is known to be answered, or else the one
  at the other end of the range. When it is answered, only those days were rejected, and the breaker closes.
  When it is rejected in the same way,
* **parked** (open): no day is sent; those that were rejected have failed.
* **probing** (half open): one day is sent, to see whether that is over. The first answer closes the breaker.

Which rejections become final is decided in `hourlyclicks.jobs.rejection_log`, and whether the API rejects
everything in `hourlyclicks.jobs.outage`. All of this is a state machine without I/O;
`hourlyclicks.jobs.circuit` sends the requests and waits.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.clock import SECOND
from hourlyclicks.jobs.outage import OutageDetector
from hourlyclicks.jobs.rejection_log import Rejection, RejectionLog
from hourlyclicks.model.rejections import Likeness, likeness, rejects
from hourlyclicks.model.targets import Query

if TYPE_CHECKING:
    import datetime as dt

    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.ledger import LedgerEntry

ROW = 5
"""How many same rejections in a row call for a check."""

PROBE_AFTER = 60.0
"""Seconds after which a parked target is probed."""


class State(Enum):
    """The state of a circuit breaker."""

    CLOSED = auto()
    CHECKING = auto()
    PARKED = auto()
    PROBING = auto()


_PARKED = {State.PARKED, State.PROBING}


@attrs.define(eq=False)
class Breaker:
    """The circuit breaker of one target.

    Attributes:
        state: see the module.
        row: the days of the same rejections that came in a row.
        repeats: how many of these rejections were of a day that is in the row already.
        like: what they have in common.
        explained: what a check has shown not to be the rejection of every day; until the next answer.
        trial: the day of the check or probe that is in flight.
        claimed: whether a worker sends the check.
        since: when it was parked, or probed last, in nanoseconds.
        answers: how many answers there had been when it was parked.
    """

    state: State = State.CLOSED
    row: set[Query] = attrs.Factory(set)
    repeats: int = 0
    like: Likeness | None = None
    explained: Likeness | None = None
    trial: Query | None = None
    claimed: bool = False
    since: int = 0
    answers: int = 0

    @property
    def is_long(self) -> bool:
        """Whether the row calls for a check; a single day never does, however often it is rejected."""
        return len(self.row) >= ROW or (len(self.row) > 1 and len(self.row) + self.repeats >= ROW)

    def count(self, query: Query, like: Likeness) -> None:
        """Count one more rejection; another kind of it begins a new row."""
        if like != self.like:
            self.clear()
        self.repeats += query in self.row
        self.row.add(query)
        self.like = like

    def clear(self) -> None:
        """Begin a new row."""
        self.row.clear()
        self.repeats = 0


class Parking:
    """The circuit breakers of all targets of one run.

    Args:
        keeps: whether there is a store, in which a rejection can be recorded as final.

    Attributes:
        parked: the targets that are parked, and why.
        released: those that are parked no more, each with the days of it that were rejected.
        unsettled: whether anything was ever rejected.
        held: how many breakers are not closed; with none, every day may be sent.
        rejections: which rejections are final.
    """

    def __init__(self, *, keeps: bool) -> None:
        self.parked: dict[Target, HourlyClicksError] = {}
        self.released: list[tuple[Target, list[Query]]] = []
        self.unsettled = False
        self._keeps = keeps
        self._breakers: dict[Target, Breaker] = {}
        self._answered: dict[Target, dt.date] = {}
        self.held = 0
        self._healthy: Target | None = None  # answered last, and never rejected: the usual case
        self._answers = 0
        self.rejections = RejectionLog()
        self._outage = OutageDetector()

    @property
    def outage(self) -> bool:
        """Whether the API rejects everything; see `hourlyclicks.jobs.outage`."""
        return self._outage.outage

    # -- what came back ---------------------------------------------------------------------------------

    def answered(self, query: Query, sent: int) -> None:
        """Note that a day was answered; `sent` is when its request was sent, in nanoseconds."""
        self._answers += 1
        target = query.target
        if target is self._healthy:
            return
        self._answered[target] = query.day
        breaker = self._breakers.get(target)
        if breaker is None:
            self._healthy = target
        else:
            self._close(breaker, query, sent)

    def rejected(self, query: Query, error: HourlyClicksError, *, now: int, asked: dt.datetime) -> None:
        """Note that the API has rejected a day."""
        self.unsettled = True
        if self.rejections.is_confirming(query):
            return
        target = query.target
        breaker = self._breakers.setdefault(target, Breaker())
        if self._healthy == target:
            self._healthy = None
        if breaker.trial == query:
            self._trial_rejected(query, breaker, error, now)
            return
        breaker.count(query, likeness(error))
        self._outage.rejected(query, error, self._answers)
        if self._keeps and rejects(error):
            self.rejections.add(Rejection(query, error, now, asked, target in self._answered))
        if breaker.state is State.CLOSED and breaker.is_long and not self._is_explained(breaker):
            breaker.state, breaker.claimed = State.CHECKING, False
            self.held += 1

    def recorded(self, query: Query, earlier: LedgerEntry | None) -> None:
        """Note that a rejected day is in the store as failed; `earlier`: see `Rejection`."""
        self.rejections.recorded(query, earlier)

    # -- what may be sent -------------------------------------------------------------------------------

    def holds(self, query: Query) -> bool:
        """Return whether a day must not be sent now."""
        if not self.held:
            return False
        breaker = self._breakers.get(query.target)
        if breaker is None or breaker.state is State.CLOSED:
            return False
        return breaker.state is State.PARKED or breaker.trial != query

    def needs_check(self, target: Target) -> bool:
        """Return whether a check of a target is needed and no other worker sends it, and claim it if so."""
        breaker = self._breakers.get(target)
        if breaker is None or breaker.state is not State.CHECKING or breaker.claimed:
            return False
        breaker.claimed = True
        return True

    def known(self, target: Target) -> dt.date | None:
        """Return a day of a target that was answered in this run."""
        return self._answered.get(target)

    def was_rejected(self, target: Target) -> bool:
        """Return whether any day of a target was rejected in this run."""
        return target in self._breakers

    def needs_witness(self) -> bool:
        """Return whether the rejections may be about no target at all, and claim the witness if so."""
        return self._outage.needs_witness(self._answers)

    def witness(self) -> Query | None:
        """Return a day that was answered in this run, the latest one that may be sent."""
        for target in reversed(self._answered):
            query = Query(self._answered[target], target)
            if not self.holds(query):
                return query
        return None

    def drop_witness(self) -> None:
        """Note that the witness had no result; another one is called for in due time."""
        self._outage.drop_witness()

    def end_witness(self) -> HourlyClicksError | None:
        """Return the rejection that ends the run, if nothing was answered, not even the witness."""
        return self._outage.end_witness(self._answers)

    def begin_check(self, query: Query) -> None:
        """Allow the check to be sent."""
        self._breakers[query.target].trial = query

    def due_for_probe(self, now: int, *, last: bool = False) -> list[Target]:
        """Return the parked targets to probe: a minute after their last probe, and at the end of the run.

        Args:
            now: the present moment, in nanoseconds.
            last: whether it is the end, where a target is probed if anything was answered since.
        """
        return [
            target
            for target in self.parked
            if (breaker := self._breakers[target]).state is State.PARKED
            and (now - breaker.since >= PROBE_AFTER * SECOND or (last and self._answers > breaker.answers))
        ]

    def begin_probe(self, query: Query, now: int) -> None:
        """Allow a probe of a parked target to be sent."""
        breaker = self._breakers[query.target]
        breaker.state, breaker.trial, breaker.since = State.PROBING, query, now
        breaker.answers = self._answers

    def is_decided(self, query: Query) -> bool:
        """Return whether a check or probe has its result."""
        breaker = self._breakers.get(query.target)
        if breaker is None or breaker.trial != query:
            return False
        return breaker.state in {State.CLOSED, State.PARKED}

    def end_trial(self, target: Target, *, of: Query | None = None) -> None:
        """Note that a check or probe has ended; one without a result is sent again in due time.

        Args:
            target: its target.
            of: its day; ``None``: any, also if it was not sent.
        """
        breaker = self._breakers.get(target)
        if breaker is None or (of is not None and of != breaker.trial):
            return
        if breaker.state is State.CHECKING:
            breaker.row.pop()  # so that the next rejection calls for another check
            breaker.repeats = 0
            self._set_closed(breaker)
        elif breaker.state is State.PROBING:
            breaker.state = State.PARKED
        breaker.trial = None

    def awaiting_answer(self) -> list[Target]:
        """Return the targets whose rejections came in an earlier run, too, and lack an answer after them."""
        return [
            target
            for target, breaker in self._breakers.items()
            if breaker.state is State.CLOSED and self.rejections.awaits_answer(target)
        ]

    # -- inside -----------------------------------------------------------------------------------------

    def _is_explained(self, breaker: Breaker) -> bool:
        """Return whether it is known that this rejection is not of every day of the target."""
        like = breaker.like
        return like is not None and (like == breaker.explained or self.rejections.trusts(like))

    def _close(self, breaker: Breaker, query: Query, sent: int) -> None:
        """Note an answer of a target with a breaker.

        Which answer closes it depends on the state. A parked target is released by any answer, also by one to
        a request from before it was parked. While a check is needed, only the check closes the breaker: any
        other answer is to a request that was sent before the row was full. What the check has shown is kept
        as `explained`, or the next five days of the same gap would call for another check. In each state the
        answer may be what earlier rejections lack to become final.
        """
        if breaker.state in _PARKED:
            self._release(query.target, breaker)
        elif breaker.state is State.CLOSED or breaker.trial == query:
            breaker.explained = breaker.like if breaker.state is State.CHECKING else None
            self._set_closed(breaker)
            breaker.clear()
        self.rejections.answered(query.target, sent)

    def _release(self, target: Target, breaker: Breaker) -> None:
        """Release a parked target, with those of its days that were rejected."""
        del self.parked[target]
        self.released.append((target, self.rejections.drop_pending(target)))
        self._set_closed(breaker)
        breaker.clear()
        breaker.explained = None

    def _set_closed(self, breaker: Breaker) -> None:
        if breaker.state is not State.CLOSED:
            self.held -= 1
        breaker.state, breaker.claimed = State.CLOSED, False

    def _trial_rejected(self, query: Query, breaker: Breaker, error: HourlyClicksError, now: int) -> None:
        """Note that a check or a probe was rejected."""
        if breaker.state is State.PROBING:
            breaker.state = State.PARKED
        elif breaker.state is State.CHECKING and likeness(error) == breaker.like:
            self._park(query.target, breaker, error, now)
        else:
            breaker.count(query, likeness(error))
            self._set_closed(breaker)

    def _park(self, target: Target, breaker: Breaker, error: HourlyClicksError, now: int) -> None:
        """Open the breaker; a second target with the same rejection may be an outage."""
        if any(
            self._breakers[other].like == breaker.like and self._breakers[other].answers == self._answers
            for other in self.parked
        ):
            self._outage.parked_alike(error, self._answers)
        breaker.state, breaker.since, breaker.answers = State.PARKED, now, self._answers
        self.parked[target] = error
