"""Run the backfills of many accounts in one process: the public call, and what the accounts share.

They share a store, a session, and what limits all of them together. Nothing is kept between runs: what is
missing is read from the store, so that a run that is begun again goes on where the last one ended. How the
accounts are run is in `hourlyclicks.fleet.fleet_run`.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, cast

from hourlyclicks.client.resources import Environment, Network
from hourlyclicks.fetching.retry import RetryPolicy
from hourlyclicks.fleet.admission import Admission
from hourlyclicks.fleet.fleet_run import FleetRun
from hourlyclicks.fleet.held_accounts import HeldJobs
from hourlyclicks.fleet.key_owners import KeyOwners
from hourlyclicks.fleet.keys import KeyRef
from hourlyclicks.fleet.one_account import AccountRunner
from hourlyclicks.fleet.options import ClientOptions
from hourlyclicks.fleet.shared_leases import shared_in
from hourlyclicks.fleet.shared_transport import SharedTransport
from hourlyclicks.fleet.sources import jobs_in_hand
from hourlyclicks.fleet.stats import FleetStats
from hourlyclicks.jobs.stopping import StopCondition
from hourlyclicks.model.checks import check_label, check_whole
from hourlyclicks.pacing.plans import as_rate
from hourlyclicks.store.opening import store_of
from hourlyclicks.transport.protocol import Timeout

if TYPE_CHECKING:
    import datetime as dt
    import os
    from random import Random

    import aiohttp
    from yarl import URL

    from hourlyclicks.clock import Clock
    from hourlyclicks.events import Hooks
    from hourlyclicks.fleet.sources import Jobs
    from hourlyclicks.model.fleet_report import FleetReport
    from hourlyclicks.model.questions import EndpointChoice
    from hourlyclicks.pacing.plans import Limits, Rate
    from hourlyclicks.store.leases import LeaseStore
    from hourlyclicks.store.protocol import Store
    from hourlyclicks.transport.protocol import Transport


async def run_jobs(  # noqa: PLR0913 - keyword options with defaults, those of `Client`
    jobs: Jobs,
    *,
    store: Store | str | os.PathLike[str] | KeyRef,
    at_once: int = 500,
    rate: Rate | str | None = None,
    deadline: float | dt.timedelta | dt.datetime | None = None,
    stop: asyncio.Event | None = None,
    on_event: Hooks = None,
    name: str | None = None,
    base_url: str | URL = "https://vivoldi.com",
    retry: RetryPolicy = RetryPolicy(),
    timeout: Timeout = Timeout(),  # noqa: ASYNC109 - of each request, as for a client
    endpoint: EndpointChoice = "v2",
    timezone: str | dt.tzinfo | None = None,
    user_agent: str | None = None,
    limits: Limits | None = None,
    proxy: str | URL | None = None,
    session: aiohttp.ClientSession | None = None,
    transport: Transport | None = None,
    allow_http: bool = False,
    clock: Clock | None = None,
    random: Random | None = None,
) -> FleetReport:
    """Fetch the days of many accounts into one store.

    It can be run again after any end, and requests what is missing then. What concerns one account ends that
    account only and stands in the report: a key that is rejected or cannot be read, a plan without access, a
    link that does not exist.

    Args:
        jobs: the accounts, from an iterable or async iterable, which is read as accounts come to an end, or a
            `JobsRef` to a function that returns one. Each name and each key may occur once.
        store: as for `Client`, or a `KeyRef` to its path or address. The store of a path or an address is
            opened once for all accounts, and closed in the end.
        at_once: how many accounts may be active at the same time. They begin one after the other, each when
            there is a connection for its requests.
        rate: how many requests all accounts together may send in a stretch of time, such as ``"500/1"``.
        deadline: when to stop: after so many seconds or a timedelta, or at an aware datetime.
        stop: stop when this event is set.
        on_event: a hook, or several, for `hourlyclicks.events.FleetProgress` and
            `hourlyclicks.events.AccountEnded`.
        name: a name for `running_fleets` and `stop_fleets`, ``hourlyclicks status --running`` and ``stop``.
        base_url: as for `Client`, like the arguments after it.
        retry: how often and when to retry.
        timeout: the time limits of each request.
        endpoint: which version of the endpoint for hours to ask.
        timezone: the time zone of accounts that name none.
        user_agent: the name of your application.
        limits: the limits of accounts that have neither a plan nor limits.
        proxy: the URL of an HTTP proxy.
        session: an aiohttp session to use; it is never closed.
        transport: sends the requests in place of aiohttp; it is never closed.
        allow_http: whether `base_url` may be plain http on another host than loopback.
        clock: measures time in place of the machine's clocks.
        random: draws the jitter of waits.

    Raises:
        UsageError: an argument is invalid.
        StoreError: the store cannot be used; its `fleet_report` says what had been done before.
        asyncio.CancelledError: the call was cancelled; its `fleet_report` says what had been done before.
    """
    check_whole("at_once", at_once, least=1)
    if name is not None:
        check_label("name", name)
    environment = Environment.of(clock, random, on_event)
    options = ClientOptions(
        base_url=base_url,
        retry=retry,
        timeout=timeout,
        endpoint=endpoint,
        timezone=timezone,
        user_agent=user_agent,
        limits=limits,
        allow_http=allow_http,
        clock=environment.clock,
        random=environment.random,
    )
    stats = FleetStats(environment.dispatch, environment.clock)
    condition = StopCondition(environment.clock, deadline, stop)
    cap = None if rate is None else as_rate(rate)
    source = await jobs_in_hand(jobs)
    async with AsyncExitStack() as opened:
        opened.callback(environment.dispatch.end)
        network = Network.of(transport, session=session, proxy=proxy, timeout=timeout)
        if network.owned:
            opened.push_async_callback(network.transport.close)
        where = await store.text() if isinstance(store, KeyRef) else store
        kept = store_of(where, environment.clock)
        if kept is not where:
            opened.push_async_callback(kept.close)
        await kept.open()
        shared_transport = SharedTransport(network.transport, rate=cap, clock=environment.clock)
        halt = asyncio.Event()
        with_leases = cast("LeaseStore", kept)  # that it is one, is checked here:
        shared = await opened.enter_async_context(shared_in(with_leases, environment.clock))
        runner = AccountRunner(
            options,
            leases=shared.leases,
            transport=shared_transport,
            owners=KeyOwners(with_leases),
            stats=stats,
            stop=halt,
        )
        held = HeldJobs(with_leases, shared.leases)
        admission = Admission(shared_transport, at_once)
        run = FleetRun(
            source, runner, held=held, network=shared_transport, stats=stats, halt=halt, admission=admission
        )
        opened.enter_context(shared.reporter.showing(run, name or ""))
        return await run.run(condition)
