"""The life of one question, from the first request to the answer: a state machine without I/O.

::

    acquire ──► sent ──► answered ──► SUCCEEDED: done, `day` is the answer
       ▲                 │      └──► Pause ──► paused ─┐
       │                 └► broke ─────────────────────┴► Outcome of the slot ──► next
       └───────────────────────────────── at once, or after some seconds ──────────┘   └► raises: failed

`hourlyclicks.fetching.fetcher` is the loop around it: it acquires slots, sends, sleeps and keeps.

A 429 is no failure of the question. It pauses all requests, and the question is asked again. So is a
doubtful rejection of the key, see `hourlyclicks.fetching.trust`. A connection that had been closed before the
request got anywhere costs no attempt. Everything else that may be repeated is an attempt, see
`hourlyclicks.fetching.retry`; a backfill waits for its circuit breaker instead when too much fails.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

import attrs

from hourlyclicks.clock import Clock
from hourlyclicks.errors import ApiError, HourlyClicksError, RateLimitedError, TransportError
from hourlyclicks.events import AttemptFailed, Dispatcher, Refused
from hourlyclicks.fetching.retry import Retrier
from hourlyclicks.fetching.skew import SkewWatch
from hourlyclicks.fetching.trust import Doubt, KeyTrust, condemns
from hourlyclicks.model.dates import Finality
from hourlyclicks.pacing.breaker import MOST_PAUSES
from hourlyclicks.pacing.limiter import ANSWERED, LOST, SUCCEEDED, Limiter
from hourlyclicks.pacing.queue import Lane, OverError
from hourlyclicks.wire.age import dated
from hourlyclicks.wire.decode import decode_day
from hourlyclicks.wire.key import ApiKey
from hourlyclicks.wire.status import check_status, refusal

if TYPE_CHECKING:
    import datetime as dt

    from hourlyclicks.fetching.retry import Attempts
    from hourlyclicks.fetching.task import FetchTask
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.http import Response
    from hourlyclicks.model.targets import Query
    from hourlyclicks.pacing.limiter import Outcome
    from hourlyclicks.pacing.window import Slot
    from hourlyclicks.wire.status import Refusal

_OK = int(HTTPStatus.OK)
_MOST_STALE = 3
"""So many stale connections cost an attempt nothing; each kept connection can be one."""


class Pause(NamedTuple):
    """All requests have to pause, before the slot is given back.

    Args:
        retry_after: seconds, as the server asked, or ``None``.
        for_rate: whether the rate is the reason.
    """

    retry_after: float | None
    for_rate: bool


@attrs.frozen
class Rules:
    """What all exchanges of a client share.

    Args:
        key: the API key, for whatever must not repeat it.
        finality: when a day is final.
        skew: whether the clocks of this machine and the server agree.
        trust: whether the key is in doubt.
        retrier: how often and when to try again.
        limiter: paused, and told of overload and of errors that end everything.
        clock: what time it is.
        dispatch: told what happens.
    """

    key: ApiKey
    finality: Finality
    skew: SkewWatch
    trust: KeyTrust
    retrier: Retrier
    limiter: Limiter
    clock: Clock
    dispatch: Dispatcher

    def read(self, query: Query, response: Response, as_of: dt.datetime) -> DayClicks:
        """Read the day in a response.

        Raises:
            HourlyClicksError: there is none.
        """
        try:
            if response.status != _OK:
                check_status(response, key=self.key)
            final = self.finality.of(query.day, as_of)
            return decode_day(query, response, fetched_at=as_of, final=final, key=self.key)
        except HourlyClicksError as error:
            if error.retryable:
                response.discard()  # another connection may lead to a server that is well
            raise


class Exchange:
    """The requests for one day, and their answers.

    Args:
        rules: what all exchanges share.
        task: the day, and on whose behalf.

    Attributes:
        day: the answer, at the end.
        requests: how many were sent.
        asked: when the last one was sent; of a rejection, as of when it holds.
        failure: why the last attempt failed, when another one was to follow.
    """

    __slots__ = (
        "_attempts",
        "_doubted",
        "_error",
        "_pauses",
        "_rules",
        "_slot",
        "_stale",
        "_started",
        "_task",
        "asked",
        "day",
        "failure",
        "requests",
    )

    day: DayClicks
    asked: dt.datetime
    _slot: Slot
    _started: int

    def __init__(self, rules: Rules, task: FetchTask) -> None:
        self._rules = rules
        self._task = task
        self.requests = self._stale = self._pauses = 0
        self._doubted = False
        self.failure: HourlyClicksError | None = None
        self._error: HourlyClicksError | None = None
        self._attempts: Attempts | None = None

    # -- events -----------------------------------------------------------------------------------------

    def sent(self, slot: Slot) -> None:
        """Note that a request is sent."""
        if not self.requests:
            self._started = slot.sent
        self.requests += 1
        self._slot = slot
        self.asked = self._rules.clock.wall()  # the answer may be as old as that

    def answered(self, response: Response) -> Outcome | Pause:
        """Judge a response; return what it means for the slot and for all other requests."""
        rules = self._rules
        if response.status != _OK and (limited := refusal(response, rules.clock.wall())):
            return self._rate_limited(response, limited)
        query = self._task.query
        as_of, skew = dated(response, self.asked, query.day)
        if skew is not None:
            rules.skew.note(skew)
        try:
            self.day = rules.read(query, response, as_of)
        except HourlyClicksError as error:
            if isinstance(error, ApiError):
                self.asked = as_of  # a rejection of a day that was not over by then is not the last word
            return self._rejected(error.about(query.day, query.target))
        if not rules.trust.certain:
            rules.trust.accept()
        breakers = self._task.caller.breakers
        if breakers is not None:
            breakers.answered(query, self._slot.sent)
        return SUCCEEDED

    def paused(self, seconds: float) -> Outcome:
        """Note that all requests pause for so long because of the response."""
        if self._doubted:
            self._doubted = False
            self._rules.trust.paused(self._rules.limiter.epoch)
        self._check_patience(seconds)
        return LOST

    def broke(self, error: HourlyClicksError) -> Outcome:
        """Note that a request failed on its way, or that there is no use in waiting."""
        if isinstance(error, TransportError) and error.stale and self._stale < _MOST_STALE:
            self._stale += 1  # the server has not failed, so neither has the attempt
        else:
            self._fail(error)
        return LOST

    def next(self) -> float | None:
        """Return after how many seconds to send again; ``None``: at once.

        Raises:
            HourlyClicksError: the day has failed.
            OverError: the job is over.
        """
        error, self._error = self._error, None
        return None if error is None else self._after(error)

    # -- what a response means --------------------------------------------------------------------------

    def _rate_limited(self, response: Response, limited: Refusal) -> Pause:
        """Ask for a pause of all requests; the question itself has not failed."""
        for_rate = limited.status == HTTPStatus.TOO_MANY_REQUESTS
        if not for_rate:
            response.discard()
        self._pauses += 1
        query, dispatch = self._task.query, self._rules.dispatch
        if dispatch:
            dispatch(Refused(day=query.day, target=query.target, status=limited.status))
        return Pause(limited.retry_after, for_rate)

    def _rejected(self, error: HourlyClicksError) -> Outcome | Pause:
        """Judge an answer without figures: it may be about the key, about the day, or about neither."""
        rules, limiter, query = self._rules, self._rules.limiter, self._task.query
        try:
            doubt = rules.trust.doubt(error, sent=self._slot.epoch, epoch=limiter.epoch)
        except HourlyClicksError as wrong:
            return self._fail(wrong)
        if doubt is Doubt.PAUSE:
            self._doubted = True
            return Pause(None, for_rate=False)
        if doubt is Doubt.ASK_AGAIN:
            self._check_patience(limiter.pause)
            return LOST
        breakers = self._task.caller.breakers
        if breakers is not None and isinstance(error, ApiError):
            breakers.rejected(query, error, now=rules.clock.monotonic(), asked=self.asked)
        self._fail(error)
        return ANSWERED

    def _check_patience(self, pause: float) -> None:
        """Give the day up if it was paused too often, or would wait past its deadline; the others go on."""
        if self._pauses > MOST_PAUSES:
            error = RateLimitedError(f"the server refused this day {self._pauses} times", retry_after=pause)
        elif self._rules.retrier.too_late(self._started, pause):
            error = RateLimitedError("the server asks to wait beyond the deadline", retry_after=pause)
        else:
            return
        error.fatal = False
        self._error = error

    def _fail(self, error: HourlyClicksError) -> Outcome:
        """Note that the attempt has failed; an error that no day can survive ends all that wait."""
        self._error = error
        if error.fatal:
            self._rules.limiter.abort(error, for_good=condemns(error))
        return LOST

    # -- what follows a failure -------------------------------------------------------------------------

    def _after(self, error: HourlyClicksError) -> float | None:
        """Return after how many seconds to try again."""
        rules, job = self._rules, self._task.job
        if not rules.retrier.may_repeat(error):
            self._report_overload(error)
            raise error
        wait = self._wait_for_breaker(error)
        if wait is not None and not rules.retrier.too_late(self._started, wait):
            self._tell(self.requests, wait, error)
            return None  # the limiter holds it back
        if self._attempts is None:
            if job.over:
                raise OverError
            self._attempts = rules.retrier.begin(self._started)
        number = self._attempts.number
        wait = self._attempts.failed(error)
        self._tell(number, wait, error)
        return wait

    def _report_overload(self, error: HourlyClicksError) -> None:
        """Let a backfill pause when too much fails although nothing is repeated."""
        rules = self._rules
        if not error.retryable or self._task.job.lane is not Lane.BACKFILL or isinstance(error, ApiError):
            return
        if rules.retrier.budget.spent:
            rules.limiter.overloaded()
        else:
            rules.retrier.budget.take()

    def _wait_for_breaker(self, error: HourlyClicksError) -> float | None:
        """Return for how many seconds a backfill waits when too much fails; other jobs do not wait.

        It does not wait for a gateway that answers for itself, which the breakers of the targets deal with.
        """
        if isinstance(error, ApiError):
            return None
        if self._task.job.lane is Lane.BACKFILL and self._rules.retrier.budget.spent:
            return self._rules.limiter.overloaded()
        return None

    def _tell(self, attempt: int, wait: float, error: HourlyClicksError) -> None:
        """Report an attempt that will be followed by another."""
        query, dispatch = self._task.query, self._rules.dispatch
        self.failure = error.about(query.day, query.target)
        self._task.caller.retries += 1
        if dispatch:
            dispatch(
                AttemptFailed(day=query.day, target=query.target, attempt=attempt, wait=wait, error=error)
            )
