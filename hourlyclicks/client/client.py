"""The client: how it is made, and its calls for the days of one target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hourlyclicks.client.assembly import assemble
from hourlyclicks.client.backfill_calls import BackfillCalls
from hourlyclicks.client.engine import Engine
from hourlyclicks.client.lifetime import Lifetime
from hourlyclicks.client.list_calls import ListCalls
from hourlyclicks.client.offline_calls import OfflineCalls
from hourlyclicks.client.resources import Environment, Network, Storage
from hourlyclicks.fetching.retry import RetryPolicy
from hourlyclicks.jobs.stream import DayStream
from hourlyclicks.model.checks import as_wait, check_type
from hourlyclicks.model.priority import Lane
from hourlyclicks.model.questions import check_endpoint
from hourlyclicks.model.targets import Account, Query
from hourlyclicks.model.zones import as_zone
from hourlyclicks.pacing.plans import Allowance
from hourlyclicks.transport.protocol import Timeout
from hourlyclicks.wire.pasted_key import given_key
from hourlyclicks.wire.request import Origin

if TYPE_CHECKING:
    import datetime as dt
    import os
    from random import Random

    import aiohttp
    from yarl import URL

    from hourlyclicks.clock import Clock
    from hourlyclicks.events import Hooks
    from hourlyclicks.model.audit import AuditReport
    from hourlyclicks.model.daily_series import DailySeries
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.questions import EndpointChoice
    from hourlyclicks.model.series import HourlySeries
    from hourlyclicks.model.targets import Target
    from hourlyclicks.pacing.plans import Limits, Plan
    from hourlyclicks.store.protocol import Store
    from hourlyclicks.transport.protocol import Transport


class Client(BackfillCalls, ListCalls, OfflineCalls):
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
        on_event: a hook that is called with every event, or several; see `hourlyclicks.events`.
        endpoint: the version of the API that `fetch`, `stream` and `backfill` use: ``"v2"``, one day
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
        on_event: Hooks = None,
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
        origin = Origin.of(base_url, key, user_agent=user_agent, allow_http=allow_http)
        network = Network.of(transport, session=session, proxy=proxy, timeout=timeout)
        services = assemble(
            origin=origin,
            allowance=self._allowance,
            retry=retry,
            network=network,
            zone=self._zone,
            storage=Storage.of(store, self._clock, account),
            environment=environment,
            endpoint=endpoint,
        )
        self._engine = Engine(services, allowance=self._allowance, network=network, random=environment.random)
        self._life = Lifetime(self._engine.close)

    async def day(
        self,
        day: dt.date | str,
        target: Target = Account(),
        *,
        refresh: bool = False,
        wait: float | dt.timedelta | None = None,
        label: str | None = None,
        on_event: Hooks = None,
    ) -> DayClicks:
        """Fetch one day, or read it from the store.

        Args:
            day: a date or ``"YYYY-MM-DD"``.
            target: `Account`, `Link` or `Group`.
            refresh: whether to send a request even if the day is final in the store.
            wait: the most seconds by which the rate limit, other calls and pauses may delay the request; 0:
                only if it can be sent at once. ``None``: any time. See `fetch`.
            label: what to call this call in its events and in the log: 1 to 64 printable characters.
            on_event: a hook, or several, for the events of this call; see `hourlyclicks.events`.

        Raises:
            RateLimitedError: it would be delayed for longer than `wait`.
            HourlyClicksError: it failed; see `hourlyclicks.errors` for the kinds.
        """
        range_ = self._check(day, day, target)
        freshness = self._engine.freshness(refresh=refresh)
        most = as_wait(wait)
        with self._begin(Lane.INTERACTIVE, target, label, on_event) as context:
            return await self._engine.day(Query(range_.start, target), context, freshness, most)

    async def fetch(  # noqa: PLR0913 - keyword options with defaults
        self,
        start: dt.date | str,
        end: dt.date | str,
        target: Target = Account(),
        *,
        strict: bool = True,
        lane: Lane = Lane.INTERACTIVE,
        refresh: bool = False,
        wait: float | dt.timedelta | None = None,
        label: str | None = None,
        on_event: Hooks = None,
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
            label: what to call this call in its events and in the log: 1 to 64 printable characters.
            on_event: a hook, or several, for the events of this call; see `hourlyclicks.events`.

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
        freshness, most = self._engine.freshness(refresh=refresh), as_wait(wait)
        with self._begin(lane, target, label, on_event) as context:
            run = self._engine.run(days, target, context, freshness)
            return await self._engine.fetch(run, strict=strict, wait=most)

    async def daily(
        self,
        start: dt.date | str,
        end: dt.date | str,
        target: Target = Account(),
        *,
        strict: bool = True,
        lane: Lane = Lane.INTERACTIVE,
        refresh: bool = False,
        label: str | None = None,
        on_event: Hooks = None,
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
            label: what to call this call in its events and in the log: 1 to 64 printable characters.
            on_event: a hook, or several, for the events of this call; see `hourlyclicks.events`.

        Raises:
            IncompleteSeriesError: some days failed; carries all the others.
            HourlyClicksError: a fatal error; its `series` holds what had been fetched before.
            asyncio.CancelledError: the call was cancelled; as for `fetch`.
        """
        days = self._check(start, end, target, lane=lane)
        freshness = self._engine.freshness(refresh=refresh)
        with self._begin(lane, target, label, on_event) as context:
            return await self._engine.daily(days, target, context, freshness).collect(strict=strict)

    async def audit(
        self,
        start: dt.date | str,
        end: dt.date | str,
        target: Target = Account(),
        *,
        lane: Lane = Lane.BACKFILL,
        refresh: bool = False,
        label: str | None = None,
        on_event: Hooks = None,
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
            label: what to call this call in its events and in the log: 1 to 64 printable characters.
            on_event: a hook, or several, for the events of this call; see `hourlyclicks.events`.

        Returns:
            The report; a day whose hours or sum are missing or not final is in its `unchecked`.

        Raises:
            UsageError: the client has no store, or an argument is invalid.
            HourlyClicksError: a fatal error.
        """
        days = self._check(start, end, target, lane=lane)
        with self._begin(lane, target, label, on_event) as context:
            return await self._engine.audit(context, refresh=refresh).compare(days, target)

    def stream(
        self,
        start: dt.date | str,
        end: dt.date | str,
        target: Target = Account(),
        *,
        ordered: bool = True,
        lane: Lane = Lane.INTERACTIVE,
        refresh: bool = False,
        label: str | None = None,
        on_event: Hooks = None,
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
            label: what to call this call in its events and in the log: 1 to 64 printable characters.
            on_event: a hook, or several, for the events of this call; see `hourlyclicks.events`.

        Raises:
            HourlyClicksError: a day that failed raises in its place.
        """
        days = self._check(start, end, target, lane=lane, use=False)
        context = self._begin(lane, target, label, on_event)
        run = self._engine.run(days, target, context, self._engine.freshness(refresh=refresh))
        return DayStream(run, ordered=ordered, check=self._life.check)
