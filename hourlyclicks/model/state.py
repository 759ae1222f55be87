"""What a client is doing at one moment, as a value: for ``/healthz``, for metrics, and for logs."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal, TypeAlias

import attrs

ClientStatus: TypeAlias = Literal["unused", "open", "closed"]
"""``"unused"``: no call was made yet; ``"closed"``: it can send no more requests."""


@attrs.frozen(kw_only=True)
class LaneState:
    """The calls of one priority.

    Args:
        waiting: requests in the queue, each of which takes the next free slot of its turn.
        unsent: requests that the calls still have to send, if none has to be repeated; those that wait are
            counted too.
    """

    waiting: int
    unsent: int


@attrs.frozen(kw_only=True)
class WindowState:
    """One rate, and what is left of it.

    Args:
        requests: how many requests are allowed in a window.
        seconds: the length of the window.
        free: how many more may be sent now, as far as this rate is concerned.
    """

    requests: int
    seconds: float
    free: int


@attrs.frozen(kw_only=True)
class PauseState:
    """A pause: an open circuit breaker.

    Args:
        until: the moment, aware, from which a single request may try whether the server answers again.
        why: in words.
        lane: ``None``: nothing is sent; ``"backfill"``: only backfills pause.
    """

    until: dt.datetime
    why: str
    lane: Literal["backfill"] | None = None


@attrs.frozen(kw_only=True)
class StoreState:
    """The store of a client.

    Args:
        kind: ``"sqlite"``, ``"postgresql"`` or ``"memory"``, or the name of the class of a store of yours.
        location: the path of the file, or the host and the database, never with a password; ``None``: there
            is none, or it is not known.
    """

    kind: str
    location: str | None


@attrs.frozen(kw_only=True)
class ClientState:
    """What a client is doing at one moment; see `hourlyclicks.Client.state`.

    With a store, what other processes do with the same key is included as of the last step that this client
    has taken with them; before its first request it knows nothing of them.

    Args:
        status: whether the client is used.
        key_rejected: whether the server has rejected the key, so that every call fails without a request
            until `Client.retry_key`.
        calls: how many calls for many days run: `fetch`, `stream`, `daily`, `audit`, `backfill` and `sync`.
        interactive: the calls that a person or program waits for.
        backfill: the calls that may take hours.
        in_flight: requests of this client that were sent and are not answered yet.
        in_flight_elsewhere: those of other processes, and abandoned ones that may still arrive.
        concurrency: how many requests may be in flight.
        windows: the rates and what is left of them, the shortest window first.
        opens_in: seconds until a request could be sent if no other waited; 0: at once.
        pauses: the pauses at present; usually none.
        base_url: where requests go.
        endpoint: the version of ``clicks-by-hour`` that is asked for many days at present.
        store: the store, if there is one.
    """

    status: ClientStatus
    key_rejected: bool
    calls: int
    interactive: LaneState
    backfill: LaneState
    in_flight: int
    in_flight_elsewhere: int
    concurrency: int
    windows: tuple[WindowState, ...]
    opens_in: float
    pauses: tuple[PauseState, ...]
    base_url: str
    endpoint: str
    store: StoreState | None

    @property
    def usable(self) -> bool:
        """Whether calls can send requests, now or later; not once it is closed, or the key rejected."""
        return self.status != "closed" and not self.key_rejected

    @property
    def paused_until(self) -> dt.datetime | None:
        """The end of the pause of all requests; ``None``: there is none."""
        return next((pause.until for pause in self.pauses if pause.lane is None), None)

    def as_dict(self) -> dict[str, Any]:
        """Return the state as values that JSON can hold.

        Returns:
            A key for each attribute, and ``usable``. A moment is a text in ISO 8601, in UTC.
        """
        values = attrs.asdict(self, value_serializer=_plain)
        return {**values, "windows": list(values["windows"]), "usable": self.usable}


def _plain(_owner: object, _field: object, value: object) -> object:
    """Return a value as JSON can hold it."""
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    return value
