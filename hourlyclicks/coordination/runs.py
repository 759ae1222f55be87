"""The backfills that run on a store, in this process or another, on any machine: see them, and stop them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, TypeVar

import attrs

from hourlyclicks.clock import SECOND, SystemClock
from hourlyclicks.coordination.heartbeat import ask_to_stop, living_runs
from hourlyclicks.coordination.orphans import held_slots
from hourlyclicks.coordination.processes import is_gone, this_process
from hourlyclicks.coordination.state import ArbiterState, Process, holder_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from hourlyclicks.coordination.state import RunEntry
    from hourlyclicks.store.ledger import LedgerEntry
    from hourlyclicks.store.stored_account import StoredAccount

R = TypeVar("R")

_FIRST, _LAST = dt.datetime.min.replace(tzinfo=dt.UTC), dt.datetime.max.replace(tzinfo=dt.UTC)

SERVER_ASKS = "the server asks to wait"
MUCH_FAILS = "too many requests fail"


@attrs.frozen(kw_only=True)
class RunningBackfill:
    """A backfill that runs, as it has reported last. All moments are aware.

    Args:
        name: the name it was given; ``None``: none.
        host: the name of its machine.
        pid: its process id there.
        began_at: when it began.
        reported_at: when it reported last; after five minutes without a report it is considered dead.
        requests: how many requests it still has to send, if none has to be repeated.
        ends_at: when it will end if nothing fails: its deadline at the latest.
        paused_until: when its pause ends; ``None``: it does not pause.
        paused_because: why it pauses; ``None``: it does not.
        stopping: whether it is asked to stop.
        gone: whether its process has ended without a last report, as when it was killed; only known of
            processes on this machine.
    """

    name: str | None
    host: str
    pid: int
    began_at: dt.datetime
    reported_at: dt.datetime
    requests: int
    ends_at: dt.datetime
    paused_until: dt.datetime | None
    paused_because: str | None
    stopping: bool
    gone: bool = False


async def running_backfills(
    account: StoredAccount, *, now: dt.datetime | None = None
) -> tuple[RunningBackfill, ...]:
    """Return the backfills of an account that run, in the order in which they began. Nothing is written.

    A backfill is known from its first request on. One that was killed is listed for up to five minutes; on
    the same machine it is `gone`.

    Args:
        account: the account, of a store that was opened with `hourlyclicks.store.open_store`.
        now: the present moment, aware, from which the moments are computed; ``None``: that of the clock.

    Raises:
        StoreError: the shared state cannot be read.
    """
    return await _take(account, now, living_runs, peek=True)


async def stop_backfills(
    account: StoredAccount, *, name: str | None = None, now: dt.datetime | None = None
) -> tuple[RunningBackfill, ...]:
    """Ask running backfills to stop, as their ``stop`` event does; return those that were asked.

    Each sees it with its next request, or within ten seconds. It then sends no more requests, stores the
    results of those in flight, and reports `StopReason.STOPPED`.

    Args:
        account: the account, of a store that was opened with ``open_store(…, read_only=False)``.
        name: only backfills of this name; ``None``: all.
        now: as for `running_backfills`.

    Raises:
        StoreError: the shared state cannot be read or written.
    """
    return await _take(account, now, lambda state, moment: ask_to_stop(state, moment, name), peek=False)


async def _take(
    account: StoredAccount,
    now: dt.datetime | None,
    step: Callable[[ArbiterState, int], dict[str, RunEntry]],
    *,
    peek: bool,
) -> tuple[RunningBackfill, ...]:
    """Take a step on the shared state, and return the runs that it returns."""

    def change(
        text: str | None, moment: int, _: LedgerEntry | None
    ) -> tuple[str | None, tuple[ArbiterState, dict[str, RunEntry]]]:
        state = ArbiterState.read(text)
        runs = step(state, moment)
        return state.write() if runs and not peek else None, (state, runs)

    (state, runs), moment = await account.pace(change, peek=peek)
    seen = _Seen(state, this_process(), _Moments(now or SystemClock().wall(), moment))
    return tuple(seen.running(key) for key in sorted(runs, key=lambda key: runs[key].began))


@attrs.frozen
class _Moments:
    """Moments of the clock of the store as times of day.

    Args:
        wall: the present time of day.
        now: the same moment, on the clock of the store.
    """

    wall: dt.datetime
    now: int

    def __call__(self, moment: int) -> dt.datetime:
        """Return a moment as a time of day; one that is beyond the calendar as its end."""
        try:
            return self.wall + dt.timedelta(seconds=(moment - self.now) / SECOND)
        except OverflowError:
            return _LAST if moment > self.now else _FIRST


@attrs.frozen
class _Seen:
    """What was seen of the runs.

    Args:
        state: the shared state.
        here: this process.
        at: turns its moments into times of day.
    """

    state: ArbiterState
    here: Process
    at: _Moments

    def running(self, key: str) -> RunningBackfill:
        """Return a run as a value."""
        run, at = self.state.runs[key], self.at
        process = self.state.processes.get(holder_of(key))
        until, because = self._pause(key, run)
        return RunningBackfill(
            name=run.name or None,
            host=run.host,
            pid=run.pid,
            began_at=at(run.began),
            reported_at=at(run.seen),
            requests=run.requests,
            ends_at=at(max(run.ends, until, at.now)),
            paused_until=None if because is None else at(until),
            paused_because=because,
            stopping=run.stop,
            gone=process is not None and is_gone(process, self.here),
        )

    def _pause(self, key: str, run: RunEntry) -> tuple[int, str | None]:
        """Return until when a run sends nothing, and why; ``None``: it does not pause."""
        pause, now = self.state.pause, self.at.now
        if pause.held and pause.until > max(now, run.opens):
            return pause.until, SERVER_ASKS
        if run.opens > now:
            return run.opens, MUCH_FAILS
        held = held_slots(self.state, holder_of(key), now)
        return (0, None) if held is None else (held.until, held.why)
