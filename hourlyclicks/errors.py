"""Every error of the package, in one tree, by the kind of cause.

::

    HourlyClicksError
    ├── UsageError            your program: an argument is invalid (also a ValueError)
    ├── PlanError             your plan: it does not include the request
    ├── AuthenticationError   your key or User-Agent: rejected by the server (HTTP 401, 403)
    ├── TransportError        the network: no answer, or an incomplete one
    ├── RateLimitedError      the rate limit: the server still answers 429 after the client slowed down
    ├── ServerError           the server: it failed (HTTP 5xx, 408)
    ├── ApiError              the API, or a gateway: a rejection (a code other than 0; HTTP 3xx, 4xx)
    ├── DecodeError           the answer: it cannot be read, or belongs to another request
    ├── StoreError            the store: it cannot be read or written
    ├── StoppedError          another process: it has asked to stop
    ├── LeaseLostError        another process: it has the lease of the account now
    └── IncompleteSeriesError some days failed after all attempts; carries all the others

An error consists of plain values: it can be pickled and copied, and cannot contain the API key, because no
object that knows the key is ever stored in it.
"""

from __future__ import annotations

import copy
from contextlib import suppress
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Mapping

    from hourlyclicks.model.daily_series import DailySeries
    from hourlyclicks.model.day import DayClicks
    from hourlyclicks.model.fleet_report import FleetReport
    from hourlyclicks.model.report import BackfillReport
    from hourlyclicks.model.series import HourlySeries
    from hourlyclicks.model.targets import Target

_E = TypeVar("_E", bound="HourlyClicksError")

_SHOWN = 3
_LONGEST_NAME = 200
_NOT_THE_API = "a gateway or another server (check base_url), not the API, answered"
TransportKind = Literal["dns", "connect", "tls", "disconnected", "timeout", "protocol", "other"]


class HourlyClicksError(Exception):
    """The base of all errors of this package.

    Attributes:
        day: the day that was requested, when the error belongs to one.
        target: the account, group or link that was requested, likewise.
        retryable: whether the same request may succeed later.
        fatal: whether every other day of the run would fail as well; such an error ends the run at once.
        series: the days fetched before a fatal error ended a ``fetch`` or a ``daily``, else ``None``.
        report: the work done before a fatal error ended a ``backfill``, else ``None``.
        fleet_report: the work done before an error ended a run over many accounts, else ``None``.
    """

    day: dt.date | None = None
    target: Target | None = None
    retryable: bool = False
    fatal: bool = False
    series: HourlySeries | DailySeries | None = None
    report: BackfillReport | None = None
    fleet_report: FleetReport | None = None

    def about(self, day: dt.date, target: Target) -> Self:
        """Set the day and target this error belongs to, and return the error."""
        self.day, self.target = day, target
        return self

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return _rebuild, (type(self), self.args, self.__dict__.copy())


class UsageError(HourlyClicksError, ValueError):
    """An argument, or an order of calls, is invalid; nothing was sent."""

    def __init__(self, message: str, *, fatal: bool = False) -> None:
        super().__init__(message)
        self.fatal = fatal


class PlanError(HourlyClicksError):
    """The plan does not include the request; nothing was sent."""

    fatal = True


