"""Rows of the day become columns, and no other rows do."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.model.dates import DateRange
from hourlyclicks.wire.document import UnreadableError
from hourlyclicks.wire.rows import (
    LARGEST,
    MAX_PROBLEMS,
    careful_columns,
    careful_days,
    plain_columns,
    plain_days,
    whole_number,
)
from tests.cases import every_case

YMD = "2025-04-20"


def row(hour: object = 3, clicks: object = 8, users: object = 5, ymd: object = YMD) -> dict[str, object]:
    """Return a row as the API sends them."""
    return {"ymd": ymd, "hour": hour, "acesCnt": clicks, "pernCnt": users}


def without(name: str) -> dict[str, object]:
    """Return a row that lacks a member."""
    return {member: value for member, value in row().items() if member != name}


def problems_of(rows: list[Any]) -> tuple[tuple[str, ...], bool]:
    """Return what is wrong with rows, and whether to retry; both readers must reject them."""
    assert plain_columns(rows, YMD) is None
    with pytest.raises(UnreadableError) as caught:
        careful_columns(rows, YMD)
    return caught.value.problems, caught.value.retryable


COUNTS = "0 to 9223372036854775807"


@every_case(
    ("bad", "problem"),
    [
        (row(hour=24), "expected int from 0 to 23 @ result[1].hour"),
        (row(hour=-1), "expected int from 0 to 23 @ result[1].hour"),
        (row(hour="24"), "expected int from 0 to 23 @ result[1].hour"),
        (row(hour=10**400), "expected int from 0 to 23 @ result[1].hour"),
        (row(hour="9" * 5000), "expected int from 0 to 23 @ result[1].hour"),
        (row(hour=7.5), "expected int @ result[1].hour"),
        (row(hour=7.0), "expected int @ result[1].hour"),
        (row(hour=None), "expected int @ result[1].hour"),
        (row(hour=True), "expected int @ result[1].hour"),
        (row(hour=False), "expected int @ result[1].hour"),
        (row(hour=""), "expected int @ result[1].hour"),
        (row(hour="-1"), "expected int @ result[1].hour"),
        (row(hour="+7"), "expected int @ result[1].hour"),
        (row(hour=" 7"), "expected int @ result[1].hour"),
        (row(hour="7\n"), "expected int @ result[1].hour"),
        (row(hour="1_0"), "expected int @ result[1].hour"),
        (row(hour="\u0667"), "expected int @ result[1].hour"),
        (row(hour="²"), "expected int @ result[1].hour"),
        (row(hour="7.0"), "expected int @ result[1].hour"),
        (row(hour=[7]), "expected int @ result[1].hour"),
        (row(hour={}), "expected int @ result[1].hour"),
        (row(clicks=-1), f"expected int from {COUNTS} @ result[1].acesCnt"),
        (row(clicks=2**63), f"expected int from {COUNTS} @ result[1].acesCnt"),
        (row(clicks=str(2**63)), f"expected int from {COUNTS} @ result[1].acesCnt"),
        (row(clicks=0.5), "expected int @ result[1].acesCnt"),
        (row(clicks=True), "expected int @ result[1].acesCnt"),
        (row(clicks=None), "expected int @ result[1].acesCnt"),
        (row(clicks="many"), "expected int @ result[1].acesCnt"),
        (row(users=-1), f"expected int from {COUNTS} @ result[1].pernCnt"),
        (row(users=2**64), f"expected int from {COUNTS} @ result[1].pernCnt"),
        (row(users=1.0), "expected int @ result[1].pernCnt"),
        (row(users=False), "expected int @ result[1].pernCnt"),
        (row(users=None), "expected int @ result[1].pernCnt"),
        (row(ymd=None), "expected str @ result[1].ymd"),
        (row(ymd=20250420), "expected str @ result[1].ymd"),
        (without("ymd"), "missing @ result[1].ymd"),
        (without("hour"), "missing @ result[1].hour"),
        (without("acesCnt"), "missing @ result[1].acesCnt"),
        (without("pernCnt"), "missing @ result[1].pernCnt"),
        (None, "expected object @ result[1]"),
        ([], "expected object @ result[1]"),
        ("ymd", "expected object @ result[1]"),
        (7, "expected object @ result[1]"),
        (row(hour=0, clicks=9), "hour 0 occurs before with other figures @ result[1]"),
        (row(hour="00", users=4), "hour 0 occurs before with other figures @ result[1]"),
    ],
)
def test_an_impossible_row_is_an_error(bad: object, problem: str) -> None:
    """One impossible row is a final error for the day, which names its place."""
    assert ((problem,), False) == problems_of([row(hour=0), bad, row(hour=5)])


@every_case(
    ("day", "got"),
    [
        ("2025-04-19", ", got 2025-04-19"),
        ("2024-04-20", ", got 2024-04-20"),
        ("20250420", ""),
        ("2025-4-20", ""),
        ("", ""),
        ("2025-04-20 ", ""),
        ("CANARY-0123456789", ""),
    ],
)
def test_a_row_of_another_day_is_an_error(day: str, got: str) -> None:
    """One row of another day is a retryable error for the day."""
    expected = f"expected 2025-04-20{got} @ result[1].ymd"
    assert ((expected,), True) == problems_of([row(hour=0), row(ymd=day), row(hour=5)])


def test_every_problem_is_named() -> None:
    """All problems of all rows are listed."""
    expected = (
        "expected 2025-04-20, got 2025-04-21 @ result[0].ymd",
        "expected int @ result[0].hour",
        "missing @ result[1].ymd",
        "missing @ result[1].hour",
        "missing @ result[1].acesCnt",
        "missing @ result[1].pernCnt",
        "expected object @ result[2]",
    )
    assert (expected, True) == problems_of([row(hour=None, ymd="2025-04-21"), {}, None, row()])


def test_the_list_of_problems_is_bounded() -> None:
    """At most a hundred problems are listed; another day is noticed all the same."""
    problems, retryable = problems_of([None] * 20_000 + [row(ymd="2025-04-21")])
    assert len(problems) == MAX_PROBLEMS
    assert retryable


@every_case(
    "good",
    [
        row(users=9),
        row(clicks=0, users=0),
        row(clicks=LARGEST, users=LARGEST),
        row(clicks=str(LARGEST), users="0" * 5000 + "5"),
        row(hour="3"),
        row(hour="03"),
        {**row(), "linkId": "x", "more": {"deep": [1]}},
    ],
)
def test_strange_but_right(good: dict[str, Any]) -> None:
    """More users than clicks, zero, the largest number, digit strings and unknown members are accepted."""
    clicks, users = careful_columns([good], YMD)
    expected = [int(str(good[name]).lstrip("0") or 0) for name in ("acesCnt", "pernCnt")]
    assert [[None] * 3 + [count] + [None] * 20 for count in expected] == [list(clicks), list(users)]


def test_no_rows_are_a_day_without_reports() -> None:
    """A day without rows has 24 hours that were not reported, and no zero."""
    nothing = (None,) * 24
    assert (nothing, nothing) == plain_columns([], YMD) == careful_columns([], YMD)


def test_equal_rows_for_an_hour_count_once() -> None:
    """A row that is repeated changes nothing."""
    assert careful_columns([row()], YMD) == careful_columns([row(), row(hour="3"), row(users="5")], YMD)


hours = st.integers(0, 23)
counts = st.integers(0, LARGEST)


@given(st.dictionaries(hours, st.tuples(counts, counts)), st.randoms(use_true_random=False))
def test_the_order_of_rows_is_no_matter(figures: dict[int, tuple[int, int]], random: Any) -> None:  # noqa: ANN401 - st.randoms
    """In any order, each figure is at its hour; hours without a row are not reported."""
    rows = [row(hour, *pair) for hour, pair in figures.items()]
    random.shuffle(rows)
    columns = plain_columns(rows, YMD)
    assert columns == careful_columns(rows, YMD)
    assert columns is not None
    assert [figures.get(hour, (None, None)) for hour in range(24)] == list(zip(*columns, strict=True))


odd_numbers = st.one_of(
    st.integers(-2, 25),
    st.sampled_from([2**63 - 1, 2**63, 2**64, -(2**63), 10**400]),
    st.sampled_from(["7", "07", "0", "", "-1", "+1", " 1", "1_0", "x", "\u0667", str(2**63), "1" * 30]),
    st.booleans(),
    st.floats(allow_nan=False),
    st.none(),
    st.lists(st.none(), max_size=1),
)
odd_rows: st.SearchStrategy[Any] = st.one_of(
    st.builds(row, hour=st.integers(0, 23), clicks=st.integers(0, 2), users=st.integers(0, 2)),
    st.builds(row, odd_numbers, odd_numbers, odd_numbers, st.sampled_from([YMD, "2025-04-21", None, 5])),
    st.sampled_from(["ymd", "hour", "acesCnt", "pernCnt"]).map(without),
    st.none() | st.just([]) | st.text(max_size=3),
)


@given(st.lists(odd_rows, max_size=8))
def test_the_readers_agree(rows: list[Any]) -> None:
    """What the fast reader accepts, the general one accepts too, with the same columns."""
    plain = plain_columns(rows, YMD)
    try:
        careful = careful_columns(rows, YMD)
    except UnreadableError:
        assert plain is None
        return
    assert {type(count) for column in careful for count in column} <= {int, type(None)}
    simple = all(type(one[name]) is int for one in rows for name in ("hour", "acesCnt", "pernCnt"))
    repeated = len({one["hour"] for one in rows}) < len(rows)
    assert (careful if simple and not repeated else None) == plain


DAYS = DateRange(dt.date(2025, 4, 20), dt.date(2025, 4, 22))
NEXT, OUTSIDE = "2025-04-21", "2025-04-23"


@given(
    st.lists(odd_rows | st.builds(row, ymd=st.sampled_from([NEXT, "2025-04-22", OUTSIDE, []])), max_size=8)
)
def test_the_readers_of_ranges_agree(rows: list[Any]) -> None:
    """The fast one gives the days of the general one, in the same order, or none."""
    plain = plain_days(rows, DAYS)
    try:
        careful = careful_days(rows, DAYS)
    except UnreadableError:
        assert plain is None
        return
    simple = all(type(one[name]) is int for one in rows for name in ("hour", "acesCnt", "pernCnt"))
    repeated = len({(one["ymd"], one["hour"]) for one in rows}) < len(rows)
    assert (plain is None) == (repeated or not simple)
    assert plain is None or [*careful.items()] == [*plain.items()]


@pytest.mark.parametrize("bad", [None, [], "x", without("ymd"), row(ymd=[]), row(ymd=OUTSIDE), row(hour=24)])
def test_one_row_spoils_a_range(bad: object) -> None:
    """The fast reader passes on an answer of which it cannot read a row."""
    assert plain_days([row(), bad, row(ymd=NEXT)], DAYS) is None


def test_days_are_in_their_order() -> None:
    """Whatever that of the rows is; a day without rows is left out."""
    read = plain_days([row(ymd="2025-04-22"), row(hour=5), row()], DAYS)
    assert read is not None
    assert [(day.day, sum(map(bool, clicks))) for day, (clicks, _) in read.items()] == [(20, 2), (22, 1)]


@given(st.integers())
def test_whole_numbers(number: int) -> None:
    """An int is itself; a digit string is its number, or a number that is too large."""
    assert number == whole_number(number)
    if number >= 0:
        read = whole_number(f"00{number}")
        assert read is not None
        assert min(number, LARGEST + 1) == min(read, LARGEST + 1)
