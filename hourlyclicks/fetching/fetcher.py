"""Fetch one day: the loop around its `Exchange`, which does everything that waits.

With a store, an answer is kept before the day counts as done, and a day that another process has fetched
while this one was in the queue is taken from the store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.events import DayDone, DayFailed
from hourlyclicks.fetching.exchange import Exchange, Pause
from hourlyclicks.pacing.limiter import LOST, SUCCEEDED, Outcome
from hourlyclicks.pacing.queue import HeldError, Lane, NotNeededError, TakenError
from hourlyclicks.wire.request import build_request

if TYPE_CHECKING:
    from hourlyclicks.fetching.cache import DayCache
    from hourlyclicks.fetching.exchange import Rules
    from hourlyclicks.fetching.task import FetchTask
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.pacing.queue import Job
    from hourlyclicks.pacing.window import Slot
    from hourlyclicks.transport.protocol import Transport
    from hourlyclicks.wire.request import Origin

_TAKEN = 0.05
"""Seconds after which to look again whether another process has fetched a day."""


class DayFetcher:
    """Fetch single days from the API.

    Args:
        origin: where the API is and who asks.
        rules: what all exchanges share.
        transport: carries the requests.
        cache: keeps what is fetched, if anything does.
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

    def gives_up(self, job: Job) -> bool:
        """Return whether so much has failed that a job had better end; a backfill pauses a while first."""
        patient = job.lane is Lane.BACKFILL and not self._limiter.exhausted
        return self.rules.retrier.budget.spent and not patient

    async def fetch(self, task: FetchTask, exchange: Exchange | None = None) -> DayClicks:
        """Fetch one day.

        Args:
            task: the day.
            exchange: its life so far; ``None``: it begins.

        Raises:
            HourlyClicksError: it failed for good; the error carries its day and target.
            OverError: the job was over before that was known.
            HeldError: a circuit breaker keeps the day from being sent.
        """
        exchange = exchange or Exchange(self.rules, task)
        try:
            day = await self._ask(task, exchange)
            self.rules.retrier.budget.earn()
            if self._cache is not None:
                stored = await self._cache.put(
                    task.query, day, requests=exchange.requests, refresh=task.refresh
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
            return await self._found(task, exchange)
        finally:
            if self._cache is not None:
                self._limiter.settle(task.query)
        if self._dispatch:
            query = task.query
            self._dispatch(
                DayDone(day=query.day, target=query.target, requests=exchange.requests, final=day.final)
            )
        task.caller.answered += not task.again
        return day

    async def _ask(self, task: FetchTask, exchange: Exchange) -> DayClicks:
        """Send requests until one of them is answered, or the exchange fails."""
        limiter = self._limiter
        while True:
            slot = limiter.try_acquire(task) or await self._acquire(task)
            task.sent = True
            request = build_request(task.query, self._origin)
            outcome = LOST
            try:
                exchange.sent(slot)
                verdict = exchange.answered(await self._transport.send(request))
                if isinstance(verdict, Pause):
                    retry_after, for_rate = verdict
                    pause = await limiter.rate_limited(slot, retry_after, for_rate=for_rate)
                    verdict = exchange.paused(pause)
                outcome = verdict
            except HourlyClicksError as error:
                outcome = exchange.broke(error)
            finally:
                if request.may_arrive:
                    outcome = Outcome(may_arrive=request.may_arrive)
                limiter.finish(slot, outcome)
            if outcome is SUCCEEDED:
                return exchange.day
            wait = exchange.next()
            if wait is not None:
                await self._sleep(task, wait)

    async def _acquire(self, task: FetchTask) -> Slot:
        """Wait for the right to send one request, and until no other process asks for the same day."""
        task.sent = False
        task.leader.start_spare()  # so that another day takes the next slot that is free
        while True:
            try:
                return await self._limiter.acquire(task)
            except TakenError:
                await self._clock.sleep(_TAKEN)

    async def _sleep(self, task: FetchTask, seconds: float) -> None:
        """Wait for the next attempt; meanwhile another worker, and another process, may go on."""
        task.sent = False
        task.leader.start_spare()
        self._limiter.settle(task.query)
        await self._clock.sleep(seconds)

    async def _found(self, task: FetchTask, exchange: Exchange) -> DayClicks:
        """Return a day that another process has fetched meanwhile."""
        day = None
        if self._cache is not None:
            day = await self._cache.find(task.query, task.freshness)
        if day is None:
            return await self.fetch(task, exchange)  # it was there, and is there no more
        return day

    async def _failed(self, task: FetchTask, exchange: Exchange, error: HourlyClicksError) -> None:
        """Report and record that a day was given up."""
        query = task.query
        error.about(query.day, query.target)
        await self._record_failure(task, exchange, error)
        if self._dispatch:
            self._dispatch(
                DayFailed(day=query.day, target=query.target, requests=exchange.requests, error=error)
            )

    async def _record_failure(self, task: FetchTask, exchange: Exchange, error: HourlyClicksError) -> None:
        """Record in the store that a day failed."""
        if self._cache is None or not exchange.requests or error.fatal:
            return
        caller = task.caller
        earlier = await self._cache.record_failure(
            task.query,
            error,
            asked=exchange.asked,
            requests=exchange.requests,
            began=caller.freshness.began,
        )
        if caller.breakers is not None:
            caller.breakers.noted(task.query, earlier)
