"""The state of the arbiter as text, for processes that share one rate limit through a store.

All moments are nanoseconds of one clock: that of the store.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

import attrs

from hourlyclicks.errors import StoreError
from hourlyclicks.pacing.breaker import BreakerState
from hourlyclicks.pacing.throttle import ThrottleState

if TYPE_CHECKING:
    from collections.abc import Iterable

R = TypeVar("R")


class SentRequest(NamedTuple):
    """A request in flight.

    Args:
        sent: when it was allowed to go.
        expires: when it is over at the latest, even if its process has died.
        epoch: the pause before it.
        probe: whether it is the probe after that pause.
        previous_even: what even spacing had allowed before.
    """

    sent: int
    expires: int
    epoch: int
    probe: bool
    previous_even: int


class Claim(NamedTuple):
    """The right of one process to request a day.

    Args:
        holder: the process.
        expires: when it ends by itself.
    """

    holder: str
    expires: int


class QueueEntry(NamedTuple):
    """A process that waits.

    Args:
        lane: its highest priority; the smaller number goes first.
        unsent: how many requests its jobs of that priority still need.
        job: the name of what it works on; processes with the same name share these requests.
        asks: when it was told to ask again; the entry is due from then on.
        until: when the entry expires, unless the process has asked by then.
    """

    lane: int
    unsent: int
    job: str
    asks: int
    until: int


class RunEntry(NamedTuple):
    """A run of a process, as it was reported last.

    Args:
        host: the name of its machine.
        pid: its process id there.
        name: the name it was given; empty: none.
        began: when it began.
        seen: when it reported.
        requests: how many requests it still had to send.
        ends: when it will be done if nothing fails.
        opens: until when its own circuit breaker lets nothing go; 0: it does.
        stop: whether it is asked to stop.
    """

    host: str
    pid: int
    name: str
    began: int
    seen: int
    requests: int
    ends: int
    opens: int
    stop: bool


class Process(NamedTuple):
    """Which process a holder is; see `hourlyclicks.coordination.processes`.

    Args:
        machine: what only processes that see each other have in common; empty: it is not known.
        pid: its process id there.
        started: when it was started, in ticks since the machine was; 0: it is not known.
    """

    machine: str
    pid: int
    started: int


class LimitsHolder(NamedTuple):
    """The process that holds the lease of the account, and has the limits in its memory.

    Args:
        name: the process.
        token: the fencing token of its lease.
    """

    name: str
    token: int


@attrs.define
class ArbiterState:
    """The shared state.

    Attributes:
        seen: when it was last changed.
        longest: the length of the longest window that any process keeps.
        released: when the responses of the last requests came, as long as that window counts them.
        requests: the requests in flight, by the names of their slots.
        claims: the claims to days.
        queue: the queue entries, by process.
        served: when each process was last granted a slot.
        pause: the state of the circuit breaker.
        throttle: what the 429 answers so far have taught; ``None``: nothing.
        even: the moment from which on even spacing lets a request go.
        runs: the runs of processes, those that reported last at the end.
        processes: which process each holder is, as far as it is known.
        orphans: until when the requests of ended processes count as in flight, by the names of their slots.
        slowest: how long the slowest of the last responses took; 0: none has come.
        limits_holder: the process that has the limits in memory; the rest is what it has saved last.
    """

    seen: int = 0
    longest: int = 0
    released: list[int] = attrs.field(factory=list)
    requests: dict[str, SentRequest] = attrs.field(factory=dict)
    claims: dict[str, Claim] = attrs.field(factory=dict)
    queue: dict[str, QueueEntry] = attrs.field(factory=dict)
    served: dict[str, int] = attrs.field(factory=dict)
    pause: BreakerState = attrs.field(factory=BreakerState)
    throttle: ThrottleState | None = None
    even: int = 0
    runs: dict[str, RunEntry] = attrs.field(factory=dict)
    processes: dict[str, Process] = attrs.field(factory=dict)
    orphans: dict[str, int] = attrs.field(factory=dict)
    slowest: int = 0
    limits_holder: LimitsHolder | None = None

    @classmethod
    def read(cls, text: str | None) -> Self:
        """Read what `write` wrote; ``None``: begin a new one.

        Raises:
            StoreError: it is something else.
        """
        if text is None:
            return cls()
        try:
            parts = json.loads(text)
            return cls(
                _whole(parts[_SEEN_IN_MEMORY if "memory" in parts else "seen"]),
                _whole(parts["longest"]),
                [_whole(moment) for moment in parts["released"]],
                {name: _row(SentRequest, cells) for name, cells in parts["flights"].items()},
                {what: _row(Claim, cells) for what, cells in parts["claims"].items()},
                {name: _row(QueueEntry, cells) for name, cells in parts["lines"].items()},
                {name: _whole(moment) for name, moment in parts["served"].items()},
                _row(BreakerState, parts["pause"]),
                None if parts["brake"] is None else _row(ThrottleState, parts["brake"]),
                _whole(parts["even"]),
                {key: _row(RunEntry, cells) for key, cells in parts.get("runs", {}).items()},
                {name: _row(Process, cells) for name, cells in parts.get("processes", {}).items()},
                {name: _whole(moment) for name, moment in parts.get("orphans", {}).items()},
                _whole(parts.get("slowest", 0)),
                _row(LimitsHolder, parts["memory"]) if "memory" in parts else None,
            )
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise StoreError("the shared rate limit in the store cannot be read") from None

    def copy(self) -> Self:
        """Return a copy, which an arbiter may change."""
        return type(self)(
            self.seen,
            self.longest,
            self.released.copy(),
            self.requests.copy(),
            self.claims.copy(),
            self.queue.copy(),
            self.served.copy(),
            self.pause,
            self.throttle,
            self.even,
            self.runs.copy(),
            self.processes.copy(),
            self.orphans.copy(),
            self.slowest,
            self.limits_holder,
        )

    def is_shared_with_others(self, holder: str) -> bool:
        """Return whether other processes than one wait, or have requests in flight or claims."""
        return (
            self.limits_holder is not None
            or any(name != holder for name in self.queue)
            or any(claim.holder != holder for claim in self.claims.values())
            or any(holder_of(name) != holder for name in self.requests if name not in self.orphans)
        )

    def write(self) -> str:
        """Return it as text."""
        parts = dict(zip(_KEYS, attrs.astuple(self, recurse=False), strict=True))
        for name in _NEWER:
            if not parts[name]:
                del parts[name]
        if self.limits_holder is not None:
            parts[_SEEN_IN_MEMORY] = parts.pop("seen")
        return json.dumps(parts, separators=(",", ":"))


_KEYS = (
    "seen",
    "longest",
    "released",
    "flights",
    "claims",
    "lines",
    "served",
    "pause",
    "brake",
    "even",
    "runs",
    "processes",
    "orphans",
    "slowest",
    "memory",
)
"""What the fields are called in the text, which older versions read and write, too."""

_NEWER = _KEYS[_KEYS.index("runs") :]
"""Those that older versions ignore, and write the text without; the next steps put them there again."""

_SEEN_IN_MEMORY = "seen in memory"
"""What "seen" is called then. Older versions cannot read that text; they would take it for up to date."""

_ROWS: dict[type, tuple[type, ...]] = {
    SentRequest: (int, int, int, bool, int),
    Claim: (str, int),
    QueueEntry: (int, int, str, int, int),
    RunEntry: (str, int, str, int, int, int, int, int, bool),
    Process: (str, int, int),
    LimitsHolder: (str, int),
    BreakerState: (int, int, bool, bool),
    ThrottleState: (int, int, int, bool),
}
"""What is in each kind of row."""


def seen_in(text: str | None) -> int:
    """Return when a state was last changed, as a rule without reading all of it.

    Args:
        text: the state; ``None``: there is none.
    """
    if text is None:
        return 0
    begin, _, rest = text.partition(":")
    number = rest.partition(",")[0]
    return int(number) if begin == '{"seen"' and number.isdecimal() else ArbiterState.read(text).seen


def holder_of(name: str) -> str:
    """Return the process of a slot or a run, whose name begins with it."""
    return name.partition(".")[0]


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError
    return value


def _row(kind: type[R], cells: Iterable[Any]) -> R:
    """Make a row, of which every cell must be of its type."""
    row = tuple(cells)
    if tuple(map(type, row)) != _ROWS[kind]:
        raise TypeError
    return kind(*row)
