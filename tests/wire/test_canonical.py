"""The expression reads whole days as the API writes them, and no others."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.wire import canonical, fast_reader
from hourlyclicks.wire.canonical import canonical_columns
from hourlyclicks.wire.document import read_strictly
from hourlyclicks.wire.envelope import rows_of
from hourlyclicks.wire.rows import LARGEST, careful_columns
from tests.cases import every_case

if TYPE_CHECKING:
    from hourlyclicks.wire.rows import Columns

ANSWERS = Path(__file__).parent / "answers"
DAY = dt.date(2025, 4, 20)
YMD = "2025-04-20"
FIGURES = [(100 + hour, hour) for hour in range(24)]
ROWS = [
    f'{{"ymd":"{YMD}","hour":{hour},"acesCnt":{clicks},"pernCnt":{users}}}'
    for hour, (clicks, users) in enumerate(FIGURES)
]


@pytest.fixture(params=["with msgspec", "without msgspec"], autouse=True)
def figures(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every test with and without the extra, and with no number known."""
    monkeypatch.setattr(canonical, "_known", {})
    if request.param == "without msgspec":
        monkeypatch.setattr(canonical, "figures_reader", lambda: fast_reader._loose_figures)
    else:
        assert fast_reader.figures_reader() is not fast_reader._loose_figures


def written(rows: list[str] = ROWS, *, head: str = '"code":0,"message":"success",', end: str = "") -> bytes:
    """Return an answer without blanks."""
    return f'{{{head}"result":[{",".join(rows)}]}}{end}'.encode()


def with_row(hour: int, text: str) -> bytes:
    """Return an answer in which a row is replaced."""
    return written([*ROWS[:hour], text, *ROWS[hour + 1 :]])


def with_figure(text: str, *, name: str = "pernCnt", hour: int = 7) -> bytes:
    """Return an answer in which a number is replaced."""
    return with_row(hour, re.sub(rf'"{name}":\d+', f'"{name}":{text}', ROWS[hour]))


def careful(body: bytes) -> Columns:
    """Read an answer the careful way."""
    return careful_columns(rows_of(read_strictly(body)), YMD)


WHOLE = tuple(zip(*FIGURES, strict=True))


def test_a_whole_day_is_read() -> None:
    """Each figure is in the place of its hour."""
    assert WHOLE == canonical_columns(written(), DAY) == careful(written())
    recorded = (ANSWERS / "whole-day.json").read_bytes()
    assert careful(recorded) == canonical_columns(recorded, DAY)


@every_case(
    "body",
    [
        written(head='"code":0,'),
        written(head='"code":0,"message":null,'),
        written(head='"code":0,"message":"",'),
        written(head='"code":0,"message":"it is all {right}, [see]: 1",'),
        written(end=" \r\n\t"),
        written().replace(b",", b", ").replace(b":", b": "),
    ],
)
def test_what_the_api_may_write_differently(body: bytes) -> None:
    """A message may be missing, null or any ASCII text, and there may be blanks after commas and colons."""
    assert WHOLE == canonical_columns(body, DAY) == careful(body)


@every_case("number", [0, 1, 9, 10, 4095, 4096, 2**31, 10**18, LARGEST])
def test_any_count_is_read(number: int) -> None:
    """All counts are read, the first time and when they are known."""
    body = with_figure(str(number))
    for _ in range(2):
        columns = canonical_columns(body, DAY)
        assert careful(body) == columns
        assert columns is not None
        assert number == columns[1][7]


@every_case(
    "text",
    [
        *("00", "07", "0100", "-1", "-107", "+7", "7.0", "7.", ".7", "7e0", "7E2", "1_0", "0x7", "1 0", "7;"),
        *(
            "",
            " ",
            "null",
            "true",
            "NaN",
            '"7"',
            "[7]",
            "{}",
            "[]",
            '"',
            "\u0667",
            "\u00b2",
            "7\x0b",
            "7\x00",
        ),
        *(str(LARGEST + 1), str(2**64), "1" * 20, "1" * 5000, "[" * 5000),
        *("7,8", '7,"x":1', '7,"pernCnt":7', '7,"acesCnt":7', "7,"),
        *("7}", "7},{", "7]", "7],[7", "7}]}", "7//", "7/**/"),
    ],
)
@every_case("name", ["acesCnt", "pernCnt"])
@every_case("hour", [0, 23])
def test_what_is_no_count_is_left_to_others(text: str, name: str, hour: int) -> None:
    """Nothing but a plain number in range stands in the place of a figure, whatever is known."""
    body = with_figure(text, name=name, hour=hour)
    assert canonical_columns(body, DAY) is None
    assert canonical_columns(written(), DAY) is not None
    assert canonical_columns(body, DAY) is None


@every_case("hour", ["1", "7", "23", "24", "00", "-0", "0.0", '"0"', "null", "", "0 "])
def test_no_hour_stands_for_another_one(hour: str) -> None:
    """The first row is the one of hour 0, written as a plain number."""
    assert canonical_columns(with_row(0, ROWS[0].replace('"hour":0', f'"hour":{hour}')), DAY) is None


@every_case("place", range(24))
def test_every_row_is_there_once_and_in_order(place: int) -> None:
    """A row that is missing, repeated, moved or of another day leaves the answer to the other readers."""
    before, row, after = ROWS[:place], ROWS[place], ROWS[place + 1 :]
    for rows in (
        before + after,
        [*before, row, row, *after],
        [*before, *after, row] if after else [row, *before],
        [*before, row.replace(YMD, "2025-04-21"), *after],
        [*before, row.replace(YMD, "2025-04-2"), *after],
        [*before, row.replace(YMD, "2025-04-2\\u0030"), *after],
    ):
        assert canonical_columns(written(rows), DAY) is None


