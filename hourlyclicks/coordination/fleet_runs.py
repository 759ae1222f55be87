"""The runs over many accounts on a store, in this process or another, on any machine: see and stop them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import attrs

from hourlyclicks.clock import SystemClock
from hourlyclicks.coordination.processes import is_gone, process_of, this_process

if TYPE_CHECKING:
    from hourlyclicks.store.fleets import StoredFleet
    from hourlyclicks.store.reader import StoreReader


@attrs.frozen(kw_only=True)
class RunningFleet:
    """A run over many accounts, as it has reported last. All moments are aware.

    Args:
        name: the name it was given; ``None``: none.
        host: the name of its machine.
        pid: its process id there.
        began_at: when it began.
        reported_at: when it reported last; after five minutes without a report it is considered dead.
        active: how many accounts are active.
        waiting: how many accounts it knows that are neither active nor done.
        requests: how many requests the active ones still have to send, if none has to be repeated.
        stopping: whether it is asked to stop.
        gone: whether its process has ended without a last report, as when it was killed; only known of
            processes on this machine.
    """

    name: str | None
    host: str
    pid: int
    began_at: dt.datetime
    reported_at: dt.datetime
    active: int
    waiting: int
    requests: int
    stopping: bool
    gone: bool = False


async def running_fleets(store: StoreReader, *, now: dt.datetime | None = None) -> tuple[RunningFleet, ...]:
    """Return the runs over many accounts, in the order in which they began. Nothing is written.

    A run is seen from its third second on. The runs of one process that have the same name are one, as are
    the jobs of a worker of a queue.

    Args:
        store: the store, opened with `hourlyclicks.store.open_store`.
        now: the present moment, aware, from which the moments are computed; ``None``: that of the clock.

    Raises:
        StoreError: the store cannot be read.
    """
    return _seen(await store.fleets(), now)


async def stop_fleets(
    store: StoreReader, *, name: str | None = None, now: dt.datetime | None = None
) -> tuple[RunningFleet, ...]:
    """Ask runs over many accounts to stop, as their ``stop`` event does; return those that were asked.

    Each sees it within ten seconds. It then sends no more requests, stores the results of those in flight,
    and reports `StopReason.STOPPED`. A queue repeats its jobs later.

    Args:
        store: the store, opened with ``open_store(…, read_only=False)``.
        name: only runs of this name; ``None``: all.
        now: as for `running_fleets`.

    Raises:
        StoreError: the store cannot be read or written.
    """
    asked = [fleet for fleet in await store.fleets() if name in {None, fleet.entry.name}]
    if asked:
        await store.ask_fleets_to_stop([fleet.entry.run for fleet in asked])
    return _seen(asked, now)


def _seen(fleets: list[StoredFleet], now: dt.datetime | None) -> tuple[RunningFleet, ...]:
    wall, here = now or SystemClock().wall(), this_process()
    return tuple(
        RunningFleet(
            name=entry.name or None,
            host=entry.holder.host,
            pid=entry.holder.pid,
            began_at=wall - dt.timedelta(seconds=entry.age),
            reported_at=wall - dt.timedelta(seconds=silent),
            active=entry.active,
            waiting=entry.waiting,
            requests=entry.requests,
            stopping=stop,
            gone=is_gone(process_of(entry.holder), here),
        )
        for entry, silent, stop in fleets
    )
