"""Whether the API rejects everything, whatever the target: then the run ends.

The circuit breaker of a target opens when its own days are rejected in a row. That is not enough when the
API is under maintenance, or a gateway answers in its place: a run with thousands of targets would park them
one by one, and where each target has few days, no row gets long. So two things are watched across targets:
that a second target is parked by the same rejection, and that `WIDE` days of several targets are rejected
alike, each without an answer in between. Either calls for a *witness*: a day that was answered earlier is
requested again, or else a day of a target that was not rejected. If the witness is not answered, this is an
outage. Without it, a few wrong links that come first, as failed days do, would end every run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourlyclicks.model.rejections import likeness

if TYPE_CHECKING:
    from hourlyclicks.errors import HourlyClicksError
    from hourlyclicks.model.targets import Query

WIDE = 12
"""How many days of several targets, rejected alike with no answer in between, call for a witness."""


class OutageDetector:
    """Watch the rejections of a run across its targets. Every `answers` is the number of answers so far.

    Attributes:
        outage: whether there is an outage; it does not end within the run.
    """

    def __init__(self) -> None:
        self.outage = False
        self._error: HourlyClicksError | None = None  # the last rejection of the row
        self._days: set[Query] = set()  # the days of the row
        self._answers = 0  # at its beginning
        self._most = WIDE  # twice as many after each witness that was answered
        self._second: HourlyClicksError | None = None  # why a second target was parked, with no answer since
        self._before = 0  # how many answers there were then, or when the witness was called for
        self._asking = False

    def rejected(self, query: Query, error: HourlyClicksError, answers: int) -> None:
        """Note one more rejection; an answer, or another rejection, begins a new row."""
        if self._error is None or answers != self._answers or likeness(error) != likeness(self._error):
            self._days.clear()
        self._error, self._answers = error, answers
        self._days.add(query)

    def parked_alike(self, error: HourlyClicksError, answers: int) -> None:
        """Note that a second target was parked by the same rejection, with no answer in between."""
        self._second, self._before = error, answers

    def needs_witness(self, answers: int) -> bool:
        """Return whether a witness has to be requested; the caller then has to do it."""
        if self.outage or self._asking:
            return False
        second = self._second is not None and self._before == answers
        if not second and not self._is_wide(answers):
            return False
        if not second:
            self._most *= 2
        self._asking, self._before = True, answers
        return True

    def drop_witness(self) -> None:
        """Note that the witness had no result; another one is called for in due time."""
        self._asking = False

    def end_witness(self, answers: int) -> HourlyClicksError | None:
        """Note that the witness has ended; return the rejection if nothing was answered since it was sent."""
        error = self._second or self._error
        if self._before == answers:
            self.outage = True
        self._asking, self._second = False, None
        return error if self.outage else None

    def _is_wide(self, answers: int) -> bool:
        """Return whether the row is long enough, and of more than one target."""
        if answers != self._answers or len(self._days) < self._most:
            return False
        first = next(iter(self._days)).target
        return any(query.target != first for query in self._days)
