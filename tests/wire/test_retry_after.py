"""How long to wait is read from every field that says so."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from hourlyclicks.wire.retry_after import wait_of
from tests.cases import every_case

NOW = dt.datetime(2025, 4, 20, 12, 0, 0, tzinfo=dt.UTC)
EPOCH = round(NOW.timestamp())


def wait(*fields: tuple[str, str]) -> float | None:
    """Return the wait that some header fields ask for."""
    return wait_of(CIMultiDict(fields), NOW)


@every_case("name", ["Retry-After", "ratelimit-reset", "X-RateLimit-Reset", "X-Rate-Limit-Reset"])
@every_case(
    ("text", "seconds"),
    [
        ("30", 30.0),
        (str(EPOCH + 30), 30.0),
        (f"{EPOCH + 30}.5", 30.5),
        (f"{EPOCH + 30}000", 30.0),
        ("1000000000", 1e9),
        ("1000000001", None),
        (str(EPOCH), None),
        (str(EPOCH - 30), None),
        ("9" * 30, 2.0**31),
        ("9" * 5000, 2.0**31),
        ("Sun, 20 Apr 2025 12:00:30 GMT", 30.0),
        ("Sun, 20 Apr 2025 12:00:30 UTC", 30.0),
        ("Sun, 20 Apr 2025 21:00:30 +0900", 30.0),
        ("Sun, 20 Apr 2025 21:00:30 KST", None),
        ("Sun, 20 Apr 2025 08:00:30 EST", None),
        ("soon", None),
        ("0", None),
        ("-1", None),
    ],
)
def test_one_field(name: str, text: str, seconds: float | None) -> None:
    """Seconds, moments as numbers, and dates in a certain zone are read."""
    assert seconds == wait((name, text))


@every_case(
    ("text", "seconds"),
    [
        ("limit=100, remaining=0, reset=7", 7.0),
        ("limit=100;remaining=0;reset=7", 7.0),
        ('"default";r=0;t=7', 7.0),
        ('"default"; r=0; t=7', 7.0),
        ('"minute";r=0;t=7, "day";r=900;t=3600', 7.0),
        ('"minute";r=0;t=7, "hour";r=0;t=60', 60.0),
        ('"minute";r=3;t=7, "hour";r=30;t=60', 7.0),
        ('"t=99";r=0;t=7', 7.0),
        ('"default";t=7', 7.0),
        ('"default";r=0', None),
        ('"default";r=0;t=0', None),
        ('"default";r=0;rt=7', None),
        ("t", None),
        ("", None),
    ],
)
def test_the_field_of_the_drafts(text: str, seconds: float | None) -> None:
    """Both forms of ``RateLimit`` are read; of several quotas the one that is spent counts."""
    assert seconds == wait(("RateLimit", text))


def test_the_first_that_can_be_read_counts() -> None:
    """``Retry-After`` comes first; a field that cannot be read counts as absent."""
    others = (("X-RateLimit-Reset", "20"), ("RateLimit", '"x";r=0;t=30'))
    assert wait(("Retry-After", "10"), *others) == 10
    assert wait(("Retry-After", "soon"), *others) == 20
    assert wait(("Retry-After", "soon"), ("X-RateLimit-Reset", "soon"), others[1]) == 30
    assert wait(("Retry-After", "5"), ("Retry-After", "10")) == 10


def test_moments_are_counted_from_the_date_of_the_answer() -> None:
    """If the answer has a date, a wrong clock of ours changes nothing."""
    date = ("Date", "Sun, 20 Apr 2025 12:00:00 GMT")
    for field in (("Retry-After", "Sun, 20 Apr 2025 12:00:30 GMT"), ("X-RateLimit-Reset", str(EPOCH + 30))):
        assert wait_of(CIMultiDict([date, field]), NOW + dt.timedelta(hours=3)) == 30


names = st.sampled_from(["Retry-After", "RateLimit-Reset", "X-RateLimit-Reset", "RateLimit", "Date"])
texts = (
    st.text(max_size=60)
    | st.integers().map(str)
    | st.floats().map(str)
    | st.from_regex(r'\A("[a-z]*")?(; ?[rt] ?= ?[0-9.]*){0,3}\Z')
    | st.from_regex(r"\A[A-Z][a-z]{2}, \d\d? [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d ([-+]\d{4}|[A-Z]{3})\Z")
)


@given(st.lists(st.tuples(names, texts), max_size=4), st.datetimes(timezones=st.just(dt.UTC)))
def test_a_wait_is_a_positive_number(fields: list[tuple[str, str]], now: dt.datetime) -> None:
    """Any fields give a wait above 0 or none; never NaN, never an exception."""
    seconds = wait_of(CIMultiDict(fields), now)
    assert seconds is None or 0 < seconds <= 2**31
