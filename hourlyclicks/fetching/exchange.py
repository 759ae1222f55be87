"""One day, from the question to the answer.

A day is asked for in attempts. An attempt waits for a slot, sends one request, and reads the answer. A
refusal because of the rate is no failure of the day: it pauses everybody and then the same attempt goes on.
What an answer means to others (a pause, the end of the run) is said while its slot is still held, so that
nobody slips out in between.

With a store, an answer is kept before the day counts as done, and a day that another process has got while
this one was waiting for its turn is taken from the store.
"""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from hourlyclicks.errors import (
    ApiError,
    HourlyClicksError,
    RateLimitedError,
    TransportError,
)
from hourlyclicks.events import AttemptFailed, DayDone, DayFailed, Refused
from hourlyclicks.fetching.skew import SkewWatch
from hourlyclicks.fetching.trust import Doubt, KeyTrust, condemns
from hourlyclicks.model.dates import Finality
from hourlyclicks.model.day import DayClicks
from hourlyclicks.pacing.queue import HeldError, Lane, OverError
from hourlyclicks.pacing.spacing import MOST_PAUSES
from hourlyclicks.pacing.task import NotNeededError, TakenError
from hourlyclicks.wire.age import dated
from hourlyclicks.wire.decode import decode_day
from hourlyclicks.wire.request import build_request
from hourlyclicks.wire.status import Refusal, check_status, refusal

if TYPE_CHECKING:
    import datetime as dt

    from hourlyclicks.clock import Clock
    from hourlyclicks.events import Dispatcher
    from hourlyclicks.fetching.cache import DayCache
    from hourlyclicks.fetching.retry import Retrier
    from hourlyclicks.model.http import Response
    from hourlyclicks.model.targets import Query
    from hourlyclicks.pacing.limiter import Limiter
    from hourlyclicks.pacing.queue import Job
    from hourlyclicks.pacing.task import FetchTask
    from hourlyclicks.pacing.window import Slot
    from hourlyclicks.transport.aiohttp import Transport
    from hourlyclicks.wire.request import Origin


_OK = int(HTTPStatus.OK)
_MOST_STALE = 3
"""So many stale connections cost an attempt nothing; each kept connection can be one."""
_TAKEN = 0.05
"""Seconds after which to look again whether another process has got a day."""


