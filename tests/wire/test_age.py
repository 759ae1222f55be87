"""Figures are as old as the answer says, and never younger than the request."""

from __future__ import annotations

import datetime as dt
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from hourlyclicks.model.http import Response
from hourlyclicks.model.zones import begins, is_final
from hourlyclicks.wire.age import as_of, dated
from tests.cases import every_case

DAY = dt.date(2025, 4, 20)
ASKED = dt.datetime(2025, 4, 22, 12, 0, 0, 500_000, tzinfo=dt.UTC)
OLDEST = begins(DAY)
NOW = "Tue, 22 Apr 2025 12:00:00 GMT"
HOUR = dt.timedelta(hours=1)


def answer(*fields: tuple[str, str]) -> Response:
    """Return an answer with header fields, some of which may occur more than once."""
    return Response(200, CIMultiDictProxy(CIMultiDict(fields)), b"")


def age_of(*fields: tuple[str, str]) -> dt.timedelta:
    """Return by how much figures are older than the request."""
    return ASKED - as_of(answer(*fields), ASKED, DAY)


@every_case(
    "fields",
    [
        (),
        (("Date", NOW),),
        (("Date", "Tue, 22 Apr 2025 12:00:29 GMT"),),
        (("Date", "Tue, 22 Apr 2025 21:00:00 +0900"),),
        (("Date", "Fri, 31 Dec 2055 23:59:59 GMT"),),
        (("Date", "Tue, 22 Apr 2025 09:00:00 KST"),),
        (("Date", "Tue, 22 Apr 2025 09:00:00 EST"),),
        (("Date", "yesterday"),),
        (("Date", ""), ("Age", "")),
        (("Date", NOW), ("Age", "0")),
        (("Date", NOW), ("Age", "-3600")),
        (("Date", NOW), ("Age", "an hour")),
        (("Date", NOW), ("Age", "\u0663")),
        (("X-Cache", "MISS"),),
        (("X-Cache", "Miss from cloudfront"),),
        (("X-Cache", "RefreshHit from cloudfront"),),
        (("X-Cache", "TCP_REFRESH_HIT"),),
        (("X-Cache-Status", "REVALIDATED"),),
        (("X-Cache", "HIT"), ("Age", "0")),
        (("CF-Cache-Status", "DYNAMIC"),),
        (("Cache-Status", "Edge; fwd=stale; stored"),),
    ],
)
def test_fresh_figures(fields: tuple[tuple[str, str], ...]) -> None:
    """Without a sign of age, figures are from the moment of the request; a later date changes nothing."""
    assert age_of(*fields) == dt.timedelta()


@every_case(
    ("fields", "age"),
    [
        ((("Age", "3600"),), HOUR),
        ((("age", "3600"), ("Date", NOW)), HOUR + dt.timedelta(seconds=0.5)),
        ((("Age", "60, 3600"),), HOUR),
        ((("Age", "3600"), ("Age", "60")), HOUR),
        ((("Age", "rubbish"), ("Age", "3600")), HOUR),
        ((("Age", "3600"), ("X-Cache", "HIT")), HOUR),
        ((("Date", "Tue, 22 Apr 2025 11:00:00 GMT"),), HOUR + dt.timedelta(seconds=0.5)),
        ((("Date", "Tue, 22 Apr 2025 20:00:00 +0900"),), HOUR + dt.timedelta(seconds=0.5)),
        ((("Date", "Tuesday, 22-Apr-25 11:00:00 GMT"),), HOUR + dt.timedelta(seconds=0.5)),
        ((("Date", "Tue, 22 Apr 2025 11:00:00 GMT"), ("Age", "3600")), 2 * HOUR + dt.timedelta(seconds=0.5)),
    ],
)
def test_old_figures(fields: tuple[tuple[str, str], ...], age: dt.timedelta) -> None:
    """Figures are as old as the earlier of the request and the date, less the age."""
    assert age == age_of(*fields)


@every_case(
    "fields",
    [
        (("X-Cache", "HIT"),),
        (("X-Cache", "Hit from cloudfront"), ("Date", NOW)),
        (("X-Cache", "MISS, HIT"),),
        (("X-Cache", "TCP_MEM_HIT"),),
        (("x-cache", "MISS"), ("x-cache", "HIT")),
        (("X-Cache", "HIT"), ("Age", "-5")),
        (("X-Cache-Status", "STALE"),),
        (("X-Proxy-Cache", "UPDATING"),),
        (("CF-Cache-Status", "HIT"),),
        (("Cache-Status", "Origin; fwd=miss, Edge; hit"),),
        (("Age", "9" * 10),),
        (("Age", "9" * 5000),),
        (("Date", "Thu, 01 Jan 1970 00:00:00 GMT"),),
        (("Date", "Mon, 01 Jan 0001 00:00:00 GMT"), ("Age", "2147483648")),
    ],
)
def test_figures_of_unknown_age(fields: tuple[tuple[str, str], ...]) -> None:
    """Figures of hidden or absurd age may be as old as their day; such a day is never final."""
    assert as_of(answer(*fields), ASKED, DAY) == OLDEST
    assert not is_final(DAY, OLDEST, dt.timezone(14 * HOUR))


def test_a_plain_dict_is_enough() -> None:
    """A transport may return headers in a mapping that is case-sensitive."""
    assert as_of(Response(200, {"AGE": "3600"}, b""), ASKED, DAY) == ASKED - HOUR


@pytest.mark.parametrize(
    ("date", "skew"), [(NOW, 0.5), ("Tue, 22 Apr 2025 11:50:00 GMT", 600.5), ("x", None)]
)
def test_the_date_shows_the_skew(date: str, skew: float | None) -> None:
    """The skew is how far our clock is ahead; without a readable date it is not known."""
    ahead = dated(answer(("Date", date)), ASKED, DAY)[1]
    assert skew == (None if ahead is None else ahead.total_seconds())


@pytest.mark.parametrize("field", [("Age", "7200"), ("X-Cache", "HIT")])
def test_a_copy_shows_no_skew(field: tuple[str, str]) -> None:
    """The old date of a cached copy says nothing about the server's clock."""
    assert dated(answer(("Date", "Tue, 22 Apr 2025 10:00:00 GMT"), field), ASKED, DAY)[1] is None


dates = st.datetimes(timezones=st.just(dt.UTC)).map(lambda moment: format_datetime(moment, usegmt=True))
texts = st.text(max_size=40) | dates | st.integers(-(2**70), 2**70).map(str) | st.sampled_from(["HIT", "hit"])
names = st.sampled_from(["Date", "age", "X-Cache", "Cache-Status", "CF-Cache-Status"])


@given(st.lists(st.tuples(names, texts), max_size=5), st.datetimes(timezones=st.just(dt.UTC)), st.dates())
def test_no_header_makes_figures_younger(
    fields: list[tuple[str, str]], asked: dt.datetime, day: dt.date
) -> None:
    """With any fields, figures are never from after the request, nor from before their day."""
    moment = as_of(answer(*fields), asked, day)
    assert min(asked, begins(day)) <= moment <= asked
