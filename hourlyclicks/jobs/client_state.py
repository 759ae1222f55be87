"""What a client is doing at one moment, gathered from its parts."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from hourlyclicks.clock import SECOND
from hourlyclicks.events import MUCH_FAILS
from hourlyclicks.model.priority import Lane
from hourlyclicks.model.state import ClientState, LaneState, PauseState, WindowState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hourlyclicks.clock import Clock
    from hourlyclicks.jobs.services import Services
    from hourlyclicks.model.state import ClientStatus
    from hourlyclicks.pacing.limiter import Limiter


def state_of(services: Services, status: ClientStatus) -> ClientState:
    """Return what a client is doing now.

    Args:
        services: its parts.
        status: whether it is used.
    """
    limiter, clock, ranges = services.limiter, services.clock, services.ranges
    usage, own, now = limiter.usage(), limiter.in_flight, clock.monotonic()
    rates = sorted(limiter.limits.rates, key=lambda rate: rate.seconds)
    by_range = ranges is not None and ranges.state.record.usable(clock.wall())
    return ClientState(
        status=status,
        key_rejected=limiter.key_rejected,
        calls=len(services.running),
        interactive=_lane_state(limiter, Lane.INTERACTIVE),
        backfill=_lane_state(limiter, Lane.BACKFILL),
        in_flight=own,
        in_flight_elsewhere=max(0, usage.in_flight - own),
        concurrency=limiter.limits.concurrency,
        windows=tuple(
            WindowState(requests=rate.requests, seconds=rate.seconds, free=free)
            for rate, free in zip(rates, usage.free, strict=True)
        ),
        opens_in=max(0, usage.opens - now) / SECOND,
        pauses=tuple(_pauses(limiter, clock)),
        base_url=str(services.fetcher.base_url).rstrip("/"),
        endpoint="v3" if by_range else "v2",
        store=None if services.cache is None else services.cache.describe(),
    )


def _lane_state(limiter: Limiter, lane: Lane) -> LaneState:
    waiting, unsent = limiter.queue.load(lane)
    return LaneState(waiting=waiting, unsent=max(waiting, unsent))


def _pauses(limiter: Limiter, clock: Clock) -> Iterator[PauseState]:
    """Yield the pause of all requests, and that of the backfills."""
    wall, seconds, of_backfills = clock.wall(), limiter.pause, limiter.backfill_pause
    if seconds:
        yield PauseState(until=wall + dt.timedelta(seconds=seconds), why=limiter.queue.why_paused)
    if of_backfills:
        until = wall + dt.timedelta(seconds=of_backfills)
        yield PauseState(until=until, why=MUCH_FAILS, lane="backfill")
