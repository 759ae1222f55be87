"""Copies of the shared state outside of the store, for a store whose file is lost or replaced.

The log of requests is in the store. When its file is removed, renamed, truncated, or overwritten by a backup,
that log is gone, or older than the last requests; the next process would begin a window anew while the server
still counts them. So each process also writes the state into a file of the user's temporary folder, with
every step that changes it, and a process whose store knows less than such a copy goes on from both. It
stores that at once, and deletes the copies that it has all of.

No request can be missed: the copy is written within the transaction, before the file of the store is checked
for the last time. If that check still finds the store, the copy was there before the store was lost, and so
before a new one could be made in its place.

- A copy belongs to one account at one path. Of all that processes have written while they used one store, the
  latest counts. Only the requests and what the server said of them are taken from it: claims, queue entries
  and runs were those of the store that is lost.
- If the limits were in the memory of a process (`hourlyclicks.coordination.active_backend`), the copy does
  not tell its last requests, and the worst is assumed.
- A copy from before the machine was started has a moment that is yet to come, as a rule, and is not used.
- A process that runs on looks at the copies again only if its store has become older than it was. A backup of
  exactly the state that it saw last, restored by SQLite itself, is not noticed.
- Where there is no folder for them, there are no copies.
"""

from __future__ import annotations

import secrets
from collections import Counter
from contextlib import suppress
from hashlib import blake2b
from typing import TYPE_CHECKING, Generic, TypeVar

from hourlyclicks.clock import SECOND
from hourlyclicks.coordination.arbiter import Arbiter
from hourlyclicks.coordination.copy_files import CopyFiles, copies_of
from hourlyclicks.coordination.expiry import FORGET_AFTER
from hourlyclicks.coordination.state import ArbiterState, seen_in
from hourlyclicks.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from hourlyclicks.coordination.copy_files import Copy
    from hourlyclicks.pacing.plans import Limits
    from hourlyclicks.store.ledger import LedgerEntry
    from hourlyclicks.store.protocol import Change

R = TypeVar("R")


class StateCopies:
    """The copies of the state of one account at one path.

    Args:
        name: the name of their folder.
        limits: the limits to keep.
        lease: how long a request can be in flight, in nanoseconds.

    Attributes:
        salt: the salt of the store, to be set before the first step; a new store has another one.
    """

    def __init__(self, name: str, limits: Limits, *, lease: int) -> None:
        self.salt = b""
        self._name = name
        self._limits = limits
        self._lease = lease
        self._store = ""
        self._files: CopyFiles | None = None
        self._found: dict[str, ArbiterState] = {}
        self._outdated: list[Path] = []
        self._seen = 0

    def with_copies(self, text: str | None, now: int) -> str | None:
        """Return the state of the store with what copies know besides, or the same text if that is nothing.

        They are read before the first step, and whenever the store knows less than it did. A later state of
        the same store has all that its earlier copies have; one of another store does not.

        Args:
            text: the state of the store; ``None``: there is none.
            now: the present moment.
        """
        seen = seen_in(text)
        if self._files is None or seen < self._seen:
            self._read()
        self._seen = seen
        unknown = [
            copy
            for store, copy in self._found.items()
            if copy.seen <= now and (store != self._store or not copy.seen <= seen <= now)
        ]
        if not unknown:
            return text
        state = self._arbiter(ArbiterState.read(text), now).close()
        for copy in unknown:
            arbiter = self._arbiter(copy.copy(), now)
            arbiter.expire_holder(now, copy.limits_holder)
            take_over_requests(state, arbiter.close())
        return state.write()

    def write_copy(self, text: str) -> None:
        """Write a copy within the transaction, and delete those that it has all of."""
        if self._files is None or not self._files.write(text):
            return
        for path in self._outdated:
            with suppress(OSError):
                path.unlink()
        self._outdated = []

    def stored(self, text: str) -> None:
        """Note that the store has a state by now, and so all that the copies had."""
        self._found, self._seen = {}, seen_in(text)

    def _read(self) -> None:
        """Read the copies that there are, and be ready to write further ones."""
        if self._files is None:
            self._store = blake2b(self.salt, digest_size=8).hexdigest()
            self._files = CopyFiles(self._name, f"{self._store}-{secrets.token_hex(8)}")
        found = list(copies_of(self._name))
        self._found = _latest_of_each_store(found)
        self._outdated = [copy.path for copy in found if not self._files.owns(copy.path)]

    def _arbiter(self, state: ArbiterState, now: int) -> Arbiter:
        return Arbiter(self._limits, state, now=now, lease=self._lease)


class CopiedStep(Generic[R]):
    """A step whose result is copied; it runs in the thread of the store, and may be repeated.

    Args:
        copies: the copies.
        step: the step.

    Attributes:
        copied: the state that was copied when it was taken last; ``None``: it changed nothing.
    """

    def __init__(self, copies: StateCopies, step: Change[R]) -> None:
        self.copied: str | None = None
        self._copies = copies
        self._step = step

    def __call__(self, text: str | None, now: int, entry: LedgerEntry | None) -> tuple[str | None, R]:
        """Take the step, as `hourlyclicks.store.protocol.Change` describes it."""
        self.copied = None
        known = self._copies.with_copies(text, now)
        changed, result = self._step(known, now, entry)
        if changed is None and known != text:
            changed = known  # so that the next process need not assume the worst once more
        return changed, result

    def write_copy(self, text: str) -> None:
        """Write a copy, as `hourlyclicks.store.protocol.Change` describes it."""
        self._copies.write_copy(text)
        self.copied = text


def take_over_requests(state: ArbiterState, copy: ArbiterState) -> None:
    """Let a state count the requests of another one, and wait as the later of them does.

    Args:
        state: the state; changed in place.
        copy: the other one.
    """
    if copy.seen >= state.seen or (copy.pause.held and not state.pause.held):
        state.pause, state.throttle = copy.pause, copy.throttle or state.throttle
    state.seen, state.longest = max(state.seen, copy.seen), max(state.longest, copy.longest)
    state.released = sorted((Counter(state.released) | Counter(copy.released)).elements())
    state.requests = state.requests | copy.requests
    state.orphans = state.orphans | copy.orphans
    state.processes = state.processes | copy.processes
    state.even, state.slowest = max(state.even, copy.even), max(state.slowest, copy.slowest)


def _latest_of_each_store(copies: Iterable[Copy]) -> dict[str, ArbiterState]:
    """Return the latest copy of each store, without those that are too old to matter."""
    latest = dict[str, ArbiterState]()
    for path, age, text in copies:
        with suppress(StoreError):
            state, store = ArbiterState.read(text), path.name.partition("-")[0]
            recent = age * SECOND <= max(FORGET_AFTER, state.longest)
            if recent and (store not in latest or latest[store].seen < state.seen):
                latest[store] = state
    return dict(sorted(latest.items(), key=lambda item: item[1].seen))
