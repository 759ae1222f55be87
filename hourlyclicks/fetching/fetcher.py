"""Fetch one day: the loop around its `Exchange`, and all that has to be awaited.

With a store, a result is stored before the day counts as done. A day that another process has fetched while
this one was in the queue is read from the store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from hourlyclicks import events
from hourlyclicks.errors import HourlyClicksError, TransportError, UsageError
from hourlyclicks.events.dispatcher import debugging
from hourlyclicks.fetching.exchange import Exchange, PauseAll
from hourlyclicks.fetching.key_trust import KeyTrust
from hourlyclicks.model.priority import Lane
from hourlyclicks.pacing.limiter import LOST, SUCCEEDED, UNSENT, Outcome
from hourlyclicks.pacing.queue import ClaimedError, HeldError, NotNeededError

if TYPE_CHECKING:
    from yarl import URL

    from hourlyclicks.fetching.cache import DayCache
    from hourlyclicks.fetching.rules import Rules
    from hourlyclicks.fetching.task import FetchTask
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.http import Request
    from hourlyclicks.pacing.limiter import Limiter
    from hourlyclicks.pacing.queue import Job
    from hourlyclicks.pacing.window import Slot
    from hourlyclicks.transport.protocol import Transport
    from hourlyclicks.wire.request import Origin

_NO_CONNECTION = {"dns", "connect", "tls"}
_CLAIM_POLL = 0.05
"""Seconds after which to check again whether another process has fetched a day."""


class DayFetcher:
    """Fetch single days from the API.

    Args:
        origin: the base URL, and the headers that identify the client.
        rules: what all exchanges share.
        transport: sends the requests.
        cache: the store, if there is one.
    """

    def __init__(
        self, *, origin: Origin, rules: Rules, transport: Transport, cache: DayCache | None = None
    ) -> None:
        self.rules = rules
        self._origin = origin
        self._transport = transport
        self._limiter = rules.limiter
        self._clock = rules.clock
        self._dispatch = rules.dispatch
        self._cache = cache

    @property
    def base_url(self) -> URL:
        """Where requests go."""
        return self._origin.base_url

    def beside(self, limiter: Limiter) -> DayFetcher:
        """Return one that sends under other limits, with the same key and retry budget, and stores nothing.

        Args:
            limiter: grants its slots.
        """
        rules = attrs.evolve(self.rules, limiter=limiter, trust=KeyTrust(concurrency=1))
        return DayFetcher(origin=self._origin, rules=rules, transport=self._transport)

    def gives_up(self, job: Job) -> bool:
        """Return whether so much has failed that a job ends; a backfill first pauses a few times."""
        patient = job.lane is Lane.BACKFILL and not self._limiter.exhausted
        return self.rules.retrier.budget.spent and not patient

    async def fetch(self, task: FetchTask, exchange: Exchange | None = None) -> DayClicks:
        """Fetch one day.

        Args:
            task: the day.
            exchange: its requests so far; ``None``: it begins.

        Raises:
            HourlyClicksError: it failed; the error carries its day and target.
            OverError: the job was over before the result was known.
            HeldError: a circuit breaker keeps the day from being sent.
        """
        exchange = exchange or Exchange(self.rules, task)
        stored = None
        try:
            day: DayClicks
            (day,) = await self.ask(task, exchange)
            if self._cache is not None:
                stored = await self._cache.put(
                    task.query,
                    day,
                    requests=exchange.requests,
                    refresh=task.refresh,
                    context=task.caller.context,
                )
                day = stored.day
                task.caller.revised += stored.revised
        except HourlyClicksError as error:
            await self._failed(task, exchange, error)
            raise
        except HeldError:
            if exchange.failure is not None:
                await self._record_failure(task, exchange, exchange.failure)
            raise
        except NotNeededError:
            return await self._read_result(task, exchange)
        finally:
            if self._cache is not None:
                self._limiter.settle(task.query, stored=stored is not None)
        if exchange.reported:
            query, tags, requests = task.query, task.caller.context.tags, exchange.requests
            done = events.DayDone(
                day=query.day, target=query.target, requests=requests, final=day.final, **tags
            )
            self._dispatch(done)
        task.caller.answered += not task.again
        return day

    async def ask(self, task: FetchTask, exchange: Exchange) -> tuple[Any, ...]:
        """Send requests until one of them is answered, or the exchange fails; nothing is stored.

        Raises:
            HourlyClicksError: it failed.
            OverError, HeldError, NotNeededError: as for `Limiter.acquire`.
        """
        limiter, dispatch = self._limiter, self._dispatch
        while True:
            wanted = None
            slot = limiter.try_acquire(task)
            if slot is None:
                wanted = self._clock.monotonic()
                slot = await self._acquire(task)
            task.sent = True
            request = exchange.endpoint.build(exchange.question, self._origin)
            outcome, response, failure = LOST, None, None
            try:
                exchange.sent(slot)
                response = await self._transport.send(request)
                if dispatch.listening or debugging():
                    exchange.report_request(response, wanted)
                verdict = exchange.answered(response)
                if isinstance(verdict, PauseAll):
                    retry_after, for_rate = verdict
                    pause = await limiter.rate_limited(slot, retry_after, for_rate=for_rate)
                    verdict = exchange.paused(pause)
                outcome = verdict
            except HourlyClicksError as error:
                outcome = exchange.broke(error)
                failure = error
            finally:
                if response is None:
                    outcome = _unanswered(request, exchange, wanted, failure)
                if not (task.keeps_slot and outcome is SUCCEEDED):
                    limiter.finish(slot, outcome)
            if outcome is SUCCEEDED:
                self.rules.retrier.budget.earn()
                return exchange.days
            wait = exchange.next()
            if wait is not None:
                await self._sleep(task, wait)

    async def _acquire(self, task: FetchTask) -> Slot:
        """Wait for a slot, and until no other process holds the claim to the same day."""
        task.sent = False
        task.leader.start_spare()  # another day may take the slot that this worker leaves unused
        while True:
            try:
                return await self._limiter.acquire(task)
            except ClaimedError:
                await self._clock.sleep(_CLAIM_POLL)

    async def _sleep(self, task: FetchTask, seconds: float) -> None:
        """Wait for the next attempt; meanwhile a spare worker, and other processes, may go on."""
        task.sent = False
        task.leader.start_spare()
        for query in task.claimed:
            self._limiter.settle(query)
        await self._clock.sleep(seconds)

    async def _read_result(self, task: FetchTask, exchange: Exchange) -> DayClicks:
        """Return a day that another process has fetched meanwhile from the store."""
        day = None
        if self._cache is not None:
            day = await self._cache.find(task.query, task.freshness)
        if day is None:
            return await self.fetch(task, exchange)  # deleted since
        return day

    async def _failed(self, task: FetchTask, exchange: Exchange, error: HourlyClicksError) -> None:
        """Report and record that a day has failed."""
        query = task.query
        error.about(query.day, query.target)
        if isinstance(error, UsageError) and not exchange.requests:
            return  # the client was closed before the day had its turn
        await self._record_failure(task, exchange, error)
        tags, requests = task.caller.context.tags, exchange.requests
        failed = events.DayFailed(day=query.day, target=query.target, requests=requests, error=error, **tags)
        self._dispatch(failed)

    async def _record_failure(self, task: FetchTask, exchange: Exchange, error: HourlyClicksError) -> None:
        """Record in the store that a day failed, unless its request was rejected because of the key."""
        if self._cache is None or not exchange.requests or error.fatal:
            return
        caller = task.caller
        earlier = None
        if not self.rules.trust.denies(error):
            earlier = await self._cache.record_failure(
                task.query,
                error,
                asked=exchange.asked,
                requests=exchange.requests,
                began=caller.freshness.began,
            )
        if caller.breakers is not None:
            caller.breakers.recorded(task.query, earlier)


def _unanswered(
    request: Request, exchange: Exchange, wanted: int | None, failure: HourlyClicksError | None
) -> Outcome:
    """Report a request that has no response, if it was sent, and return what that means for its slot."""
    if may_have_arrived(request, failure):
        exchange.report_request(None, wanted, failure)
    if request.held_back:
        exchange.held_back()
        return UNSENT
    return Outcome(may_arrive=request.may_arrive) if request.may_arrive else LOST


def may_have_arrived(request: Request, error: HourlyClicksError | None) -> bool:
    """Return whether a request without a response may have reached the server.

    Args:
        request: the request, after the transport has written to it.
        error: why there is no response; ``None``: its task was cancelled.
    """
    if request.unsent or request.held_back:
        return False
    return not (isinstance(error, TransportError) and error.kind in _NO_CONNECTION)
