from __future__ import annotations

import copy
import datetime as dt
import inspect
import pickle
import traceback
from typing import TYPE_CHECKING

import pytest

import hourlyclicks.errors
from hourlyclicks.errors import (
    ApiError,
    AuthenticationError,
    DecodeError,
    HourlyClicksError,
    IncompleteSeriesError,
    LeaseLostError,
    PlanError,
    RateLimitedError,
    ServerError,
    StoppedError,
    StoreError,
    TransportError,
    UsageError,
)
from hourlyclicks.model.dates import DateRange
from hourlyclicks.model.day import DayClicks
from hourlyclicks.model.series_builder import merge_days
from hourlyclicks.model.targets import Link

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DAY = dt.date(2025, 4, 3)
LINK = Link("kYdr", "https://vvd.bz")
SERIES = merge_days(DateRange(DAY, DAY), [], target=LINK)
UNSAVED = DayClicks(DAY, (7,) * 24, (5,) * 24, dt.datetime(2025, 4, 4, tzinfo=dt.UTC), final=False)
SAMPLES: list[HourlyClicksError] = [
    HourlyClicksError("something"),
    UsageError("no such day"),
    PlanError("not on Personal"),
    AuthenticationError("refused", status=401),
    TransportError("refused", kind="connect"),
    RateLimitedError("too many", retry_after=3600.0),
    ServerError("failed", status=503, retryable=True),
    ApiError("no such link", code=1001, status=200),
    DecodeError(("expected int @ result[3].hour",), excerpt="{}", retryable=False),
    StoreError("the disk is full", unsaved=[UNSAVED]),
    StoppedError("stopped"),
    LeaseLostError("acme"),
    IncompleteSeriesError(
        "1 day failed", series=SERIES, failures={DAY: ServerError("failed", status=500, retryable=True)}
    ),
]


def _family(cls: type[HourlyClicksError]) -> Iterator[type[HourlyClicksError]]:
    """Yield a class and all its subclasses."""
    yield cls
    for child in cls.__subclasses__():
        yield from _family(child)


def _pickled(error: HourlyClicksError) -> HourlyClicksError:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert isinstance(again, HourlyClicksError)
    return again


def _plain(error: HourlyClicksError) -> dict[str, object]:
    """Return all data of an error, with errors inside it as their texts."""
    failures = {day: repr(inner) for day, inner in error.__dict__.get("failures", {}).items()}
    return {**error.__dict__, "failures": failures}


def test_every_exception_descends_from_the_base() -> None:
    """Catching the base class catches every exception of the package."""
    found = inspect.getmembers(
        hourlyclicks.errors, lambda thing: isinstance(thing, type) and issubclass(thing, BaseException)
    )
    assert [name for name, cls in found if not issubclass(cls, HourlyClicksError)] == []


def test_every_exception_has_a_sample() -> None:
    """The tests below cover each class of the tree."""
    ours = {cls for cls in _family(HourlyClicksError) if cls.__module__ == "hourlyclicks.errors"}
    assert ours == {type(error) for error in SAMPLES}


@pytest.mark.parametrize("duplicate", [_pickled, copy.copy, copy.deepcopy])
@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_errors_pickle_and_copy(
    error: HourlyClicksError, duplicate: Callable[[HourlyClicksError], HourlyClicksError]
) -> None:
    """The duplicate has the class, the text and all data of the original, day, target and notes included."""
    original = copy.copy(error).about(DAY, LINK)
    original.series = SERIES
    original.add_note("while testing")
    again = duplicate(original)
    assert type(error) is type(again)
    assert (str(error), error.args) == (str(again), again.args)
    assert _plain(original) == _plain(again)
    assert (again.retryable, again.fatal) == (error.retryable, error.fatal)


def test_a_duplicate_is_independent() -> None:
    """Adding a day to a copy does not change the original."""
    error = PlanError("not on Personal")
    copy.copy(error).about(DAY, LINK)
    assert (error.day, error.target) == (None, None)


def test_an_error_notes_what_it_is_about() -> None:
    """Day and target are data, and adding them returns the error itself."""
    error = ServerError("failed", status=500, retryable=True)
    assert error is error.about(DAY, LINK)
    assert (error.day, error.target) == (DAY, LINK)


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_errors_read_as_their_message(error: HourlyClicksError) -> None:
    """A traceback ends with the class and one line that says what happened."""
    (line,) = traceback.format_exception_only(error)
    assert line == f"{type(error).__module__}.{type(error).__qualname__}: {error}\n"
    assert str(error)


def test_a_usage_error_is_a_value_error() -> None:
    """``except ValueError`` catches it."""
    assert issubclass(UsageError, ValueError)


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_what_ends_the_run_is_not_tried_again(error: HourlyClicksError) -> None:
    """No error is both fatal and retryable."""
    assert not (error.fatal and error.retryable)


def test_fatal_errors_are_those_of_all_days() -> None:
    """Those of plan, key, rate limit, certificate, store and lease, and a stop end a run; no others do."""
    assert {type(error) for error in SAMPLES if error.fatal} == {
        PlanError,
        AuthenticationError,
        LeaseLostError,
        RateLimitedError,
        StoppedError,
        StoreError,
    }


@pytest.mark.parametrize("kind", ["dns", "connect", "disconnected", "timeout", "protocol"])
def test_transport_errors_are_tried_again(kind: hourlyclicks.errors.TransportKind) -> None:
    """All kinds of transport errors except TLS are retryable."""
    error = TransportError("broke off", kind=kind)
    assert (error.kind, error.retryable, error.fatal) == (kind, True, False)


def test_a_bad_certificate_is_final() -> None:
    """TLS failures are not retryable."""
    error = TransportError("certificate has expired", kind="tls")
    assert (error.retryable, error.fatal) == (False, True)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ApiError("no such link", code=1001, status=200), "the API answered code 1001: no such link"),
        (ApiError("", code=-1, status=200), "the API answered code -1"),
        (
            ApiError("not here", code=None, status=404),
            "a gateway or another server (check base_url), not the API, answered HTTP 404: not here",
        ),
        (DecodeError(("a",), retryable=True), "a"),
        (DecodeError(("a", "b", "c"), excerpt="<html>", retryable=True), "a; b; c (body: <html>)"),
        (DecodeError(("a", "b", "c", "d", "e"), retryable=True), "a; b; c; and 2 more"),
    ],
)
def test_answers_are_quoted(error: HourlyClicksError, text: str) -> None:
    """An error about an answer has its code or status and an excerpt."""
    assert text == str(error)


def test_an_incomplete_series_keeps_its_own_failures() -> None:
    """The failures are a copy, and the series is attached."""
    failures: dict[dt.date, HourlyClicksError] = {DAY: PlanError("no")}
    error = IncompleteSeriesError("1 day failed", series=SERIES, failures=failures)
    failures.clear()
    assert list(error.failures) == [DAY]
    assert SERIES is error.series
