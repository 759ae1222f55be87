"""A circuit breaker for each target of a run: a wrong link is cheap, and a sick server rejects no day.

The API rejects single days for good: those older than what it keeps. It also rejects every day of a link
that does not exist, and, while it is under maintenance, every day of everything. One answer does not tell
these apart; its company does. Per target, in one run:

* **closed**: days are sent. When `ROW` answers in a row are the same rejection, one day decides:
* **checking**: no day is sent but a *check*, a day that is known to be answered, or else the one at the
  other end of the range. When it is answered, only those days were rejected, and all goes on. When it is
  rejected likewise,
* **parked** (the circuit is open): no day is sent; those that were rejected have failed.
* **probing**: one day is sent to try whether that is over. The first answer closes the circuit.

A rejection is believed when the target was answered before it and after it, and the day, or one of those
rejected together with it, is rejected once more after that: no single stretch of sickness looks so. The
same rejection in an earlier run, as the store holds it, stands in for the answer before it, and for the
repetition, too, if the target was answered later in that run. A rejection that came again `TRUSTED` times,
and never failed to, is believed without being repeated. Every other rejected day has failed, and is asked
again in the next run. An answer counts as *after* a rejection only if its request was sent after that.

When a second target is parked by the same answer, or `WIDE` days of several targets are rejected alike (where
each has few days, no row gets long), and nothing was answered between, it may be about none of them: then a
*witness* is asked for, a day that was answered in this run. Unless it is answered, the run is `hopeless`.

All of this is a state machine; `hourlyclicks.jobs.circuit` sends and waits.
"""

from __future__ import annotations

from collections import Counter
from enum import Enum, auto
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.clock import SECOND
from hourlyclicks.errors import ApiError
from hourlyclicks.fetching.rejection import Rejection, rejects
from hourlyclicks.model.rejections import Likeness, likeness
from hourlyclicks.model.targets import Query
from hourlyclicks.store.ledger import DayState

if TYPE_CHECKING:
    import datetime as dt

    from hourlyclicks.model.targets import Target
    from hourlyclicks.store.ledger import LedgerEntry

ROW = 5
"""So many same rejections in a row, and another day is asked before the next one."""

PROBE_AFTER = 60.0
"""Seconds after which a parked target is probed."""

WIDE = 12
"""So many days of several targets rejected alike with no answer between may be about none of them."""

TRUSTED = 3
"""So many times a rejection was seen to come again before it is taken at its word."""


class State(Enum):
    """The state of a circuit."""

    CLOSED = auto()
    CHECKING = auto()
    PARKED = auto()
    PROBING = auto()


_PARKED = {State.PARKED, State.PROBING}


