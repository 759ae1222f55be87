"""With and without msgspec, by the fast reader and the general decoder, the result is the same."""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path
from typing import cast

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hourlyclicks.errors import DecodeError, HourlyClicksError
from hourlyclicks.model.http import Response
from hourlyclicks.model.targets import Account, Query
from hourlyclicks.wire import fast_reader
from tests.cases import every_case
from tests.wire.asking import decode_day

ANSWERS = Path(__file__).parent / "answers"
QUERY = Query(dt.date(2025, 4, 20), Account())
FETCHED = dt.datetime(2025, 4, 22, 1, 2, 3, tzinfo=dt.UTC)
YMD = "2025-04-20"


def recorded(name: str) -> bytes:
    """Return a recorded answer."""
    return (ANSWERS / name).read_bytes()


def outcome(body: bytes) -> object:
    """Return the result of decoding a body, in a form that compares."""
    assert fast_reader.fast_reader() is not fast_reader._loose_columns
    return _outcome(body)


def outcome_without_msgspec(body: bytes) -> object:
    """Return the result on a machine without the extra."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hourlyclicks.wire.decode.fast_reader", lambda: fast_reader._loose_columns)
        patch.setattr("hourlyclicks.wire.canonical.figures_reader", lambda: fast_reader._loose_figures)
        return _outcome(body)


def outcome_without_quick_way(body: bytes) -> object:
    """Return the result of the general decoder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hourlyclicks.wire.decode.canonical_columns", lambda _body, _day: None)
        patch.setattr("hourlyclicks.wire.decode.fast_reader", lambda: lambda _body, _ymd: None)
        return _outcome(body)


def _outcome(body: bytes) -> object:
    try:
        day = decode_day(QUERY, Response(200, {}, body), fetched_at=FETCHED, final=True)
    except HourlyClicksError as error:
        return type(error), str(error), vars(error)
    return repr(attrs.astuple(day, recurse=False))


numbers = [
    *(b"1e400", b"1" * 5000, b"1" * 400, b"18446744073709551616", b"9223372036854775807"),
    *(b"9223372036854775808", b"-9223372036854775809", b"NaN", b"-Infinity", b"1.0", b"-0", b"0.0", b"1E5"),
    *(b"01", b"true", b"null", b'"7"', b'"07"'),
]
texts = [
    *(b'"\\ud800"', b'"\xed\xa0\x80"', b'"\\u0000"', b"\x00", b"\xef\xbb\xbf", b"\xff\xfe", b"\x0c"),
    *(b"\xc2\xa0", b"\\", b'"', b"2025-04-21"),
]
shapes = [
    *(b"{}", b"[]", b",", b'"hour":1,', b'"code":1,', b"[" * 70, b"[" * 1100, b"[" * 70 + b"]" * 70),
]
patches = st.binary(max_size=4) | st.sampled_from([*numbers, *texts, *shapes])
good = st.sampled_from([recorded(f"{name}.json") for name in ("sample", "digit-strings", "unknown-members")])


@given(st.binary())
@example(b"\xff\xfe")
@example(b"{\x00")
@example(b"\x00\x00\x00{")
def test_any_bytes_have_the_same_result(body: bytes) -> None:
    """Any bytes give the same result either way."""
    assert outcome_without_msgspec(body) == outcome(body)


damages = st.tuples(st.integers(0, 500), st.integers(0, 25), patches)


@given(good, st.lists(damages, min_size=1, max_size=3))
def test_damaged_answers_have_the_same_result(body: bytes, replaced: list[tuple[int, int, bytes]]) -> None:
    """Good answers with parts replaced, added or removed give the same result either way."""
    damaged = body
    for start, width, patch in replaced:
        damaged = damaged[:start] + patch + damaged[start + width :]
    assert outcome_without_msgspec(damaged) == outcome(damaged)


@every_case("number", numbers)
@every_case(
    "template",
    [
        b'{"code":%b,"result":[]}',
        b'{"code":0,"result":%b}',
        b'{"code":0,"result":[],"unknown":[%b]}',
        b'{"code":0,"message":%b,"result":[]}',
        b'{"code":1,"message":%b}',
        b'{"code":0,"result":[{"ymd":"2025-04-20","hour":%b,"acesCnt":1,"pernCnt":1}]}',
        b'{"code":0,"result":[{"ymd":"2025-04-20","hour":1,"acesCnt":%b,"pernCnt":1}]}',
        b'{"code":0,"result":[{"ymd":%b,"hour":1,"acesCnt":1,"pernCnt":1}]}',
    ],
)
def test_strange_numbers_have_the_same_result(template: bytes, number: bytes) -> None:
    """A number beyond 64 bits, a double or JSON gives the same result anywhere."""
    body = template % number
    assert outcome_without_msgspec(body) == outcome(body)