class DayFetcher:
    """Fetch single days from the API.

    Args:
        origin: where the API is and who asks.
        zone: the account's time zone, or ``None`` when it is not known.
        transport: carries the requests.
        limiter: says when.
        retrier: repeats what failed.
        clock: what time it is.
        announce: told what happens.
        concurrency: how many requests may be under way at a time.
        archive: keeps what is fetched, if anything does.
    """

    def __init__(
        self,
        *,
        origin: Origin,
        zone: dt.tzinfo | None,
        transport: Transport,
        limiter: Limiter,
        retrier: Retrier,
        clock: Clock,
        dispatch: Dispatcher,
        concurrency: int = 1,
        cache: DayCache | None = None,
    ) -> None:
        self._origin = origin
        self._finality = Finality(zone)
        self._skew = SkewWatch(dispatch)
        self._trust = KeyTrust(concurrency)
        self._transport = transport
        self._limiter = limiter
        self._retrier = retrier
        self._clock = clock
        self._dispatch = dispatch
        self._cache = cache

    def gives_up(self, call: Job) -> bool:
        """Return whether so much has failed that a call had better end; a backfill pauses a while first."""
        patient = call.lane is Lane.BACKFILL and not self._limiter.stormed_out
        return self._retrier.budget.spent and not patient

    async def fetch(self, task: FetchTask) -> DayClicks:
        """Fetch one day.

        Raises:
            HourlyClicksError: it failed for good; the error carries its day and target.
            OverError: the call was over before that was known.
        """
        try:
            try:
                day = await self._exchange(task)
            except HourlyClicksError as error:
                day = await self._repeat(task, error)
            self._retrier.budget.earn()
            self._limiter.calmed()
            if self._cache is not None:
                taken = await self._cache.put(task.query, day, requests=task.requests, refresh=task.refresh)
                day = taken.day
                task.call.revised += taken.revised
        except HourlyClicksError as error:
            await self._failed(task, error)
            raise
        except HeldError:
            await self._held(task)
            raise
        except NotNeededError:
            return await self._found(task)
        finally:
            if self._cache is not None:
                self._limiter.settled(task.query)
        if self._dispatch:
            query = task.query
            self._dispatch(
                DayDone(day=query.day, target=query.target, requests=task.requests, final=day.final)
            )
        task.call.answered += not task.again
        return day

    async def _failed(self, task: FetchTask, error: HourlyClicksError) -> None:
        """Tell and note that a day was given up."""
        query = task.query
        error.about(query.day, query.target)
        await self._note(task, error)
        if self._dispatch:
            self._dispatch(DayFailed(day=query.day, target=query.target, requests=task.requests, error=error))

    async def _held(self, task: FetchTask) -> None:
        """Note why a day has failed so far that a circuit breaker keeps from being repeated."""
        failure = getattr(task, "failure", None)
        if failure is not None:
            await self._note(task, failure)

    async def _note(self, task: FetchTask, error: HourlyClicksError) -> None:
        """Let the store know that a day failed."""
        if self._cache is None or not task.requests or error.fatal:
            return
        earlier = await self._cache.record_failure(
            task.query,
            error,
            asked=task.asked,
            requests=task.requests,
            began=task.call.freshness.began,
        )
        if task.call.circuits is not None:
            task.call.circuits.noted(task.query, earlier)

    async def _found(self, task: FetchTask) -> DayClicks:
        """Return a day that another process has got meanwhile."""
        day = None
        if self._cache is not None:
            day = await self._cache.find(task.query, task.freshness)
        if day is None:
            return await self.fetch(task)  # it was there, and is there no more
        return day

    async def _repeat(self, task: FetchTask, error: HourlyClicksError) -> DayClicks:
        """Go on after a first attempt that failed, or raise why there is no use in it."""
        try:
            return await self._attempt(task, after=error)
        except HourlyClicksError as failure:
            if not self._retrier.may_repeat(failure):
                self._give_up_at_once(task, failure)
                raise
            error = failure
        if task.call.over:
            raise OverError
        return await self._retrier.repeat(
            partial(self._attempt, task),
            after=error,
            started=task.started,
            on_wait=partial(self._tell_failure, task),
        )

    def _give_up_at_once(self, task: FetchTask, error: HourlyClicksError) -> None:
        """Let a backfill pause when too much fails although nothing is repeated."""
        if not error.retryable or task.call.lane is not Lane.BACKFILL or isinstance(error, ApiError):
            return
        if self._retrier.budget.spent:
            self._limiter.storm()
        else:
            self._retrier.budget.take()

    def _tell_failure(self, task: FetchTask, attempt: int, wait: float, error: HourlyClicksError) -> None:
        query = task.query
        task.failure = error.about(query.day, query.target)
        task.call.retries += 1
        task.busy = False
        task.leader.start_spare()
        self._limiter.settled(query)  # while this one waits, another process may try
        if self._dispatch:
            self._dispatch(
                AttemptFailed(day=query.day, target=query.target, attempt=attempt, wait=wait, error=error)
            )

    async def _attempt(self, task: FetchTask, after: HourlyClicksError | None = None) -> DayClicks:
        """Make one attempt; a backfill repeats it for as long as it waits for a storm to pass.

        Args:
            task: the day.
            after: how it failed, when it has been made already.
        """
        while True:
            try:
                if after is not None:
                    raise after
                return await self._exchange(task)
            except HourlyClicksError as error:
                after = None
                wait = self._wait_for_calm(task, error) if self._retrier.may_repeat(error) else None
                if wait is None or self._retrier.too_late(task.started, wait):
                    raise
                self._tell_failure(task, task.requests, wait, error)

    def _wait_for_calm(self, task: FetchTask, error: HourlyClicksError) -> float | None:
        """Return for how many seconds a backfill waits when too much fails; other calls do not wait.

        It does not wait for a gateway that answers for itself, which is a matter for the circuit breakers.
        """
        if isinstance(error, ApiError):
            return None
        if task.call.lane is Lane.BACKFILL and self._retrier.budget.spent:
            return self._limiter.storm()
        return None

    async def _exchange(self, task: FetchTask) -> DayClicks:
        """Send a request, and again for as long as the server refuses it because of the rate."""
        request = build_request(task.query, self._origin)
        stale = 0
        while True:
            slot = self._limiter.at_once(task) or await self._place(task)
            task.busy = True
            try:
                if not task.requests:
                    task.started = slot.sent
                task.requests += 1
                task.asked = self._clock.wall()  # the answer may be as old as that
                response = await self._transport.send(request)
                answer = self._judge(task, response)
                if type(answer) is DayClicks:
                    self._accepted(task, slot)
                    return answer
                await self._heed(task, slot, response, answer)
            except HourlyClicksError as error:
                if isinstance(error, TransportError) and error.stale and stale < _MOST_STALE:
                    stale += 1  # the server has not failed, so neither has the attempt
                    continue
                if error.fatal:
                    self._limiter.abort(error, for_good=condemns(error))
                raise
            finally:
                self._limiter.release(slot, request.may_arrive)

    def _accepted(self, task: FetchTask, slot: Slot) -> None:
        """Note that a day was answered."""
        self._limiter.answered(slot)
        if not self._trust.certain:
            self._trust.accept()
        if task.call.circuits is not None:
            task.call.circuits.answered(task.query, slot.sent)

    async def _heed(
        self, task: FetchTask, slot: Slot, response: Response, answer: DayClicks | Refusal | HourlyClicksError
    ) -> None:
        """Tell others what an answer without figures means to them, and return to ask again.

        Raises:
            HourlyClicksError: there is no use in that.
        """
        if isinstance(answer, Refusal):
            if answer.status != HTTPStatus.TOO_MANY_REQUESTS:
                response.discard()
            await self._pause(task, slot, answer)
            self._check_patience(task)
        elif isinstance(answer, HourlyClicksError) and not await self._is_about_key(task, slot, answer):
            raise answer

    async def _is_about_key(self, task: FetchTask, slot: Slot, error: HourlyClicksError) -> bool:
        """Return whether to ask again, since an error is about the key and may pass; tell of any other.

        Raises:
            HourlyClicksError: the key is wrong.
        """
        limiter = self._limiter
        doubt = self._trust.doubt(
            error.about(task.query.day, task.query.target), sent=slot.epoch, epoch=limiter.epoch
        )
        if doubt is Doubt.NONE:
            limiter.answered(slot)
            if task.call.circuits is not None and isinstance(error, ApiError):
                now = self._clock.monotonic()
                task.call.circuits.rejected(task.query, error, now=now, asked=task.asked)
            return False
        if doubt is Doubt.PAUSE:
            await limiter.refused(slot, None, for_rate=False)
            self._trust.paused(limiter.epoch)
        self._check_patience(task)
        return True

    def _judge(self, task: FetchTask, response: Response) -> DayClicks | Refusal | HourlyClicksError:
        """Return what an answer means."""
        if response.status != _OK and (refused := refusal(response, self._clock.wall())):
            return refused
        as_of, skew = dated(response, task.asked, task.query.day)
        if skew is not None:
            self._skew.note(skew)
        try:
            return self._read(task.query, response, as_of)
        except ApiError as error:
            task.asked = as_of  # a rejection of a day that was not over by then is not the last word
            return error
        except HourlyClicksError as error:
            return error

    def _read(self, query: Query, response: Response, as_of: dt.datetime) -> DayClicks:
        key = self._origin.api_key
        try:
            if response.status != _OK:
                check_status(response, key=key)
            final = self._finality.of(query.day, as_of)
            return decode_day(query, response, fetched_at=as_of, final=final, key=key)
        except HourlyClicksError as error:
            if error.retryable:
                response.discard()  # another connection may lead to a server that is well
            raise

    async def _place(self, task: FetchTask) -> Slot:
        """Wait for the right to send one request, and until no other process asks for the same day."""
        task.busy = False
        task.leader.start_spare()  # so that one of its call stands in line whenever a place is given up
        while True:
            try:
                return await self._limiter.acquire(task)
            except TakenError:
                await self._clock.sleep(_TAKEN)

    def _check_patience(self, task: FetchTask) -> None:
        """Give a day up that was refused too often, or would wait past its deadline; the others go on."""
        pause = self._limiter.pause
        if task.refusals > MOST_PAUSES:
            error = RateLimitedError(f"the server refused this day {task.refusals} times", retry_after=pause)
        elif self._retrier.too_late(task.started, pause):
            error = RateLimitedError("the server asks to wait beyond the deadline", retry_after=pause)
        else:
            return
        error.fatal = False
        raise error

    async def _pause(self, task: FetchTask, slot: Slot, refused: Refusal) -> None:
        """Tell the limiter of a refusal, before anybody else can have the slot."""
        task.refusals += 1
        if self._dispatch:
            self._dispatch(Refused(day=task.query.day, target=task.query.target, status=refused.status))
        for_rate = refused.status == HTTPStatus.TOO_MANY_REQUESTS
        await self._limiter.refused(slot, refused.retry_after, for_rate=for_rate)
