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
from hourlyclicks.model.dates import Finality
from hourlyclicks.model.day import DayClicks
from hourlyclicks.net.skew import SkewWatch
from hourlyclicks.net.trust import Doubt, KeyTrust, condemns
from hourlyclicks.pacing.brake import MOST_PAUSES
from hourlyclicks.pacing.errand import NotNeededError, TakenError
from hourlyclicks.pacing.lanes import HeldError, Lane, OverError
from hourlyclicks.wire.age import dated
from hourlyclicks.wire.decode import decode_day
from hourlyclicks.wire.judge import Refusal, check_status, refusal
from hourlyclicks.wire.request import build_request

if TYPE_CHECKING:
    import datetime as dt

    from hourlyclicks.clock import Clock
    from hourlyclicks.events import Announcer
    from hourlyclicks.model.http import Response
    from hourlyclicks.model.targets import Query
    from hourlyclicks.net.archive import Archive
    from hourlyclicks.net.retry import Retrier
    from hourlyclicks.net.transport import Transport
    from hourlyclicks.pacing.errand import Errand
    from hourlyclicks.pacing.gate import Slot
    from hourlyclicks.pacing.lanes import Call
    from hourlyclicks.pacing.limiter import Limiter
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
        announce: Announcer,
        concurrency: int = 1,
        archive: Archive | None = None,
    ) -> None:
        self._origin = origin
        self._finality = Finality(zone)
        self._skew = SkewWatch(announce)
        self._trust = KeyTrust(concurrency)
        self._transport = transport
        self._limiter = limiter
        self._retrier = retrier
        self._clock = clock
        self._announce = announce
        self._archive = archive

    def gives_up(self, call: Call) -> bool:
        """Return whether so much has failed that a call had better end; a backfill pauses a while first."""
        patient = call.lane is Lane.BACKFILL and not self._limiter.stormed_out
        return self._retrier.budget.spent and not patient

    async def fetch(self, errand: Errand) -> DayClicks:
        """Fetch one day.

        Raises:
            HourlyClicksError: it failed for good; the error carries its day and target.
            OverError: the call was over before that was known.
        """
        try:
            try:
                day = await self._exchange(errand)
            except HourlyClicksError as error:
                day = await self._repeat(errand, error)
            self._retrier.budget.earn()
            self._limiter.calmed()
            if self._archive is not None:
                taken = await self._archive.keep(
                    errand.query, day, requests=errand.requests, refresh=errand.refresh
                )
                day = taken.day
                errand.call.revised += taken.revised
        except HourlyClicksError as error:
            await self._failed(errand, error)
            raise
        except HeldError:
            await self._held(errand)
            raise
        except NotNeededError:
            return await self._found(errand)
        finally:
            if self._archive is not None:
                self._limiter.settled(errand.query)
        if self._announce:
            query = errand.query
            self._announce(
                DayDone(day=query.day, target=query.target, requests=errand.requests, final=day.final)
            )
        errand.call.answered += not errand.again
        return day

    async def _failed(self, errand: Errand, error: HourlyClicksError) -> None:
        """Tell and note that a day was given up."""
        query = errand.query
        error.about(query.day, query.target)
        await self._note(errand, error)
        if self._announce:
            self._announce(
                DayFailed(day=query.day, target=query.target, requests=errand.requests, error=error)
            )

    async def _held(self, errand: Errand) -> None:
        """Note why a day has failed so far that a circuit breaker keeps from being repeated."""
        failure = getattr(errand, "failure", None)
        if failure is not None:
            await self._note(errand, failure)

    async def _note(self, errand: Errand, error: HourlyClicksError) -> None:
        """Let the store know that a day failed."""
        if self._archive is None or not errand.requests or error.fatal:
            return
        earlier = await self._archive.note(
            errand.query,
            error,
            asked=errand.asked,
            requests=errand.requests,
            began=errand.call.terms.began,
        )
        if errand.call.circuits is not None:
            errand.call.circuits.noted(errand.query, earlier)

    async def _found(self, errand: Errand) -> DayClicks:
        """Return a day that another process has got meanwhile."""
        day = None
        if self._archive is not None:
            day = await self._archive.find(errand.query, errand.terms)
        if day is None:
            return await self.fetch(errand)  # it was there, and is there no more
        return day

    async def _repeat(self, errand: Errand, error: HourlyClicksError) -> DayClicks:
        """Go on after a first attempt that failed, or raise why there is no use in it."""
        try:
            return await self._attempt(errand, after=error)
        except HourlyClicksError as failure:
            if not self._retrier.may_repeat(failure):
                self._give_up_at_once(errand, failure)
                raise
            error = failure
        if errand.call.over:
            raise OverError
        return await self._retrier.repeat(
            partial(self._attempt, errand),
            after=error,
            started=errand.started,
            on_wait=partial(self._tell_failure, errand),
        )

    def _give_up_at_once(self, errand: Errand, error: HourlyClicksError) -> None:
        """Let a backfill pause when too much fails although nothing is repeated."""
        if not error.retryable or errand.call.lane is not Lane.BACKFILL or isinstance(error, ApiError):
            return
        if self._retrier.budget.spent:
            self._limiter.storm()
        else:
            self._retrier.budget.take()

    def _tell_failure(self, errand: Errand, attempt: int, wait: float, error: HourlyClicksError) -> None:
        query = errand.query
        errand.failure = error.about(query.day, query.target)
        errand.call.retries += 1
        errand.busy = False
        errand.leader.stand_in()
        self._limiter.settled(query)  # while this one waits, another process may try
        if self._announce:
            self._announce(
                AttemptFailed(day=query.day, target=query.target, attempt=attempt, wait=wait, error=error)
            )

    async def _attempt(self, errand: Errand, after: HourlyClicksError | None = None) -> DayClicks:
        """Make one attempt; a backfill repeats it for as long as it waits for a storm to pass.

        Args:
            errand: the day.
            after: how it failed, when it has been made already.
        """
        while True:
            try:
                if after is not None:
                    raise after
                return await self._exchange(errand)
            except HourlyClicksError as error:
                after = None
                wait = self._wait_for_calm(errand, error) if self._retrier.may_repeat(error) else None
                if wait is None or self._retrier.too_late(errand.started, wait):
                    raise
                self._tell_failure(errand, errand.requests, wait, error)

    def _wait_for_calm(self, errand: Errand, error: HourlyClicksError) -> float | None:
        """Return for how many seconds a backfill waits when too much fails; other calls do not wait.

        It does not wait for a gateway that answers for itself, which is a matter for the circuit breakers.
        """
        if isinstance(error, ApiError):
            return None
        if errand.call.lane is Lane.BACKFILL and self._retrier.budget.spent:
            return self._limiter.storm()
        return None

    async def _exchange(self, errand: Errand) -> DayClicks:
        """Send a request, and again for as long as the server refuses it because of the rate."""
        request = build_request(errand.query, self._origin)
        stale = 0
        while True:
            slot = self._limiter.at_once(errand) or await self._place(errand)
            errand.busy = True
            try:
                if not errand.requests:
                    errand.started = slot.sent
                errand.requests += 1
                errand.asked = self._clock.wall()  # the answer may be as old as that
                response = await self._transport.send(request)
                answer = self._judge(errand, response)
                if type(answer) is DayClicks:
                    self._accepted(errand, slot)
                    return answer
                await self._heed(errand, slot, response, answer)
            except HourlyClicksError as error:
                if isinstance(error, TransportError) and error.stale and stale < _MOST_STALE:
                    stale += 1  # the server has not failed, so neither has the attempt
                    continue
                if error.fatal:
                    self._limiter.abort(error, for_good=condemns(error))
                raise
            finally:
                self._limiter.release(slot, request.may_arrive)

    def _accepted(self, errand: Errand, slot: Slot) -> None:
        """Note that a day was answered."""
        self._limiter.answered(slot)
        if not self._trust.certain:
            self._trust.accept()
        if errand.call.circuits is not None:
            errand.call.circuits.answered(errand.query, slot.sent)

    async def _heed(
        self, errand: Errand, slot: Slot, response: Response, answer: DayClicks | Refusal | HourlyClicksError
    ) -> None:
        """Tell others what an answer without figures means to them, and return to ask again.

        Raises:
            HourlyClicksError: there is no use in that.
        """
        if isinstance(answer, Refusal):
            if answer.status != HTTPStatus.TOO_MANY_REQUESTS:
                response.discard()
            await self._pause(errand, slot, answer)
            self._check_patience(errand)
        elif isinstance(answer, HourlyClicksError) and not await self._is_about_key(errand, slot, answer):
            raise answer

    async def _is_about_key(self, errand: Errand, slot: Slot, error: HourlyClicksError) -> bool:
        """Return whether to ask again, since an error is about the key and may pass; tell of any other.

        Raises:
            HourlyClicksError: the key is wrong.
        """
        limiter = self._limiter
        doubt = self._trust.doubt(
            error.about(errand.query.day, errand.query.target), sent=slot.epoch, epoch=limiter.epoch
        )
        if doubt is Doubt.NONE:
            limiter.answered(slot)
            if errand.call.circuits is not None and isinstance(error, ApiError):
                now = self._clock.monotonic()
                errand.call.circuits.rejected(errand.query, error, now=now, asked=errand.asked)
            return False
        if doubt is Doubt.PAUSE:
            await limiter.refused(slot, None, for_rate=False)
            self._trust.paused(limiter.epoch)
        self._check_patience(errand)
        return True

    def _judge(self, errand: Errand, response: Response) -> DayClicks | Refusal | HourlyClicksError:
        """Return what an answer means."""
        if response.status != _OK and (refused := refusal(response, self._clock.wall())):
            return refused
        as_of, skew = dated(response, errand.asked, errand.query.day)
        if skew is not None:
            self._skew.note(skew)
        try:
            return self._read(errand.query, response, as_of)
        except ApiError as error:
            errand.asked = as_of  # a rejection of a day that was not over by then is not the last word
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

    async def _place(self, errand: Errand) -> Slot:
        """Wait for the right to send one request, and until no other process asks for the same day."""
        errand.busy = False
        errand.leader.stand_in()  # so that one of its call stands in line whenever a place is given up
        while True:
            try:
                return await self._limiter.acquire(errand)
            except TakenError:
                await self._clock.sleep(_TAKEN)

    def _check_patience(self, errand: Errand) -> None:
        """Give a day up that was refused too often, or would wait past its deadline; the others go on."""
        pause = self._limiter.pause
        if errand.refusals > MOST_PAUSES:
            error = RateLimitedError(
                f"the server refused this day {errand.refusals} times", retry_after=pause
            )
        elif self._retrier.too_late(errand.started, pause):
            error = RateLimitedError("the server asks to wait beyond the deadline", retry_after=pause)
        else:
            return
        error.fatal = False
        raise error

    async def _pause(self, errand: Errand, slot: Slot, refused: Refusal) -> None:
        """Tell the limiter of a refusal, before anybody else can have the slot."""
        errand.refusals += 1
        if self._announce:
            self._announce(Refused(day=errand.query.day, target=errand.query.target, status=refused.status))
        for_rate = refused.status == HTTPStatus.TOO_MANY_REQUESTS
        await self._limiter.refused(slot, refused.retry_after, for_rate=for_rate)
