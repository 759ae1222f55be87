"""The client: it checks arguments, and passes them on to the engine."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Self

from hourlyclicks.engine import Engine
from hourlyclicks.fetching.retry import RetryPolicy
from hourlyclicks.jobs.run_options import Order, RunOptions
from hourlyclicks.jobs.stopping import StopCondition
from hourlyclicks.jobs.stream import DayStream
from hourlyclicks.jobs.target_sources import collect_targets
from hourlyclicks.lifetime import Lifetime
from hourlyclicks.local_calls import LocalCalls
from hourlyclicks.model.checks import as_wait, check_amount, check_type, check_whole
from hourlyclicks.model.dates import DateRange, as_period, as_zone, last_ended
from hourlyclicks.model.questions import check_endpoint
from hourlyclicks.model.target_days import days_from_first, days_of_each
from hourlyclicks.model.targets import Account, Query
from hourlyclicks.pacing.plans import Allowance
from hourlyclicks.pacing.queue import Lane
from hourlyclicks.resources import Carrier, Environment, Storage
from hourlyclicks.transport.protocol import Timeout
from hourlyclicks.wire.key import KEY_VARIABLE
from hourlyclicks.wire.pasted_key import given_key
from hourlyclicks.wire.request import Origin

if TYPE_CHECKING:
    import asyncio
    import os
    from collections.abc import AsyncGenerator, AsyncIterable
    from random import Random
    from types import TracebackType

    import aiohttp
    from yarl import URL

    from hourlyclicks.clock import Clock
    from hourlyclicks.events import Hook
    from hourlyclicks.jobs.target_feed import TargetFeed
    from hourlyclicks.jobs.target_sources import Collected
    from hourlyclicks.model.audit import AuditReport
    from hourlyclicks.model.daily_series import DailySeries
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.listing import ListedGroup, ListedLink
    from hourlyclicks.model.questions import EndpointChoice
    from hourlyclicks.model.report import BackfillReport
    from hourlyclicks.model.series import HourlySeries
    from hourlyclicks.model.target_days import FirstDays, TargetItem, TargetSource
    from hourlyclicks.model.targets import Target
    from hourlyclicks.pacing.plans import Limits, Plan
    from hourlyclicks.store.protocol import Store
    from hourlyclicks.transport.protocol import Transport

__all__ = ["KEY_VARIABLE", "Client", "Order"]


class Client(LocalCalls):
    """A session with the click statistics API: dates in, series out, within the limits.

    A client has one rate limiter; use one client for each API key, and share it. It can be made without a
    running event loop. It belongs to the event loop and the process in which it is first used: after a fork,
    a child makes its own.

    Args:
        api_key: the API key; ``None`` reads the environment variable ``HOURLYCLICKS_API_KEY``.
        plan: the plan whose published limits and rules to keep. If omitted, `Plan.PERSONAL`, the most careful
            one, unless limits are given.
        limits: limits of your own instead; no rule of a plan is checked then.
        base_url: the base URL of the API. Must be https, except on loopback.
        session: an aiohttp session to use; it is never closed. Its headers and cookies are sent along,
            its middlewares are not run.
        proxy: the URL of an HTTP proxy, for https only. Proxy variables of the environment are ignored.
        timeout: the time limits of each request.
        retry: how often and when to retry.
        user_agent: the name of your application; sent in front of our own.
        timezone: the account's time zone, an IANA name or a `tzinfo`; decides when a day is over. If omitted,
            a day is over when it is over everywhere on Earth.
        store: where days are stored: the path of a SQLite file, a ``postgresql://`` URL, or a
            `hourlyclicks.store.protocol.Store`, which is then never closed. Final days are read from it,
            fetched days are written to it, and all clients that use it with the same key share one rate
            limit.
        account: the name of the account in the store. If omitted, a hash of the key identifies the account,
            and a new key is a new account.
        on_event: called with every event; see `hourlyclicks.events`.
        endpoint: which version of ``clicks-by-hour`` `fetch`, `stream` and `backfill` ask: ``"v2"``, one day
            a request; ``"auto"``, ranges of days by version 3 where the server has it and its figures are the
            same, and version 2 otherwise; or ``"v3"``, which raises an error instead. Single days are always
            asked for by version 2.
        allow_http: whether `base_url` may be plain http on another host than loopback.
        transport: sends the requests in place of aiohttp; it is never closed.
        clock: measures time in place of the machine's clocks.
        random: draws the jitter of waits.

    Raises:
        UsageError: an argument is invalid.
        PlanError: the plan has no access to the API.
    """

    def __init__(  # noqa: PLR0913 - keyword options with defaults, in the manner of a client session
        self,
        api_key: str | None = None,
        *,
        plan: Plan | None = None,
        limits: Limits | None = None,
        base_url: str | URL = "https://vivoldi.com",
        session: aiohttp.ClientSession | None = None,
        proxy: str | URL | None = None,
        timeout: Timeout = Timeout(),
        retry: RetryPolicy = RetryPolicy(),
        user_agent: str | None = None,
        timezone: str | dt.tzinfo | None = None,
        store: Store | str | os.PathLike[str] | None = None,
        account: str | None = None,
        on_event: Hook | None = None,
        endpoint: EndpointChoice = "v2",
        allow_http: bool = False,
        transport: Transport | None = None,
        clock: Clock | None = None,
        random: Random | None = None,
    ) -> None:
        try:
            key = given_key(api_key)
        finally:
            del api_key  # so that no traceback with locals shows it
        check_endpoint(endpoint)
        check_type("retry", retry, RetryPolicy)
        environment = Environment.of(clock, random, on_event)
        self._allowance = Allowance.of(plan, limits)
        self._clock = environment.clock
        self._zone = as_zone(timezone)
        self._engine = Engine(
            origin=Origin.of(base_url, key, user_agent=user_agent, allow_http=allow_http),
            allowance=self._allowance,
            retry=retry,
            carrier=Carrier.of(transport, session=session, proxy=proxy, timeout=timeout),
            zone=self._zone,
            storage=Storage.of(store, self._clock, account),
            environment=environment,
            endpoint=endpoint,
        )
        self._life = Lifetime(self._engine.close)

    async def day(
        self,
        day: dt.date | str,
        target: Target = Account(),
        *,
        refresh: bool = False,
        wait: float | dt.timedelta | None = None,
    ) -> DayClicks:
        """Fetch one day, or read it from the store.

        Args:
            day: a date or ``"YYYY-MM-DD"``.
            target: `Account`, `Link` or `Group`.
            refresh: whether to send a request even if the day is final in the store.
            wait: the most seconds by which the rate limit, other calls and pauses may delay the request; 0:
                only if it can be sent at once. ``None``: any time. See `fetch`.

        Raises:
            RateLimitedError: it would be delayed for longer than `wait`.
            HourlyClicksError: it failed; see `hourlyclicks.errors` for the kinds.
        """
        range_ = self._check(day, day, target)
        freshness = self._engine.freshness(refresh=refresh)
        return await self._engine.day(Query(range_.start, target), freshness, as_wait(wait))

    async def fetch(
        self,
        start: dt.date | str,
        end: dt.date | str,
        target: Target = Account(),
        *,
        strict: bool = True,
        lane: Lane = Lane.INTERACTIVE,
        refresh: bool = False,
        wait: float | dt.timedelta | None = None,
    ) -> HourlySeries:
        """Fetch every day from `start` to `end`, both included, and merge them into a series.

        With a `wait`, the schedule is looked at first: the days that need a request, what was sent before,
        the calls that go first, and pauses, with a store also those of other processes. If these would delay
        the last request by more than `wait`, the call fails at once, and nothing is queued or sent. The time
        that the server takes does not count, so add an ``asyncio.timeout`` for a limit of the whole call. A
        call that was let through is ended in the same way by a pause that begins later and lasts too long for
        it; calls of a higher priority and other processes that come later only delay it.

        Args:
            start: the first day.
            end: the last day.
            target: `Account`, `Link` or `Group`.
            strict: whether a day that failed is an error; if not, it is left out and listed in
                `HourlySeries.missing_days`.
            lane: the priority; an interactive call goes before a backfill.
            refresh: whether to request also days that are final in the store.
            wait: the most seconds by which the rate limit, other calls and pauses may delay the requests; 0:
                only if none of them has to wait for that. ``None``: any time.

        Raises:
            RateLimitedError: they would be delayed for longer than `wait`. Its `retry_after` is by how much:
                if nothing else is sent meanwhile, the same call is let through after that time, unless its
                days take longer than `wait` even on an idle client.
            IncompleteSeriesError: some days failed; carries all the others.
            HourlyClicksError: a fatal error, such as a rejected key; its `series` holds what had been
                fetched before.
            asyncio.CancelledError: the call was cancelled; its `series` holds what had been fetched before.
                So does a `FetchCancelled` event, which is sent also where another error replaces this one,
                as with `asyncio.timeout`.
        """
        days = self._check(start, end, target, lane=lane)
        run = self._engine.run(days, target, lane, self._engine.freshness(refresh=refresh))
        return await self._engine.fetch(run, strict=strict, wait=as_wait(wait))

    async def daily(
        self,
        start: dt.date | str,
        end: dt.date | str,
        target: Target = Account(),
        *,
        strict: bool = True,
        lane: Lane = Lane.INTERACTIVE,
        refresh: bool = False,
    ) -> DailySeries:
        """Fetch the clicks and the unique users of every day from `start` to `end`, both included.

        The unique users are those of the day: a person who clicks in two hours counts once, so no sum over
        hours gives them. One request asks for as many days as the plan allows; without a plan, as many as
        the API answers for. The rules for days in a store are those of `fetch`; sums are stored apart from
        hours.

        A day that the API has no row for is not reported. It stays provisional as long as the answers do not
        prove that the API has answered for it.

        Args:
            start: the first day.
            end: the last day.
            target: `Account`, `Link` or `Group`.
            strict: whether a day that failed is an error; if not, it is left out and listed in
                `DailySeries.missing_days`.
            lane: the priority; an interactive call goes before a backfill.
            refresh: whether to request also days that are final in the store.

        Raises:
            IncompleteSeriesError: some days failed; carries all the others.
            HourlyClicksError: a fatal error; its `series` holds what had been fetched before.
            asyncio.CancelledError: the call was cancelled; as for `fetch`.
        """
        days = self._check(start, end, target, lane=lane)
        run = self._engine.daily(days, target, lane, self._engine.freshness(refresh=refresh))
        return await run.collect(strict=strict)

    async def audit(
        self,
        start: dt.date | str,
        end: dt.date | str,
        target: Target = Account(),
        *,
        lane: Lane = Lane.BACKFILL,
        refresh: bool = False,
    ) -> AuditReport:
        """Compare the hours in the store with the sums of days that the API computes.

        A day whose clicks differ becomes provisional, and a `DayDiffers` event is sent; nothing is
        overwritten. The next `backfill` of the day requests it again. Sums that are final in the store are
        not requested; see `daily`.

        Args:
            start: the first day.
            end: the last day.
            target: `Account`, `Link` or `Group`.
            lane: the priority of the requests.
            refresh: whether to request also sums that are final in the store.

        Returns:
            The report; a day whose hours or sum are missing or not final is in its `unchecked`.

        Raises:
            UsageError: the client has no store, or an argument is invalid.
            HourlyClicksError: a fatal error.
        """
        days = self._check(start, end, target, lane=lane)
        return await self._engine.audit(lane, refresh=refresh).compare(days, target)

    def stream(
        self,
        start: dt.date | str,
        end: dt.date | str,
        target: Target = Account(),
        *,
        ordered: bool = True,
        lane: Lane = Lane.INTERACTIVE,
        refresh: bool = False,
    ) -> DayStream:
        """Fetch days one after the other, holding only a few at a time.

        ::

            async with client.stream("2015-01-01", "2024-12-31", link) as days:
                async for day in days:
                    ...

        Args:
            start: the first day.
            end: the last day.
            target: `Account`, `Link` or `Group`.
            ordered: whether days come in the order of their dates, or as they are answered.
            lane: the priority.
            refresh: whether to request also days that are final in the store.

        Raises:
            HourlyClicksError: a day that failed raises in its place.
        """
        days = self._check(start, end, target, lane=lane, use=False)
        run = self._engine.run(days, target, lane, self._engine.freshness(refresh=refresh))
        return DayStream(run, ordered=ordered, check=self._life.check)

    async def backfill(  # noqa: PLR0913 - keyword options with defaults
        self,
        start: dt.date | str,
        end: dt.date | str,
        targets: TargetSource,
        *,
        since: FirstDays | None = None,
        deadline: float | dt.timedelta | dt.datetime | None = None,
        max_requests: int | None = None,
        order: Order = "oldest",
        refresh: bool = False,
        retry_refused: bool = False,
        stop: asyncio.Event | None = None,
        name: str | None = None,
    ) -> BackfillReport:
        """Fetch every day from `start` to `end`, both included, of all targets into the store.

        It requests the days that are not final in the store, beginning with those that failed in an earlier
        run. It can be run again after any end, also by several processes at once. When it is to stop, it
        sends no more requests and stores the results of those in flight.

        Args:
            start: the first day.
            end: the last day.
            targets: what to fetch; each counts once. An iterable or async iterable of targets, of pairs of
                a target and its first day, or of what `links` and `groups` yield, which have the day of
                their creation as first day. An async iterable is read while the days of its first targets
                are requested, at most 200 targets ahead, so that totals grow during the run; with
                ``"newest-day"`` it is read to its end before. If reading it fails, the run ends with that
                error, and keeps what was requested.
            since: the first days of targets that begin later than `start`; no earlier day of them is
                requested or counted. They count more than first days among the targets.
            deadline: when to stop: after so many seconds or a timedelta, or at an aware datetime.
            max_requests: stop after so many requests.
            order: ``"oldest"`` and ``"newest"`` fetch one target after the other, from its oldest day on or
                from its newest back. ``"newest-day"`` fetches the newest day of every target first, then the
                day before, and so on; days that failed in an earlier run have no precedence then.
            refresh: whether to request also days that are final in the store.
            retry_refused: whether to request days again that the API has rejected.
            stop: stop when this event is set, for instance by a handler of SIGTERM.
            name: the name by which `hourlyclicks.coordination.running_backfills` shows it, and
                `hourlyclicks.coordination.stop_backfills` stops it: 1 to 64 printable characters.

        Raises:
            UsageError: the client has no store, or an argument is invalid.
            HourlyClicksError: a fatal error, such as a rejected key or a full disk; its `report` says what
                had been done before.
            asyncio.CancelledError: the call was cancelled; its `report` says what had been done before.
        """
        days = self._check(start, end)
        options = RunOptions(order, max_requests, name)
        found = await self._collect(targets, since, order, StopCondition(self._clock, deadline, stop), days)
        self._check(start, end, *found.targets)
        backfill = self._engine.backfill(
            found.feed or days_of_each(found.targets, days, found.targets.since),
            options,
            self._engine.freshness(refresh=refresh, refused=retry_refused, patient=True),
            since=found.since,
        )
        return await found.run(backfill)

    async def sync(  # noqa: PLR0913 - keyword options with defaults
        self,
        targets: TargetSource,
        *,
        new: int = 365,
        since: FirstDays | None = None,
        deadline: float | dt.timedelta | dt.datetime | None = None,
        max_requests: int | None = None,
        order: Order = "oldest",
        retry_refused: bool = False,
        stop: asyncio.Event | None = None,
        name: str | None = None,
    ) -> BackfillReport:
        """Bring targets up to date: a `backfill` of each from its first gap to yesterday.

        The first gap of a target is its first day that needs a request: a day that is missing, has failed, or
        has stale figures. It is looked for from the first day of the target in the store on, or from its
        first day in `since`. Yesterday is the last day that has ended in the time zone of the client; without
        one, the last that has ended everywhere on Earth.

        Args:
            targets: what to fetch, as for `backfill`; each counts once.
            new: how many days to fetch of a target of which the store has no day up to yesterday.
            since: the first days of targets; no earlier day of them is requested or counted.
            deadline: as for `backfill`, like the arguments after it.
            max_requests: stop after so many requests.
            order: the order of the requests.
            retry_refused: whether to request days again that the API has rejected.
            stop: stop when this event is set.
            name: a name for this run.

        Returns:
            The report; it counts the days from the first gap of each target on, and no day of a target that
            has none.

        Raises:
            UsageError: the client has no store, or an argument is invalid.
            HourlyClicksError: a fatal error; its `report` says what had been done before.
            asyncio.CancelledError: the call was cancelled; likewise.
        """
        check_whole("new", new, least=1)
        last = last_ended(self._clock.wall(), self._zone)
        self._check(last, last)
        options = RunOptions(order, max_requests, name)
        days = DateRange(dt.date.fromordinal(max(1, last.toordinal() - new + 1)), last)
        condition = StopCondition(self._clock, deadline, stop)
        found = await self._collect(targets, since, order, condition, days, known=True)
        self._check(last, last, *found.targets)
        backfill = self._engine.backfill(
            found.feed or days_from_first(found.targets, days, found.targets.since),
            options,
            self._engine.freshness(refused=retry_refused, patient=True),
            since=found.since,
            from_gaps=True,
        )
        return await found.run(backfill)

    async def _collect(
        self,
        targets: TargetSource,
        since: FirstDays | None,
        order: Order,
        stop: StopCondition,
        days: DateRange,
        *,
        known: bool = False,
    ) -> Collected:
        """Read the targets of a backfill, or begin to.

        Args:
            targets: the targets.
            since: their first days.
            order: the order of the requests.
            stop: when the run is to stop.
            days: the days of targets without a first day.
            known: whether a first day may lie before these.
        """
        self._engine.check_store()
        each = days_from_first if known else days_of_each

        def days_of(target: Target, first: dt.date | None) -> DateRange | None:
            return each([target], days, {} if first is None else {target: first}).get(target)

        def feed(source: AsyncIterable[TargetItem]) -> TargetFeed:
            from hourlyclicks.jobs.target_feed import TargetFeed  # noqa: PLC0415 - most runs have a list

            return TargetFeed(source, since, days_of=days_of, check=self._allowance.check)

        return await collect_targets(targets, since, stop, feed=feed, order=order)

    def links(
        self, *, created: tuple[dt.date | str, dt.date | str] | None = None
    ) -> AsyncGenerator[ListedLink, None]:
        """Read the list of the account's links, page by page.

        ::

            async for link in client.links(created=("2025-01-01", "2025-12-31")):
                print(link.target, link.created, link.title)

        Each link comes once. If links are added or removed meanwhile, the list is read again for those that
        were missed. The requests keep the plan's limit for requests of any kind, apart from those for
        statistics; with limits of your own, they keep these limits once more.

        Args:
            created: the first and the last day of creation, both included; if omitted, all links.

        Yields:
            Links, in no particular order.

        Raises:
            PlanError: the plan does not include lists; nothing is sent.
            DecodeError: the list changes each time it is read, or lacks entries.
            HourlyClicksError: a page failed.
        """
        days = None if created is None else as_period(created)
        return self._engine.lists().links(days, self._life.check)

    def groups(self) -> AsyncGenerator[ListedGroup, None]:
        """Read the list of the account's groups, page by page; see `links`."""
        return self._engine.lists().groups(self._life.check)

    def retry_key(self) -> None:
        """Send requests again although the server has rejected the key.

        After an `AuthenticationError` by HTTP 401 or 403, or by a `code` about the key before any day was
        answered, all calls of a client fail without a request. A service calls this when the key may be
        accepted again; if it is not, the next call fails with the same error. Otherwise it does nothing.
        """
        self._engine.retry_key()

    async def close(self, *, grace: float | None = None) -> None:
        """End all running calls and close the connections.

        Calls that wait end at once with a `UsageError`, which carries what they had. With a store, requests
        in flight are waited for, so that their answers are stored.

        It may be called several times, also at the same time: all calls wait for the same close, which
        continues when a caller is cancelled. Called on another event loop than the client was used on, it
        does not wait for what that loop has left unfinished.

        Args:
            grace: the seconds for which requests in flight are waited for at most; they are abandoned then.
                If omitted, 1 with a store, and 0 without. ``async with`` closes the client in this way.
        """
        if grace is not None:
            check_amount("grace", grace, zero=True)
        await self._life.close(grace=grace)

    async def __aenter__(self) -> Self:
        self._life.check()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        life = vars(self).get("_life")  # not there yet while the arguments are checked
        return f"<Client {'closed' if life is not None and life.closed else 'open'}>"
