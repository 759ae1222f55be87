"""Which rejections of a run are final, and which may be due to an outage.

The API rejects a day that is older than the data it keeps, and then the rejection is final. While it is under
maintenance it rejects every day in the same words, and then it is not. A single answer does not show which.

A rejection is final when its target was answered before it and after it, and the day, or one of those
rejected together with it, is rejected once more after that: no single outage looks like that. The same
rejection in an earlier run, as the store holds it, counts as the answer before it. It also counts as the
repetition, if the target was answered later in that run. A kind of rejection that was repeated `TRUSTED`
times, and never failed to be, is trusted without being repeated. Every other rejected day has failed, and is
requested again in the next run. An answer counts as *after* a rejection only if its request was sent after
the rejection had come.

A rejection is *pending* until an answer has come after it, and *ready* from then on:
`hourlyclicks.jobs.confirmer` takes it, and repeats its request if it has to.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.errors import ApiError
from hourlyclicks.model.targets import Query
from hourlyclicks.store.ledger import DayState, LedgerEntry

if TYPE_CHECKING:
    from hourlyclicks.model.rejections import Likeness
    from hourlyclicks.model.targets import Target

TRUSTED = 3
"""How many times a kind of rejection has to be repeated before it is trusted."""


@attrs.define(eq=False)
class Rejection:
    """A rejected day whose rejection may become final.

    Args:
        query: the day.
        error: the rejection.
        at: when it came, in nanoseconds.
        asked: when its request was sent.
        between: whether a day of the target had been answered before it in this run.
        recorded: whether it is in the store as failed.
        earlier: the ledger entry of the same rejection in an earlier run, if there is one.
    """

    query: Query
    error: ApiError
    at: int
    asked: dt.datetime
    between: bool
    recorded: bool = False
    earlier: LedgerEntry | None = None


class RejectionLog:
    """The rejections of one run that may become final, by target."""

    def __init__(self) -> None:
        self._pending: dict[Target, list[Rejection]] = {}
        self._ready: dict[Target, list[Rejection]] = {}
        self._confirming: set[Query] = set()
        self._repeated: Counter[Likeness] = Counter()
        self._disproved: set[Likeness] = set()

    def add(self, rejection: Rejection) -> None:
        """Add a rejection after which no answer has come yet."""
        self._pending.setdefault(rejection.query.target, []).append(rejection)

    def recorded(self, query: Query, earlier: LedgerEntry | None) -> None:
        """Note that a rejected day is in the store as failed; `earlier`: see `Rejection`."""
        target = query.target
        pending = self._pending.get(target, [])
        for rejection in (*pending, *self._ready.get(target, ())):
            if rejection.query == query:
                rejection.recorded, rejection.earlier = True, earlier
        if earlier is not None and earlier.state is DayState.REFUSED:  # final already, so nothing is missing
            self._move(target, [rejection for rejection in pending if rejection.query == query])

    def answered(self, target: Target, sent: int) -> None:
        """Note that a request for a target, sent at that moment, was answered."""
        if target in self._pending:
            self._move(target, [rejection for rejection in self._pending[target] if rejection.at <= sent])

    def awaits_answer(self, target: Target) -> bool:
        """Return whether a rejection that came in an earlier run, too, lacks an answer after it."""
        return any(rejection.earlier for rejection in self._pending.get(target, ()))

    def drop_pending(self, target: Target) -> list[Query]:
        """Forget the pending rejections of a target; return the days that are in the store as failed."""
        return [rejection.query for rejection in self._pending.pop(target, ()) if rejection.recorded]

    def take_ready(self, target: Target) -> list[Rejection]:
        """Remove and return the rejections of a target that are ready and in the store as failed."""
        ready = self._ready.get(target)
        if not ready:
            return []
        self._ready[target] = [rejection for rejection in ready if not rejection.recorded]
        return [rejection for rejection in ready if rejection.recorded]

    # -- repetitions ------------------------------------------------------------------------------------

    def trusts(self, like: Likeness) -> bool:
        """Return whether a kind of rejection is final without being repeated."""
        return self._repeated[like] >= TRUSTED and like not in self._disproved

    def begin_confirmation(self, query: Query) -> None:
        """Note that the request for a rejected day is repeated; its answer counts in no row."""
        self._confirming.add(query)

    def end_confirmation(self, query: Query) -> None:
        """Note that the repeated request has ended."""
        self._confirming.discard(query)

    def is_confirming(self, query: Query) -> bool:
        """Return whether the request for a day is being repeated."""
        return query in self._confirming

    def repeated(self, like: Likeness, *, again: bool) -> None:
        """Note whether a rejection came again when its request was repeated."""
        if again:
            self._repeated[like] += 1
        else:
            self._disproved.add(like)

    def _move(self, target: Target, rejections: list[Rejection]) -> None:
        """Make pending rejections ready."""
        self._ready.setdefault(target, []).extend(rejections)
        moved = set(map(id, rejections))
        self._pending[target] = [each for each in self._pending.get(target, []) if id(each) not in moved]