def test_the_day_is_the_one_that_was_asked_for() -> None:
    """A whole day of another date is not taken for this one."""
    assert canonical_columns(written(), dt.date(2025, 4, 21)) is None
    for date in (
        "2025-04-19",
        "2025-04-31",
        "2025-02-30",
        "0000-00-00",
        "9999-99-99",
        "20250420--",
        "----------",
    ):
        assert canonical_columns(written().replace(YMD.encode(), date.encode()), DAY) is None


@every_case(
    "body",
    [
        b"",
        b"{",
        written([]),
        b"\xef\xbb\xbf" + written(),
        b" " + written(),
        written().decode().encode("utf-16"),
        written().decode().encode("utf-16-le"),
        written(end="x"),
        written(end="\x00"),
        written(end="\x0b"),
        written(end="}"),
        written(end=","),
        written() * 2,
        written()[:-1],
        written().replace(b"]}", b",]}"),
        written().replace(b"]}", b'],"code":0}'),
        written().replace(b"]}", b'],"message":""}'),
        written().replace(b"]}", b'],"result":[]}'),
        written().replace(b"]}", b'],"unknown":1}'),
        written(head='"code":1,'),
        written(head='"code":00,'),
        written(head='"code":-0,'),
        written(head='"code":"0",'),
        written(head='"code":0.0,'),
        written(head='"code":false,'),
        written(head='"code":0,"code":0,'),
        written(head='"message":"","code":0,'),
        written(head='"code":0,"message":"","message":"",'),
        written(head='"code":0,"message":"\\"",'),
        written(head='"code":0,"message":"\\u0041",'),
        written(head='"code":0,"message":"\n",'),
        written(head='"code":0,"message":"\x7f",'),
        written(head='"code":0,"message":"\ud55c\uae00",'),
        written(head='"code":0,"message":"x",').replace(b"x", b"\xff"),
        written(head='"code":0,"message":"x",').replace(b"x", b"\xed\xa0\x80"),
        written(head='"code":0,"message":0,'),
        written(head='"code":0,"message":"success,'),
        written(head=""),
        with_row(3, ROWS[3].replace("hour", "\\u0068our")),
        with_row(3, ROWS[3].replace("hour", "Hour")),
        with_row(3, ROWS[3].replace('"hour":3', '"hour":3,"hour":3')),
        with_row(3, ROWS[3].replace('"hour":3,', "")),
        with_row(3, ROWS[3].replace("}", ',"x":1}')),
        with_row(3, ROWS[3].replace("{", '{"x":1,')),
        with_row(3, ROWS[3].replace(",", " ,")),
        with_row(3, ROWS[3].replace(",", ", ")),
        with_row(3, f"[{ROWS[3]}]"),
    ],
)
def test_everything_else_is_left_to_others(body: bytes) -> None:
    """What is wrong, and what is only written otherwise, is not decided here."""
    assert canonical_columns(body, DAY) is None


@given(st.lists(st.tuples(st.integers(0, LARGEST), st.integers(0, LARGEST)), min_size=24, max_size=24))
def test_the_figures_are_the_careful_ones(figures: list[tuple[int, int]]) -> None:
    """Whatever the figures are, they are those that the careful reader finds."""
    body = written([
        f'{{"ymd":"{YMD}","hour":{hour},"acesCnt":{clicks},"pernCnt":{users}}}'
        for hour, (clicks, users) in enumerate(figures)
    ])  # fmt: skip
    assert tuple(zip(*figures, strict=True)) == canonical_columns(body, DAY) == careful(body)


def test_what_is_known_stays_small() -> None:
    """Only plain texts of small numbers are kept, so that no server can fill the memory."""
    for number in range(3_000, 5_000, 7):
        for text in (
            f"{number}",
            f"{number} ",
            f" {number}",
            f"{'9' * 15}{number}",
            f"0{number}",
            f"-{number}",
        ):
            canonical_columns(with_figure(text), DAY)
    known = canonical._known
    assert max(known.values()) < canonical._KEPT_BELOW
    assert {text: str(number) for text, number in known.items()} == dict(zip(known, known, strict=True))


HOSTILE = 2**20
"""Bytes of a body, which is all that a client reads."""


@every_case(
    "body",
    [
        written(head='"code":0,"message":"' + "x" * HOSTILE),
        written(head='"code":0,"message":"' + '","message":"' * (HOSTILE // 13)),
        written(end=" " * HOSTILE + "x"),
        written(ROWS * (HOSTILE // 1_400)),
        written([*ROWS[:23], '{"ymd":"2025-04-20",' * (HOSTILE // 20)]),
        with_figure("7" * HOSTILE),
        with_figure("7" * HOSTILE, name="acesCnt"),
        with_figure("," * HOSTILE),
        with_figure("7," * (HOSTILE // 2)),
        with_figure("[" * HOSTILE),
        b"".join(b'{"code":0,"result":[' for _ in range(HOSTILE // 20)),
    ],
)
def test_hostile_bodies_are_left_to_others(body: bytes) -> None:
    """A body as long as may be, made to keep the expression busy, is given up like any other."""
    assert canonical_columns(body, DAY) is None


@pytest.mark.parametrize("blank", ["", " "])
def test_no_repetition_gives_anything_back(blank: str) -> None:
    """All repetitions in the expression are possessive, so that it reads no byte again and again."""
    text = re.sub(r"\\.|\[[^\]]*\]", ".", canonical._expression(blank).pattern)
    repetitions = re.findall(r"(?:[*+?]|\{\d[\d,]*\})\+?", text.replace("(?:", "("))
    assert set(repetitions) <= {"*+", "++", "?+", "{2}", "{4}"}