members = st.integers(-1, 25).map(str) | st.sampled_from(
    [
        "2.5",
        '"7"',
        '"07"',
        '"x"',
        "true",
        "null",
        "18446744073709551616",
        "9223372036854775808",
        "1e400",
        "[]",
    ]
)
days = st.sampled_from([YMD, YMD, YMD, YMD, "2025-04-21"])
cells = st.tuples(members, members, members, days)


@given(st.lists(cells, max_size=5))
def test_rows_have_the_same_result(rows: list[tuple[str, str, str, str]]) -> None:
    """Right and wrong rows give the same result either way, and in both readers."""
    row = '{{"hour":{},"acesCnt":{},"pernCnt":{},"ymd":"{}"}}'
    body = f'{{"code":0,"result":[{",".join(row.format(*cell) for cell in rows)}]}}'.encode()
    expected = outcome(body)
    assert expected == outcome_without_msgspec(body)
    assert expected == outcome_without_quick_way(body)


@every_case(
    "body",
    [
        b'{"code":0,"code":1,"result":[]}',
        b'{"code":1,"code":0,"result":[]}',
        b'{"code":0,"result":[1],"result":[]}',
        b'{"code":0,"result":[{"ymd":"2025-04-20","hour":1,"hour":2,"acesCnt":1,"pernCnt":1}]}',
        b'{"code":0,"result":[{"ymd":"2025-04-21","ymd":"2025-04-20","hour":1,"acesCnt":1,"pernCnt":1}]}',
        b'{"code":0,"result":[{"ymd":"2025-04-20","\\u0068our":1,"acesCnt":1,"pernCnt":1}]}',
        b'{"code":0,"result":[{"ymd":"2025-04-2\\u0030","hour":1,"acesCnt":1,"pernCnt":1}]}',
        b'{"code":0,"result":[{"ymd":"2025-04-20","hour":1,"acesCnt":1,"pernCnt":1,"x":[]}]}',
        b'{"code":0,"result":[["2025-04-20",1,1,1]]}',
        b'{"code":0,"result":[{"ymd":"2025-04-20","hour":23,"acesCnt":0,"pernCnt":9223372036854775807}]}',
        b'{"code":0,"result":[{"ymd":"2025-04-20","hour":24,"acesCnt":0,"pernCnt":0}]}',
        b'{"code":0,"message":"\xed\xa0\x80","result":[]}',
        b'{"code":0,"message":"\\ud800","result":[]}',
        b'{"code":0,"message":"\xff","result":[]}',
        b'{"code":0,"message":"\x01","result":[]}',
        b'{"code":0,"message":null,"result":[]}',
        b'{"code":0,"message":0,"result":[]}',
        b'{"code":0,"message":[[]],"result":[]}',
        b'{"code":-0,"result":[]}',
        b'{"code":0,"result":[]}x',
        b' \t\r\n{"code" : 0 , "result" : [ ] }\n',
        b'\x0c{"code":0,"result":[]}',
        b'\xef\xbb\xbf{"code":0,"result":[]}',
        b'{"code":0,"result":[],}',
        b'{"code":0,"result":' + b"[" * 900 + b"]" * 900 + b',"result":[]}',
        b'{"code":0,"result":' + b'{"a":' * 900 + b"1" + b"}" * 900 + b',"result":[]}',
        b'{"code":0,"message":' + b"[" * 70 + b"]" * 70 + b',"message":"","result":[]}',
        b'{"code":0,"message":"[{","result":[]}',
    ],
)
def test_quirks_have_the_same_result(body: bytes) -> None:
    """Where decoders of JSON are known to differ, the result is the same."""
    expected = outcome_without_quick_way(body)
    assert expected == outcome(body)
    assert expected == outcome_without_msgspec(body)


ROW = '{"ymd":"2025-04-20","hour":1,"acesCnt":1,"pernCnt":1}'
DUPLICATES = [
    '{"code":0,"code":0,"result":[]}',
    '{"code":0,"result":[],"result":[]}',
    '{"code":0,"result":[],"result":[ROW]}',
    '{"code":0,"result":[ROW],"result":[]}',
    '{"code":0,"result":[ROW],"\\u0072esult":[]}',
    '{"code":0,"message":"","message":"","result":[]}',
    '{"code":0,"message":null,"message":"x","result":[]}',
    '{"code":0,"message":"x","message":null,"result":[ROW]}',
    '{"code":0,"message":null,"message":null,"result":[ROW]}',
    '{"code":0,"message":"x","message":"\\"","result":[ROW]}',
    '{"code":1,"code":2,"message":"no"}',
    '{"code":0,"result":[{"ymd":"2025-04-20","hour":1,"hour":1,"acesCnt":1,"pernCnt":1}]}',
    '{"code":0,"result":[{"ymd":"2025-04-20","hour":1,"acesCnt":2,"acesCnt":1,"pernCnt":1}]}',
    '{"code":0,"result":[{"ymd":"2025-04-20","hour":1,"acesCnt":1,"pernCnt":3,"pernCnt":1}]}',
    '{"code":0,"result":[ROW,{"ymd":"2025-04-20","ymd":"2025-04-20","hour":2,"acesCnt":1,"pernCnt":1}]}',
]


