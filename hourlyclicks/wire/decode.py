"""Bodies into days.

A day is accepted only whole and only if everything about it is in order; absence is never zero clicks. Three
readers look at a body, one after the other, until one of them knows what it is. `hourlyclicks.wire.canonical`
reads a whole day written exactly as the API writes it, `hourlyclicks.wire.fast_reader` any answer that is in
order. The rest, be it wrong or merely unusual, goes to the converter, which has one hook, for a whole
day and not for rows. The converter reads strictly, decides, and words what is wrong when it rejects the body.

An answer for a range of days is read as strictly, by `hourlyclicks.wire.fast_reader` if it is in order. The
expression is for a single day.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from hourlyclicks.errors import DecodeError, HourlyClicksError
from hourlyclicks.model.day import DayClicks
from hourlyclicks.wire.canonical import canonical_columns
from hourlyclicks.wire.document import UnreadableError, read_strictly
from hourlyclicks.wire.envelope import code_of, error_of, message_of, rows_of
from hourlyclicks.wire.fast_reader import fast_reader, quick_days
from hourlyclicks.wire.rows import careful_columns, careful_days
from hourlyclicks.wire.sanitize import excerpt_of_body

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from cattrs import BaseConverter

    from hourlyclicks.model.dates import DateRange
    from hourlyclicks.model.http import Response
    from hourlyclicks.wire.key import ApiKey

T = TypeVar("T")


def decode_day(
    day: dt.date, response: Response, *, fetched_at: dt.datetime, final: bool, key: ApiKey | None = None
) -> DayClicks:
    """Return the day that a response holds.

    Args:
        day: the day that was asked for; an answer about another day is rejected.
        response: the response, its status found good by `hourlyclicks.wire.status.judge`.
        fetched_at: when it was asked for; aware.
        final: whether the figures can no longer change.
        key: the API key, so that it is kept out of the errors if the server repeats it.

    Raises:
        ApiError: the API rejects the day: the ``code`` is not 0.
        DecodeError: it cannot be read, is incomplete, or is about another day.
    """
    columns = canonical_columns(response.body, day) or fast_reader()(response.body, day.isoformat())
    if columns is not None:
        return DayClicks(day, *columns, fetched_at, final)
    read = _read(day, response, fetched_at=fetched_at, final=final, key=key)
    if isinstance(read, HourlyClicksError):
        raise read  # from here, so that no locals with the body hang on it
    return read


def decode_days(
    days: DateRange,
    response: Response,
    *,
    fetched_at: dt.datetime,
    is_final: Callable[[dt.date, dt.datetime], bool],
    key: ApiKey | None = None,
) -> tuple[DayClicks, ...]:
    """Return the days of a range that have rows in a response, in order.

    Args:
        days: the days that were asked for; an answer with a row of another day is rejected as a whole.
        response: the response, its status found good by `hourlyclicks.wire.status.judge`.
        fetched_at: when it was asked for; aware.
        is_final: tells whether the figures of a day can no longer change.
        key: the API key, so that it is kept out of the errors if the server repeats it.

    Raises:
        ApiError: the API rejects the range: the ``code`` is not 0.
        DecodeError: it cannot be read, is incomplete, or is about other days.
    """
    columns = quick_days(response.body, days)
    if columns is None:
        columns = decode_with(lambda document: careful_days(rows_of(document), days), response, key=key)
    return tuple(DayClicks(day, *columns[day], fetched_at, is_final(day, fetched_at)) for day in columns)


def decode_with(read: Callable[[Any], T], response: Response, *, key: ApiKey | None = None) -> T:
    """Return what a function reads of the document in a response; it is called if the ``code`` is 0.

    Raises:
        ApiError: the ``code`` is not 0.
        DecodeError: the body is no envelope, or the function raised an `UnreadableError`.
    """
    result = _decoded(response, key, lambda: read(_opened(read_strictly(response.body))))
    if isinstance(result, HourlyClicksError):
        raise result  # as above
    return result


class _RejectedError(ValueError):
    """The ``code`` of the answer is not 0."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


class _Answer(NamedTuple):
    """What the hook makes a day of."""

    body: bytes
    day: dt.date
    fetched_at: dt.datetime
    final: bool


def _read(
    day: dt.date, response: Response, *, fetched_at: dt.datetime, final: bool, key: ApiKey | None
) -> DayClicks | HourlyClicksError:
    """Return the day, or the error to raise."""
    answer = _Answer(response.body, day, fetched_at, final)
    return _decoded(response, key, lambda: _converter().structure(answer, DayClicks))


def _decoded(response: Response, key: ApiKey | None, read: Callable[[], T]) -> T | HourlyClicksError:
    """Return what is read of a body, or the error to raise."""
    try:
        return read()
    except _RejectedError as rejected:
        return error_of(rejected.code, rejected.message, status=response.status, key=key)
    except UnreadableError as error:
        shown = excerpt_of_body(response.body, key=key)
        return DecodeError(error.problems, excerpt=shown, retryable=error.retryable)


def load_converter() -> None:
    """Import what reads answers, which importing this module does not: it takes a while."""
    fast_reader()
    _converter()


@cache
def _converter() -> BaseConverter:
    """Make the converter for unusual answers."""
    from cattrs import BaseConverter  # noqa: PLC0415 - see `load_converter`

    converter = BaseConverter()
    converter.register_structure_hook(DayClicks, _day)
    return converter


def _day(answer: _Answer, _: type[DayClicks]) -> DayClicks:
    columns = careful_columns(_rows(read_strictly(answer.body)), answer.day.isoformat())
    return DayClicks(answer.day, *columns, answer.fetched_at, answer.final)


def _rows(document: object) -> list[Any]:
    return rows_of(_opened(document))


def _opened(document: object) -> object:
    """Return the document of an envelope whose code is 0."""
    code = code_of(document)
    if code != 0:
        raise _RejectedError(code, message_of(document))
    return document
