"""The life of one task, from the first request to the answer: a state machine without I/O.

::

    acquire ──► sent ──► answered ──► SUCCEEDED: done, `days` is the answer
       ▲                 │      └──► PauseAll ──► paused ─┐
       │                 └► broke ────────────────────────┴► Outcome of the slot ──► next
       └──────────────────────────────────── at once, or after some seconds ──────────┘   └► raises: failed

`hourlyclicks.fetching.fetcher` is the loop around it: it acquires slots, sends, sleeps and stores.

A 429 is no failed attempt: it pauses all requests, and then the request is repeated. The same is done after
a doubtful rejection of the key, see `hourlyclicks.fetching.key_trust`. A connection that had been closed
before the request was sent costs no attempt either. Every other error that may be repeated costs one, see
`hourlyclicks.fetching.retry`; when too many requests fail, a backfill waits for its circuit breaker
instead.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from hourlyclicks import events
from hourlyclicks.clock import SECOND
from hourlyclicks.errors import ApiError, HourlyClicksError, RateLimitedError, TransportError
from hourlyclicks.fetching.key_trust import Doubt, rejects_key
from hourlyclicks.model.priority import Lane
from hourlyclicks.model.questions import Question
from hourlyclicks.model.rejections import is_lasting
from hourlyclicks.pacing.breaker import MOST_PAUSES
from hourlyclicks.pacing.limiter import ANSWERED, LOST, SUCCEEDED
from hourlyclicks.pacing.queue import OverError
from hourlyclicks.wire.age import dated
from hourlyclicks.wire.endpoints import CLICKS_BY_HOUR, ENDPOINTS
from hourlyclicks.wire.status import RateLimited

if TYPE_CHECKING:
    import datetime as dt

    from hourlyclicks.fetching.retry import Attempts
    from hourlyclicks.fetching.rules import Rules
    from hourlyclicks.fetching.task import FetchTask
    from hourlyclicks.model.http import Response
    from hourlyclicks.pacing.limiter import Outcome
    from hourlyclicks.pacing.window import Slot

_OK = int(HTTPStatus.OK)
_DAY = CLICKS_BY_HOUR.name
_MOST_STALE = 3
"""How many stale connections cost no attempt; each connection that is kept alive can be one."""


class PauseAll(NamedTuple):
    """All requests have to pause, before the slot is given back.

    Args:
        retry_after: seconds, as the server asked, or ``None``.
        for_rate: whether the rate is the reason.
    """

    retry_after: float | None
    for_rate: bool


class Exchange:
    """The requests for one question, and their responses.

    Args:
        rules: what all exchanges share.
        task: the day, or the first one, and the caller it is fetched for.
        question: what the requests ask; ``None``: the hours of that day.

    Attributes:
        unit: what is asked for, in words.
        about_days: whether days are asked for.
        endpoint: what is asked.
        days: the result, at the end.
        requests: how many were sent.
        asked: when the last one was sent; after an answer, the moment that it was true of.
        failure: why the last attempt failed, if another one was to follow.
        reported: whether its requests were reported, so that its day is to be, too.
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
        "days",
        "endpoint",
        "failure",
        "question",
        "reported",
        "requests",
    )

    unit: ClassVar = "day"
    about_days: ClassVar = True
    days: tuple[Any, ...]
    asked: dt.datetime
    _slot: Slot
    _started: int

    def __init__(self, rules: Rules, task: FetchTask, question: Question | None = None) -> None:
        self._rules = rules
        self._task = task
        self.question = Question.of(task.query, _DAY) if question is None else question
        self.endpoint = ENDPOINTS[self.question.endpoint]
        self.requests = self._stale = self._pauses = 0
        self._doubted = self.reported = False
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
        self.asked = self._rules.clock.wall()  # the figures may be as old as that

    def held_back(self) -> None:
        """Note that the last request was not sent after all."""
        self.requests -= 1

    def answered(self, response: Response) -> Outcome | PauseAll:
        """Evaluate a response; return what it means for the slot and for all other requests."""
        rules, query, failure = self._rules, self._task.query, None
        if response.status != _OK:
            judged = self.endpoint.judge(response, rules.clock.wall(), key=rules.key)
            if isinstance(judged, RateLimited):
                return self._rate_limited(response, judged)
            failure = judged
        as_of, skew = dated(response, self.asked, query.day)
        if skew is not None:
            rules.skew.record(skew)
        if failure is not None:
            return self._rejected(failure, response, as_of)
        try:
            self.days = self.endpoint.decode(
                self.question, response, fetched_at=as_of, is_final=rules.finality.of, key=rules.key
            )
        except HourlyClicksError as error:
            return self._rejected(error, response, as_of)
        self.asked = as_of
        if not rules.trust.certain:
            rules.trust.accept()
        breakers = self._task.caller.breakers
        if breakers is not None:
            breakers.answered(query, self._slot.sent)
        return SUCCEEDED

    def paused(self, seconds: float) -> Outcome:
        """Note that all requests pause for so many seconds because of the response."""
        if self._doubted:
            self._doubted = False
            self._rules.trust.paused(self._rules.limiter.epoch)
        self._check_bounds(seconds)
        return LOST

    def broke(self, error: HourlyClicksError) -> Outcome:
        """Note that a request failed in transport, or that the pause would be too long."""
        if isinstance(error, TransportError) and error.stale and self._stale < _MOST_STALE:
            self._stale += 1  # nothing reached the server, so this is no attempt
        else:
            self._fail(error)
        return LOST

    def next(self) -> float | None:
        """Return the seconds until the next request; ``None``: at once.

        Raises:
            HourlyClicksError: the day has failed.
            OverError: the job is over, or no caller waits for the day any more.
        """
        error, self._error = self._error, None
        if self._task.unattended and (error is None or self._rules.retrier.may_repeat(error)):
            raise OverError
        return None if error is None else self._after(error)

    # -- what a response means --------------------------------------------------------------------------

    def _rate_limited(self, response: Response, limited: RateLimited) -> PauseAll:
        """Return the pause that a 429 asks for; the attempt itself has not failed."""
        for_rate = limited.status == HTTPStatus.TOO_MANY_REQUESTS
        if not for_rate:
            response.discard()
        self._pauses += 1
        self._task.caller.rate_limited += 1
        self._report_limit(limited.status)
        return PauseAll(limited.retry_after, for_rate)

    def _rejected(
        self, error: HourlyClicksError, response: Response, as_of: dt.datetime
    ) -> Outcome | PauseAll:
        """Evaluate a response without figures: it may be about the key, the day, or neither."""
        rules, limiter = self._rules, self._rules.limiter
        self._name(error)
        if error.retryable:
            response.discard()  # another connection may lead to a healthy server
        if isinstance(error, ApiError):
            self.asked = as_of  # a rejection of a day that was not over by then is not final
        try:
            doubt = rules.trust.doubt(error, sent=self._slot.epoch, epoch=limiter.epoch, bare=self._bare)
        except HourlyClicksError as wrong:
            return self._fail(wrong)
        if doubt is Doubt.PAUSE:
            self._doubted = True
            return PauseAll(None, for_rate=False)
        if doubt is Doubt.ASK_AGAIN:
            self._check_bounds(limiter.pause)
            return LOST
        if is_lasting(error):
            self._report_rejection(error)
        self._fail(error)
        return ANSWERED

    @property
    def _bare(self) -> bool:
        """Whether the request names nothing that could be rejected in place of the key."""
        return False

    def _report_rejection(self, error: HourlyClicksError) -> None:
        """Report to the circuit breakers that the day is rejected, or that its answer cannot be used."""
        breakers = self._task.caller.breakers
        if breakers is not None:
            now = self._rules.clock.monotonic()
            breakers.rejected(self._task.query, error, now=now, asked=self.asked)

    def _check_bounds(self, pause: float) -> None:
        """Fail the day if it was paused too often, or would wait past its deadline; other days go on."""
        if self._pauses > MOST_PAUSES:
            error = RateLimitedError(
                f"the server rate-limited this {self.unit} {self._pauses} times", retry_after=pause
            )
        elif self._rules.retrier.too_late(self._started, pause):
            error = RateLimitedError("the server asks to wait beyond the deadline", retry_after=pause)
        else:
            return
        error.fatal = False
        self._error = error

    def _fail(self, error: HourlyClicksError) -> Outcome:
        """Note that the attempt has failed; a fatal error ends the wait of all tasks."""
        self._error = error
        if error.fatal:
            self._rules.limiter.abort(error, for_good=rejects_key(error))
        return LOST

    # -- what follows a failure -------------------------------------------------------------------------

    def _after(self, error: HourlyClicksError) -> float | None:
        """Return the seconds until the next attempt, or raise the error.

        The order of the checks matters. An error that is never retried comes first, and is still reported to
        the breaker of the backfills. Then the breaker is asked: while it is open, a backfill spends neither
        an attempt nor the retry budget, since the failures are not about its day. Only then does the attempt
        count against the retry policy, which raises the error after the last one. A job that is over starts
        no retries, because no later request of it could be sent.
        """
        rules, job = self._rules, self._task.job
        if not rules.retrier.may_repeat(error):
            self._report_overload(error)
            raise error
        wait = self._wait_for_breaker(error)
        if wait is not None and not rules.retrier.too_late(self._started, wait):
            self._report_retry(self.requests, wait, error)
            return None  # the limiter delays the request until the breaker lets it through
        if self._attempts is None:
            if job.over:
                raise OverError
            self._attempts = rules.retrier.begin(self._started)
        number = self._attempts.number
        wait = self._attempts.failed(error)
        self._report_retry(number, wait, error)
        return wait

    def _report_overload(self, error: HourlyClicksError) -> None:
        """Open the breaker of the backfills when too many requests fail, although none is retried."""
        rules = self._rules
        if not error.retryable or self._task.job.lane is not Lane.BACKFILL or isinstance(error, ApiError):
            return
        if rules.retrier.budget.spent:
            rules.limiter.overloaded()
        else:
            rules.retrier.budget.take()

    def _wait_for_breaker(self, error: HourlyClicksError) -> float | None:
        """Return the seconds that a backfill waits for its open breaker; ``None``: it need not wait.

        Other jobs do not wait. Errors of a gateway are left to the breakers of the targets.
        """
        if isinstance(error, ApiError):
            return None
        if self._task.job.lane is Lane.BACKFILL and self._rules.retrier.budget.spent:
            return self._rules.limiter.overloaded()
        return None

    def _report_retry(self, attempt: int, wait: float, error: HourlyClicksError) -> None:
        """Report an attempt that has failed and will be followed by another."""
        self.failure = self._name(error)
        self._task.caller.retries += 1
        self._report_attempt(attempt, wait, error)

    # -- how it is reported: a request that is not about a day overrides these -----------------------------

    def report_request(
        self, response: Response | None, wanted: int | None, error: BaseException | None = None
    ) -> None:
        """Report that the last request has ended.

        Args:
            response: the response, if there is one.
            wanted: when it was to be sent, in nanoseconds of the clock, if it had to wait for its slot.
            error: why there is no response.
        """
        sent, now = self._slot.sent, self._rules.clock.monotonic()
        first, last, target, _ = self.question
        self.reported = True
        done = events.RequestDone(
            target=target if self.about_days else None,
            day=first if self.about_days else None,
            days=(last - first).days + 1 if self.about_days else 0,
            endpoint=self.endpoint.name,
            status=None if response is None else response.status,
            seconds=(now - sent) / SECOND,
            waited=0.0 if wanted is None else max(0, sent - wanted) / SECOND,
            attempt=self.requests,
            bytes=0 if response is None else len(response.body),
            error=error if isinstance(error, HourlyClicksError) else None,
            **self._task.caller.context.tags,
        )
        self._rules.dispatch(done)

    def _name(self, error: HourlyClicksError) -> HourlyClicksError:
        """Add to an error what was asked for, and return it."""
        return error.about(*self._task.query)

    def _report_limit(self, status: int) -> None:
        """Report a 429, or a 503 with ``Retry-After``."""
        query, tags = self._task.query, self._task.caller.context.tags
        self._rules.dispatch(events.Refused(day=query.day, target=query.target, status=status, **tags))

    def _report_attempt(self, attempt: int, wait: float, error: HourlyClicksError) -> None:
        """Report an attempt that has failed, to the hook."""
        query, tags = self._task.query, self._task.caller.context.tags
        failed = events.AttemptFailed(
            day=query.day, target=query.target, attempt=attempt, wait=wait, error=error, **tags
        )
        self._rules.dispatch(failed)