@every_case("text", DUPLICATES)
def test_two_members_of_one_name_are_refused(text: str) -> None:
    """Which of two members counts is unknown, so all readers raise a retryable error."""
    body = text.replace("ROW", ROW).encode()
    for read in (outcome, outcome_without_msgspec, outcome_without_quick_way):
        kind, said, parts = cast("tuple[type[HourlyClicksError], str, dict[str, object]]", read(body))
        assert kind is DecodeError
        assert said.startswith("two members of an object have the same name")
        assert parts["retryable"]


def whole_day(**extra: str) -> bytes:
    """Return a day of 24 rows, as short as it can be written; put something before some of its members."""
    parts = {"code": "", "row": "", "hour": "", "end": "", "message": "x", **extra}
    row = '{{{row}"ymd":"2025-04-20",{hour}"hour":{number},"acesCnt":7,"pernCnt":12345}}'
    rows = [row.format(number=hour, **parts) for hour in range(23)]
    rows.append(row.format(number=23, **parts | {"row": "", "hour": ""}))
    text = '{{{code}"code":0,"message":"{message}","result":[{rows}]{end}}}'
    return text.format(rows=",".join(rows), **parts).encode()


@every_case(
    "extra",
    [
        {"code": '"code":0,'},
        {"code": '"code":1,'},
        {"code": '"result":[],'},
        {"code": '"message":"",'},
        {"row": '"hour":1,'},
        {"row": '"pernCnt":123456789012345,'},
        {"hour": '"ymd":"",'},
        {"end": ',"code":0'},
        {"end": ',"message":""', "message": ""},
        {"end": ',"message":"y"', "message": "long enough to make room for any other member"},
        {"end": ',"message":null'},
    ],
)
def test_a_body_has_no_room_for_a_member_too_many(extra: dict[str, str]) -> None:
    """A whole day with a duplicate member is an error in all readers, whatever its length."""
    assert fast_reader.fast_reader()(whole_day(), YMD) is not None
    body = whole_day(**extra)
    assert fast_reader.fast_reader()(body, YMD) is None
    assert fast_reader._loose_columns(body, YMD) is None
    assert outcome_without_quick_way(body) == outcome(body) == outcome_without_msgspec(body)


@given(st.lists(st.integers(0, 2**63 - 1), min_size=48, max_size=48), st.none() | st.text(max_size=20))
def test_the_least_length_is_that_of_a_body_without_blanks(counts: list[int], message: str | None) -> None:
    """No body in which each member occurs once is shorter."""
    rows = [
        {"ymd": YMD, "hour": hour, "acesCnt": counts[hour], "pernCnt": counts[hour + 24]}
        for hour in range(24)
    ]
    document = {"code": 0, "message": message, "result": rows}
    body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
    lists = json.dumps([counts[:24], counts[24:]], separators=(",", ":"))
    least = fast_reader._LEAST + len(lists) + fast_reader._LEAST_MESSAGE + len(message or "")
    assert least <= len(body)
    if message is not None and message.isascii() and message.isalnum():
        assert least == len(body)


@pytest.mark.parametrize("message", ["", ',"message":null', ',"message":""', ',"message":"success"'])
def test_any_message_is_read_the_quick_way(message: str) -> None:
    """A message that is missing, null or text is read by the fast reader."""
    body = f'{{"code":0{message},"result":[{ROW}]}}'.encode()
    columns = fast_reader.fast_reader()(body, YMD)
    assert columns is not None
    assert columns == fast_reader._loose_columns(body, YMD)


def test_msgspec_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without msgspec the standard library is used, and with it msgspec."""
    assert fast_reader.fast_reader.__wrapped__() is not fast_reader._loose_columns
    assert fast_reader.figures_reader.__wrapped__() is not fast_reader._loose_figures
    monkeypatch.setitem(sys.modules, "msgspec", None)
    assert fast_reader.fast_reader.__wrapped__() is fast_reader._loose_columns
    assert fast_reader.figures_reader.__wrapped__() is fast_reader._loose_figures


@pytest.mark.parametrize("name", ["sample", "whole-day", "empty-day", "unsorted", "without-message"])
def test_usual_answers_are_read_the_quick_way(name: str) -> None:
    """The answers of the API are read by the fast reader, with and without msgspec."""
    body = recorded(f"{name}.json")
    columns = fast_reader.fast_reader()(body, YMD)
    assert columns is not None
    assert columns == fast_reader._loose_columns(body, YMD)
