"""Steps of the arbiter in the store, each with all reports that wait, and the state as it was after the last.

What happens between two steps (responses, slots that are given back, claims that are released) is reported
together in the next one, and the store writes an answer in the same transaction as the step that reports its
response.

A look at the state without a transaction takes place beside the steps, and its result may come after that of
a step that was taken later. Such an older state is not remembered: it may not know of a pause.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, TypeVar

from hourlyclicks.clock import SECOND
from hourlyclicks.coordination.arbiter import Arbiter
from hourlyclicks.coordination.processes import Liveness
from hourlyclicks.coordination.snapshot import SharedSnapshot
from hourlyclicks.coordination.state import ArbiterState

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from hourlyclicks.clock import Clock
    from hourlyclicks.coordination.registry import RunRegistry
    from hourlyclicks.coordination.shared_state import SharedState
    from hourlyclicks.model.targets import Target
    from hourlyclicks.pacing.backend import WaitingTasks
    from hourlyclicks.pacing.plans import Limits
    from hourlyclicks.store.ledger import LedgerEntry

R = TypeVar("R")


class ArbiterSteps:
    """Take steps of the arbiter for one process.

    Args:
        limits: the limits to keep.
        shared: where the shared state is.
        clock: what time it is here.
        lease: how long a request can be in flight, in nanoseconds.

    Attributes:
        state: the shared state as of the last step.
        offset: how far the clock of the store is ahead of that of this process, in nanoseconds.
        reports: what the next step reports.
        claims: the days that may be claimed; each step that changes something renews the claims to them.
        settled: the days whose claims the next step that changes something releases.
        taken: when the result of the last step came, on the clock of this process; ``None``: never.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        shared: SharedState,
        clock: Clock,
        lease: int,
    ) -> None:
        self.state = ArbiterState()
        self.offset = 0
        self.reports: list[Callable[[Arbiter], object]] = []
        self.claims: set[str] = set()
        self.settled: list[str] = []
        self.taken: int | None = None
        self._limits = limits
        self._shared = shared
        self._clock = clock
        self._lease = lease
        self._name = ""
        self._liveness = Liveness()
        self._results = 0
        self._waiting: WaitingTasks
        self._runs: RunRegistry

    @property
    def holder(self) -> str:
        """The name of this client at the store; made at its first use, so that forks do not share it."""
        if not self._name:
            self._name = secrets.token_hex(8)
        return self._name

    def attach(self, waiting: WaitingTasks, runs: RunRegistry) -> None:
        """Set the tasks that are told of pauses, and the runs that report with each step."""
        self._waiting = waiting
        self._runs = runs

    def snapshot(self, now: int) -> SharedSnapshot:
        """Return what was known after the last step."""
        return SharedSnapshot(self._limits, self.state, self._lease, now, self.offset)

    def claims_end_by(self, moment: int) -> bool:
        """Return whether a claim has ended, or ends by a moment of this process if no step renews it."""
        known, moment = self.state.claims, moment + self.offset
        return any(
            day not in known or (known[day].holder == self.holder and known[day].expires <= moment)
            for day in self.claims
        )

    async def take(
        self,
        step: Callable[[Arbiter, LedgerEntry | None], R],
        *,
        of: tuple[Target, dt.date] | None = None,
        ours: bool = False,
        peek: bool = False,
        silent: bool = False,
    ) -> R:
        """Take a step in the store with all reports, and remember the state as it is afterwards.

        Args:
            step: the step; it runs in another thread, and may be repeated.
            of: the day whose ledger entry it needs.
            ours: whether a pause that begins is that of this process.
            peek: whether to try it without a transaction first.
            silent: whether runs report nothing with it.
        """
        reports, self.reports = self.reports, []
        claims, settled = frozenset(self.claims), list[str]()  # a copy, since the step runs in another thread
        before, heartbeats = self._results, {} if silent else self._runs.heartbeats()

        def change(
            text: str | None, now: int, entry: LedgerEntry | None
        ) -> tuple[str | None, tuple[R, ArbiterState]]:
            state = ArbiterState.read(text)
            gone = self._liveness.gone(state.processes, now)
            arbiter = Arbiter(self._limits, state, now=now, lease=self._lease, gone=gone)
            for report in reports:
                report(arbiter)
            result = step(arbiter, entry)
            settled[:] = self.settled if reports or arbiter.changed else ()
            for day in settled:
                arbiter.settle(day, self.holder)
            arbiter.renew_claims(claims.difference(settled), self.holder)
            arbiter.write_heartbeats(heartbeats)
            arbiter.introduce(self.holder, self._liveness.here)
            state = arbiter.close()
            return state.write() if arbiter.changed else None, (result, state)

        try:
            (result, state), moment = await self._shared.change(change, of=of, peek=peek)
        except BaseException:  # also if the task is cancelled: the next step reports them
            self.reports[:0] = reports  # each of them may be repeated
            raise
        self.settled = [day for day in self.settled if day not in settled]
        if before == self._results or state.seen >= self.state.seen:
            self._update(state, moment, ours=ours)
        self._results += 1
        return result

    async def ask_holder(self) -> int | None:
        """Ask the holder of the account's lease to share the limits; see `SharedState.ask_holder`."""
        return await self._shared.ask_holder(self._liveness.here)

    def _update(self, state: ArbiterState, moment: int, *, ours: bool) -> None:
        """Remember the state, and tell of what other processes have begun, ended or asked for."""
        before, self.state = self.state.pause, state
        self.taken = self._clock.monotonic()
        self.offset = moment - self.taken
        if state.pause.epoch > before.epoch and state.pause.held and not ours:
            self._waiting.paused(max(0.0, (state.pause.until - moment) / SECOND))
        elif before.held and not state.pause.held:
            self._waiting.resumed()
        self._runs.heard(state)