class AuthenticationError(HourlyClicksError):
    """The server rejected the key, its plan or the User-Agent (HTTP 401 or 403, or a ``code``).

    Attributes:
        status: the HTTP status.
        code: the ``code`` of the API's envelope if the API rejected the key with one, else ``None``.
    """

    fatal = True

    def __init__(self, message: str, *, status: int, code: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class TransportError(HourlyClicksError):
    """No answer: the connection failed, broke off or timed out, or the answer was not HTTP.

    Attributes:
        kind: where it failed; one of ``"dns"``, ``"connect"``, ``"tls"``, ``"disconnected"``,
            ``"timeout"``, ``"protocol"`` and ``"other"``.
        stale: whether a connection that had been used before ended before anything was answered.

    All kinds are retryable except ``"tls"``, which is fatal if the certificate is bad or there was no TLS
    connection yet, and ``"other"``: an exception of a session or transport that is not about the network.
    A proxy that asks for a password is fatal as well, before the first connection.
    """

    stale: bool = False

    def __init__(self, message: str, *, kind: TransportKind, fatal: bool | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.fatal = kind in {"tls", "other"} if fatal is None else fatal
        self.retryable = not self.fatal


class RateLimitedError(HourlyClicksError):
    """The rate limit: the server answers 429, or 503 with ``Retry-After``, for longer than the client waits.

    A call with a ``wait`` also raises it before anything is sent, if the call would be delayed for longer.

    Attributes:
        retry_after: the seconds the server asked for, or ``None`` when it named none; for a ``wait``, by how
            much the call would be delayed beyond it.
    """

    fatal = True

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ServerError(HourlyClicksError):
    """The server failed (HTTP 5xx or 408).

    Attributes:
        status: the HTTP status.
    """

    def __init__(self, message: str, *, status: int, retryable: bool) -> None:
        super().__init__(message)
        self.status = status
        self.retryable = retryable


class ApiError(HourlyClicksError):
    """A rejection: by the API, with a ``code`` other than 0, or by a gateway, with an HTTP status 3xx or 4xx.

    Only the API can reject a day. The answer of a gateway, a proxy or another server is no information about
    the day, and neither is a ``code`` about the server or the rate limit (429, 5xx); such an error is
    retryable.

    Attributes:
        code: the ``code`` of the API's envelope; ``None`` when the answer was not one.
        message: the server's text, at most 200 characters, control characters escaped.
        status: the HTTP status.
    """

    def __init__(self, message: str, *, code: int | None, status: int, retryable: bool = False) -> None:
        said = f"the API answered code {code}" if code is not None else f"{_NOT_THE_API} HTTP {status}"
        super().__init__(f"{said}: {message}" if message else said)
        self.code = code
        self.retryable = retryable or code is None
        self.message = message
        self.status = status


class DecodeError(HourlyClicksError):
    """An answer that cannot be read as the requested day; it is never used, not even in part.

    Attributes:
        problems: what is wrong, a line each, such as ``"expected int @ result[3].hour"``.
        excerpt: the beginning of the body as a line of at most 200 characters, or the title of an HTML page.
    """

    def __init__(self, problems: tuple[str, ...], *, excerpt: str = "", retryable: bool) -> None:
        shown = "; ".join(problems[:_SHOWN])
        if len(problems) > _SHOWN:
            shown += f"; and {len(problems) - _SHOWN} more"
        super().__init__(f"{shown} (body: {excerpt})" if excerpt else shown)
        self.problems = problems
        self.excerpt = excerpt
        self.retryable = retryable


class StoreError(HourlyClicksError):
    """The store cannot be read or written: a full disk, a damaged file, an unreachable database.

    Attributes:
        unsaved: the days of an answer that could not be written, in order; they exist only here.
    """

    fatal = True

    def __init__(self, message: str, *, unsaved: Iterable[DayClicks] = ()) -> None:
        super().__init__(message)
        self.unsaved = tuple(unsaved)


class IncompleteSeriesError(HourlyClicksError):
    """Some days failed after all attempts; the error carries the fetched days and the reasons.

    Attributes:
        series: the fetched days; the days without an answer are in ``series.missing_days``.
        failures: the error of each day that failed. A day in ``series.missing_days`` that is not in here
            was never requested, because the run ended before.
    """

    series: HourlySeries | DailySeries

    def __init__(
        self,
        message: str,
        *,
        series: HourlySeries | DailySeries,
        failures: Mapping[dt.date, HourlyClicksError],
    ) -> None:
        super().__init__(message)
        self.series = series
        self.failures = dict(failures)


class StoppedError(HourlyClicksError):
    """A call was stopped by another process, as ``hourlyclicks stop`` does."""

    fatal = True


class LeaseLostError(HourlyClicksError):
    """The lease of an account was lost: it expired, and another process may have the account since.

    Nothing is requested or stored with a lost lease. What had been requested by then is requested again by
    the process that has the account now.

    Attributes:
        label: what the holder calls the account.
    """

    fatal = True

    def __init__(self, label: str) -> None:
        super().__init__(f"the lease of the account {label!r} was lost: another process may have it now")
        self.label = label


def carry(error: BaseException, **results: HourlySeries | DailySeries | BackfillReport | FleetReport) -> None:
    """Attach results to any exception, under the names of attributes; a few classes do not allow it."""
    for name, result in results.items():
        with suppress(Exception):
            setattr(error, name, result)


def as_fatal(error: _E) -> _E:
    """Return the error of a day as one that ends the run, since every other day would meet it as well."""
    ending = copy.copy(error)
    ending.fatal = True
    return ending


def name_of(error: BaseException) -> str:
    """Return the class of an exception and where it was raised, without its message."""
    kind = type(error)
    name = f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    if place is not None:
        code = place.tb_frame.f_code
        name += f" ({PurePath(code.co_filename).name}, line {place.tb_lineno}, in {code.co_name})"
    return ascii(name)[1:-1][:_LONGEST_NAME]


def _rebuild(cls: type[_E], args: tuple[Any, ...], state: dict[str, Any]) -> _E:
    """Make an error again from its plain parts, without its constructor's keywords."""
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error
