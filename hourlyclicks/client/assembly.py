"""The parts of a client, from the single flight to the socket and the store, constructed and connected."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING, cast

from hourlyclicks.clock import SystemClock
from hourlyclicks.fetching.cache import DayCache
from hourlyclicks.fetching.clock_skew import ClockSkewDetector
from hourlyclicks.fetching.coalescing import SingleFlight
from hourlyclicks.fetching.fetcher import DayFetcher
from hourlyclicks.fetching.key_trust import KeyTrust
from hourlyclicks.fetching.retry import Retrier
from hourlyclicks.fetching.rules import Rules
from hourlyclicks.jobs.services import Services
from hourlyclicks.model.fingerprints import fingerprint_of
from hourlyclicks.model.zones import Finality
from hourlyclicks.pacing.backend import LocalBackend
from hourlyclicks.pacing.limiter import Limiter

if TYPE_CHECKING:
    import datetime as dt

    from hourlyclicks.client.resources import Environment, Network, Storage
    from hourlyclicks.clock import Clock
    from hourlyclicks.coordination.leased_backend import LeasedBackend
    from hourlyclicks.coordination.leased_runs import LeasedRuns
    from hourlyclicks.coordination.registry import RunRegistry
    from hourlyclicks.coordination.state_copies import StateCopies
    from hourlyclicks.fetching.range_fetcher import RangeFetcher
    from hourlyclicks.fetching.retry import RetryPolicy
    from hourlyclicks.model.questions import EndpointChoice
    from hourlyclicks.pacing.backend import LimiterBackend
    from hourlyclicks.pacing.plans import Allowance, Limits
    from hourlyclicks.wire.key import ApiKey
    from hourlyclicks.wire.request import Origin

_SPARE = 2
"""How many spare workers a job may start while others wait."""


def assemble(
    *,
    origin: Origin,
    allowance: Allowance,
    retry: RetryPolicy,
    network: Network,
    zone: dt.tzinfo | None,
    storage: Storage | None,
    environment: Environment,
    endpoint: EndpointChoice,
) -> Services:
    """Return the parts that the calls of a client share.

    Args:
        origin: the base URL, and the headers that identify the client.
        allowance: what may be requested, and how fast.
        retry: how often and when to retry.
        network: the transport, and how it is used.
        zone: the account's time zone, if it is known.
        storage: the store, if there is one.
        environment: the clock, the randomness, and the receiver of events.
        endpoint: which version of the endpoint for hours to ask.
    """
    clock, random = environment.clock, environment.random
    dispatch, limits = environment.dispatch, allowance.limits
    cache: DayCache | None = None
    workers, spare = limits.concurrency, _SPARE
    backend: LimiterBackend = LocalBackend(limits)
    runs: RunRegistry | LeasedRuns | None = None
    if storage is not None:
        workers, spare = limits.concurrency + _SPARE, 0  # some of them always wait for the disk
        cache = _cache_of(storage, origin.api_key, zone, environment)
        backend, runs = _backend_of(storage, cache, limits, clock, network.longest, origin)
    limiter = Limiter(limits, backend=backend, clock=clock, emit=dispatch, random=random)
    if storage is not None and storage.lease is not None:
        cast("LeasedBackend", backend).bind(partial(limiter.abort, for_good=True))
    rules = Rules(
        key=origin.api_key,
        finality=Finality(zone),
        skew=ClockSkewDetector(dispatch),
        trust=KeyTrust(limits.concurrency),
        retrier=Retrier(retry, clock=clock, random=random),
        limiter=limiter,
        clock=clock,
        dispatch=dispatch,
    )
    fetcher = DayFetcher(origin=origin, rules=rules, transport=network.transport, cache=cache)
    ranges: RangeFetcher | None = None
    if endpoint != "v2":
        from hourlyclicks.fetching.range_fetcher import RangeFetcher  # noqa: PLC0415 - not by default
        from hourlyclicks.fetching.range_state import RangeState  # noqa: PLC0415 - likewise

        state = RangeState(allowance.longest_range, clock, strict=endpoint == "v3")
        ranges = RangeFetcher(
            origin=origin, rules=rules, transport=network.transport, state=state, cache=cache
        )
    return Services(
        fetcher=fetcher,
        ranges=ranges,
        single_flight=SingleFlight(fetcher.fetch, limiter.queue.move, stores=cache is not None),
        cache=cache,
        zone=zone,
        workers=workers,
        spare=spare,
        runs=runs,
    )


def _cache_of(storage: Storage, key: ApiKey, zone: dt.tzinfo | None, environment: Environment) -> DayCache:
    """Return the store of a client as a cache for the days of its account."""
    account = storage.account
    return DayCache(
        storage.store,
        owned=storage.owned,
        fingerprint=key.fingerprint if account is None else partial(fingerprint_of, account),
        zone=zone,
        clock=environment.clock,
        dispatch=environment.dispatch,
    )


def _backend_of(
    storage: Storage, cache: DayCache, limits: Limits, clock: Clock, longest: float, origin: Origin
) -> tuple[LimiterBackend, RunRegistry | LeasedRuns]:
    """Return the backend of a client with a store, and where other processes see its runs.

    The holder of a lease takes no steps in which it could report runs; the run over many accounts does.
    """
    from hourlyclicks.coordination.shared_state import SharedState  # noqa: PLC0415 - not without a store

    shared = SharedState(cache.store, cache.account, _copies_of(storage, limits, clock, longest, origin))
    if storage.lease is not None:
        from hourlyclicks.coordination.active_backend import ActiveBackend  # noqa: PLC0415 - only for a lease
        from hourlyclicks.coordination.leased_backend import LeasedBackend  # noqa: PLC0415 - likewise

        lease = storage.lease
        active = ActiveBackend(limits, lease=lease, shared=shared, clock=clock, longest=longest)
        return LeasedBackend(active, lease=lease, concurrency=limits.concurrency), lease.runs
    from hourlyclicks.coordination.shared_backend import SharedBackend  # noqa: PLC0415 - as above

    backend = SharedBackend(limits, shared=shared, clock=clock, longest=longest)
    return backend, backend.runs


def _copies_of(
    storage: Storage, limits: Limits, clock: Clock, longest: float, origin: Origin
) -> StateCopies | None:
    """Return the copies of the shared state for a store that is a file; ``None``: there are none."""
    file = getattr(storage.store, "file", None)
    if file is None or not isinstance(clock, SystemClock):
        return None
    from hourlyclicks.coordination.shared_backend import request_life  # noqa: PLC0415 - as above
    from hourlyclicks.coordination.state_copies import StateCopies  # noqa: PLC0415 - as above

    with suppress(OSError):  # the current folder may have been deleted
        file = os.path.realpath(file)
    where = blake2b(f"{origin.base_url} {file}".encode("utf-8", "surrogateescape"))
    lease, name, fingerprint = storage.lease, storage.account, origin.api_key.fingerprint
    if name is not None and not (lease is not None and lease.alone):  # else the account is that of its key
        fingerprint = partial(fingerprint_of, name)
    return StateCopies(fingerprint(where.digest()), limits, lease=request_life(longest))
