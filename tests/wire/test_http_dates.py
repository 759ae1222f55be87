"""Dates are read strictly."""

from __future__ import annotations

import datetime as dt
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.wire.http_dates import moment_of
from tests.cases import every_case

MOMENT = dt.datetime(2025, 4, 6, 12, 0, 30, tzinfo=dt.UTC)
parse = moment_of.__wrapped__


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Apr 2025 12:00:30 GMT",
        "sun, 6 apr 2025 12:00:30 gmt",
        "Sun, 06 Apr 2025 12:00:30 UTC",
        "06 Apr 2025 12:00:30 +0000",
        "Sun, 06 Apr 2025 21:00:30 +0900",
        "Sun, 06 Apr 2025 07:30:30 -04:30",
        "Sunday, 06-Apr-25 12:00:30 GMT",
        "Sun Apr  6 12:00:30 2025",
        "  Sun,  06 Apr 2025\t12:00:30 GMT ",
    ],
)
def test_a_date_is_read(text: str) -> None:
    """All three forms of HTTP are read, in GMT, UTC or with an offset."""
    assert parse(text) == MOMENT


@every_case(
    "text",
    [
        "",
        "Sun, 06 Apr 2025 12:00:30",
        "Sun, 06 Apr 2025 12:00:30 EST",
        "Sun, 06 Apr 2025 12:00:30 KST",
        "Sun, 06 Apr 2025 12:00:30 Z",
        "Sun, 06 Apr 2025 12:00:30 CEST",
        "Sun, 06 Apr 2025 12:00:30 GMT+9",
        "Sun, 31 Apr 2025 12:00:30 GMT",
        "Sun, 06 Abr 2025 12:00:30 GMT",
        "Sun, 06 Apr 2025 25:00:30 GMT",
        "Sun, 06 Apr 0000 12:00:30 GMT",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "2025-04-06T12:00:30Z",
        "Sun, \u06606 Apr 2025 12:00:30 GMT",
        "Sun, 06 Apr 2025 12:00:30 GMT" + " " * 100,
    ],
)
def test_no_date(text: str) -> None:
    """A zone that only has a name, no zone, and what is on no calendar count as no date."""
    assert parse(text) is None


@given(st.datetimes(dt.datetime(1000, 1, 1), timezones=st.just(dt.UTC)))  # noqa: DTZ001 - hypothesis wants naive bounds
def test_what_servers_write_is_read(moment: dt.datetime) -> None:
    """Any date in a format of HTTP is read to the second."""
    assert parse(format_datetime(moment, usegmt=True)) == moment.replace(microsecond=0)


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, ?\d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ ?([-+]\d+|[A-Z]+)?"))
def test_no_text_is_too_strange(text: str) -> None:
    """Any text is a moment in UTC or none."""
    moment = parse(text)
    assert moment is None or moment.tzinfo is dt.UTC