@attrs.define(eq=False)
class Breaker:
    """The circuit of one target.

    Attributes:
        state: see above.
        row: the days of the same rejections that came in a row.
        repeats: how many of these rejections were of a day that was rejected before.
        like: what they have in common.
        explained: the rejection of which a check has shown that other days are answered, until the next day.
        trial: the day of the check or probe that is under way.
        claimed: whether a task sends the check.
        pending: rejections after which no answer has come.
        ripe: rejections after which one has, or that need none.
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
    pending: list[Rejection] = attrs.Factory(list)
    ripe: list[Rejection] = attrs.Factory(list)
    since: int = 0
    answers: int = 0

    @property
    def is_long(self) -> bool:
        """Whether the row calls for a check; one day alone never does, however often it is repeated."""
        return len(self.row) >= ROW or (len(self.row) > 1 and len(self.row) + self.repeats >= ROW)

    def count(self, query: Query, like: Likeness) -> None:
        """Note one more rejection."""
        if like != self.like:
            self.clear()
        self.repeats += query in self.row
        self.row.add(query)
        self.like = like

    def clear(self) -> None:
        """Begin a new row."""
        self.row.clear()
        self.repeats = 0


@attrs.define(eq=False)
class Spread:
    """The same rejections that came in a row, whatever their targets.

    Attributes:
        error: the last of them.
        days: of which days they were, as far as that is of interest.
        answers: how many answers there had been before.
        most: so many days call for a witness; twice as many after each witness that was answered.
    """

    error: ApiError | None = None
    days: set[Query] = attrs.Factory(set)
    answers: int = 0
    most: int = WIDE

    def count(self, query: Query, error: ApiError, answers: int) -> None:
        """Note one more rejection."""
        if self.error is None or answers != self.answers or likeness(error) != likeness(self.error):
            self.days.clear()
        self.error, self.answers = error, answers
        self.days.add(query)

    def is_wide(self, answers: int) -> bool:
        """Return whether so many came that a witness is to be asked for."""
        if answers != self.answers or len(self.days) < self.most:
            return False
        first = next(iter(self.days)).target
        return any(query.target != first for query in self.days)


class Parking:
    """The circuits of all targets of one run.

    Args:
        keeps: whether there is a store, in which a day can be rejected for good.

    Attributes:
        parked: the targets that are parked, and why.
        lifted: those that are parked no more, each with the days of it that were rejected.
        hopeless: set when several targets are rejected alike, nothing is answered, and no witness is either.
        unsettled: whether anything was ever rejected.
        held: how many circuits are not closed; with none, every day may be sent.
        spread: the same rejections that came in a row, whatever their targets.
    """

    def __init__(self, *, keeps: bool) -> None:
        self.parked: dict[Target, ApiError] = {}
        self.lifted: list[tuple[Target, list[Query]]] = []
        self.hopeless = False
        self.unsettled = False
        self._keeps = keeps
        self._breakers: dict[Target, Breaker] = {}
        self._answered: dict[Target, dt.date] = {}
        self.held = 0
        self._well: Target | None = None  # answered last, with nothing else to tell of it
        self._answers = 0
        self.spread = Spread()
        self._second: ApiError | None = None  # why a second target was parked, nothing answered between
        self._before = 0  # how many answers there had been before that, or before the witness
        self._asking = False
        self._confirming: set[Query] = set()
        self._repeated: Counter[Likeness] = Counter()
        self._disproved: set[Likeness] = set()

    # -- what came back ---------------------------------------------------------------------------------

    def answered(self, query: Query, sent: int) -> None:
        """Note that a day was answered; `sent` is when its request left, in nanoseconds."""
        self._answers += 1
        target = query.target
        if target is self._well:
            return
        self._answered[target] = query.day
        breaker = self._breakers.get(target)
        if breaker is None:
            self._well = target
        else:
            self._close(breaker, query, sent)

    def rejected(self, query: Query, error: ApiError, *, now: int, asked: dt.datetime) -> None:
        """Note that the API has rejected a day."""
        self.unsettled = True
        if query in self._confirming:
            return
        target = query.target
        breaker = self._breakers.setdefault(target, Breaker())
        if self._well == target:
            self._well = None
        if breaker.trial == query:
            self._tried(query, breaker, error, now)
            return
        breaker.count(query, likeness(error))
        self.spread.count(query, error, self._answers)
        if self._keeps and rejects(error):
            breaker.pending.append(Rejection(query, error, now, asked, target in self._answered))
        if breaker.state is State.CLOSED and breaker.is_long and not self._is_explained(breaker):
            breaker.state, breaker.claimed = State.CHECKING, False
            self.held += 1

    def noted(self, query: Query, earlier: LedgerEntry | None) -> None:
        """Note that the store has a rejected day as failed; `earlier`: see `Rejection`."""
        breaker = self._breakers.get(query.target)
        if breaker is None:
            return
        for rejection in (*breaker.pending, *breaker.ripe):
            if rejection.query == query:
                rejection.noted, rejection.earlier = True, earlier
        if earlier is not None and earlier.state is DayState.REFUSED:  # nothing new
            breaker.ripe += [rejection for rejection in breaker.pending if rejection.query == query]
            breaker.pending = [rejection for rejection in breaker.pending if rejection.query != query]

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
        """Claim the check of a target, if one is needed and no other task sends it."""
        breaker = self._breakers.get(target)
        if breaker is None or breaker.state is not State.CHECKING or breaker.claimed:
            return False
        breaker.claimed = True
        return True

    def known(self, target: Target) -> dt.date | None:
        """Return a day of a target that was answered in this run."""
        return self._answered.get(target)

    def needs_witness(self) -> bool:
        """Claim the witness, if several targets were parked, or many of their days rejected, alike."""
        if self.hopeless or self._asking:
            return False
        second = self._second is not None and self._before == self._answers
        if not second and not self.spread.is_wide(self._answers):
            return False
        if not second:
            self.spread.most *= 2
        self._asking, self._before = True, self._answers
        return True

    def witness(self) -> Query | None:
        """Return a day that was answered in this run, the last that tells, of a target that is not held."""
        for target in reversed(self._answered):
            query = Query(self._answered[target], target)
            if not self.holds(query):
                return query
        return None

    def drop_witness(self) -> None:
        """Note that the witness came to nothing; another one is asked for in due time."""
        self._asking = False

    def end_witness(self) -> ApiError | None:
        """Return the rejection that makes the run hopeless, if nothing was answered, not even the witness."""
        error = self._second or self.spread.error
        if self._before == self._answers:
            self.hopeless = True
        self._asking, self._second = False, None
        return error if self.hopeless else None

    def begin_check(self, query: Query) -> None:
        """Let the check go."""
        self._breakers[query.target].trial = query

    def due_for_probe(self, now: int, *, last: bool = False) -> list[Target]:
        """Return the parked targets to probe: a minute after the last try, and at the end of the run.

        Args:
            now: the present moment, in nanoseconds.
            last: whether it is the end, where a probe tells more if anything was answered since.
        """
        return [
            target
            for target in self.parked
            if (breaker := self._breakers[target]).state is State.PARKED
            and (now - breaker.since >= PROBE_AFTER * SECOND or (last and self._answers > breaker.answers))
        ]

    def begin_probe(self, query: Query, now: int) -> None:
        """Let a probe of a parked target go."""
        breaker = self._breakers[query.target]
        breaker.state, breaker.trial, breaker.since = State.PROBING, query, now
        breaker.answers = self._answers

    def end_trial(self, target: Target, *, of: Query | None = None) -> None:
        """Note that a check or probe is over; one that came to nothing is sent again in due time.

        Args:
            target: whose.
            of: the day; ``None``: whichever it is, if it was sent at all.
        """
        breaker = self._breakers.get(target)
        if breaker is None or (of is not None and of != breaker.trial):
            return
        if breaker.state is State.CHECKING:
            breaker.row.pop()  # the next rejection asks for another one
            breaker.repeats = 0
            self._set_closed(breaker)
        elif breaker.state is State.PROBING:
            breaker.state = State.PARKED
        breaker.trial = None

    # -- what is believed -------------------------------------------------------------------------------

    def take_ripe(self, target: Target) -> list[Rejection]:
        """Take the rejections of a target after which it was answered, as far as the store has them."""
        breaker = self._breakers.get(target)
        if breaker is None or not breaker.ripe:
            return []
        taken = [rejection for rejection in breaker.ripe if rejection.noted]
        breaker.ripe = [rejection for rejection in breaker.ripe if not rejection.noted]
        return taken

    def unanswered(self) -> list[Target]:
        """Return the targets with rejections that came before, and after which no answer has come."""
        return [
            target
            for target, breaker in self._breakers.items()
            if breaker.state is State.CLOSED and any(rejection.earlier for rejection in breaker.pending)
        ]

    def trusts(self, like: Likeness) -> bool:
        """Return whether a rejection is believed without being repeated."""
        return self._repeated[like] >= TRUSTED and like not in self._disproved

    def begin_confirmation(self, query: Query) -> None:
        """Ask for a rejected day once more; the answer counts in no row."""
        self._confirming.add(query)

    def end_confirmation(self, query: Query) -> None:
        """Note that this is over."""
        self._confirming.discard(query)

    def repeated(self, like: Likeness, *, again: bool) -> None:
        """Note whether a rejection came again when its day was asked for once more."""
        if again:
            self._repeated[like] += 1
        else:
            self._disproved.add(like)

    # -- inside -----------------------------------------------------------------------------------------

    def _is_explained(self, breaker: Breaker) -> bool:
        """Return whether it is known that other days than those that are rejected now are answered."""
        like = breaker.like
        return like is not None and (like == breaker.explained or self.trusts(like))

    def _close(self, breaker: Breaker, query: Query, sent: int) -> None:
        """Note an answer in a circuit: the row is over, and what was rejected before may be believed."""
        if breaker.state in _PARKED:
            self._lift(query.target, breaker)
        elif breaker.state is State.CLOSED or breaker.trial == query:
            breaker.explained = breaker.like if breaker.state is State.CHECKING else None
            self._set_closed(breaker)
            breaker.clear()
        breaker.ripe += [rejection for rejection in breaker.pending if rejection.at <= sent]
        breaker.pending = [rejection for rejection in breaker.pending if rejection.at > sent]

    def _lift(self, target: Target, breaker: Breaker) -> None:
        """Let a target be worked on again, with the days that were rejected in vain."""
        del self.parked[target]
        self.lifted.append((target, [rejection.query for rejection in breaker.pending if rejection.noted]))
        breaker.pending.clear()
        self._set_closed(breaker)
        breaker.clear()
        breaker.explained = None

    def _set_closed(self, breaker: Breaker) -> None:
        if breaker.state is not State.CLOSED:
            self.held -= 1
        breaker.state, breaker.claimed = State.CLOSED, False

    def _tried(self, query: Query, breaker: Breaker, error: ApiError, now: int) -> None:
        """Note that a check or a probe was rejected."""
        if breaker.state is State.PROBING:
            breaker.state = State.PARKED
        elif breaker.state is State.CHECKING and likeness(error) == breaker.like:
            self._park(query.target, breaker, error, now)
        else:
            breaker.count(query, likeness(error))
            self._set_closed(breaker)

    def _park(self, target: Target, breaker: Breaker, error: ApiError, now: int) -> None:
        if any(
            self._breakers[other].like == breaker.like and self._breakers[other].answers == self._answers
            for other in self.parked
        ):
            self._second, self._before = error, self._answers
        breaker.state, breaker.since, breaker.answers = State.PARKED, now, self._answers
        self.parked[target] = error
