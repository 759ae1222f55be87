"""With and without orjson, by the quick way and the strict way: an answer always comes to the same."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import attrs
import orjson
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from hourlyclicks.errors import HourlyClicksError
from hourlyclicks.model.http import Response
from hourlyclicks.model.targets import Account, Query
from hourlyclicks.wire import document
from hourlyclicks.wire.decode import decode_day
from hourlyclicks.wire.document import read_strictly

ANSWERS = Path(__file__).parent / "answers"
QUERY = Query(dt.date(2025, 4, 20), Account())
FETCHED = dt.datetime(2025, 4, 22, 1, 2, 3, tzinfo=dt.UTC)
YMD = "2025-04-20"


def recorded(name: str) -> bytes:
    """Return a recorded answer."""
    return (ANSWERS / name).read_bytes()


def outcome(body: bytes) -> object:
    """Return all that decoding a body comes to, in a form that compares."""
    assert document._quick_loads() is not None
    return _outcome(body)


def outcome_without_orjson(body: bytes) -> object:
    """Return the same as it is on a machine without the extra."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(document, "_quick_loads", lambda: None)
        return _outcome(body)


def outcome_without_quick_way(body: bytes) -> object:
    """Return the same as the reader that looks at every row finds it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hourlyclicks.wire.decode.plain_columns", lambda _rows, _ymd: None)
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
def test_any_bytes_come_to_the_same(body: bytes) -> None:
    """Any bytes at all come to the same either way."""
    assert outcome_without_orjson(body) == outcome(body)


damages = st.tuples(st.integers(0, 500), st.integers(0, 25), patches)


@given(good, st.lists(damages, min_size=1, max_size=3))
def test_damaged_answers_come_to_the_same(body: bytes, replaced: list[tuple[int, int, bytes]]) -> None:
    """Good answers with parts replaced, put in or left out come to the same either way."""
    damaged = body
    for start, width, patch in replaced:
        damaged = damaged[:start] + patch + damaged[start + width :]
    assert outcome_without_orjson(damaged) == outcome(damaged)


@pytest.mark.parametrize("number", numbers, ids=lambda number: number[:25].decode())
@pytest.mark.parametrize(
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
def test_strange_numbers_come_to_the_same(template: bytes, number: bytes) -> None:
    """A number beyond 64 bits, beyond a double or beyond JSON comes to the same, wherever it is."""
    body = template % number
    assert outcome_without_orjson(body) == outcome(body)


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
def test_rows_come_to_the_same(rows: list[tuple[str, str, str, str]]) -> None:
    """Rows, right and wrong, come to the same either way, and by the quick way and the careful one."""
    row = '{{"hour":{},"acesCnt":{},"pernCnt":{},"ymd":"{}"}}'
    body = f'{{"code":0,"result":[{",".join(row.format(*cell) for cell in rows)}]}}'.encode()
    expected = outcome(body)
    assert expected == outcome_without_orjson(body)
    assert expected == outcome_without_quick_way(body)


digits = st.from_regex(r"-?[0-9]{1,30}(\.[0-9]{1,5})?([eE][-+]?[0-9]{1,3})?", fullmatch=True)
marks = st.sampled_from(
    [*'{}[]:," \t\n\\/0-', "null", "NaN", "Infinity", '"\\ud800"', "\ufeff", "\x00", "\u2028"]
)
scraps = marks | digits | st.text(max_size=3).map(json.dumps)
bodies = st.lists(scraps).map(lambda parts: "".join(parts).encode("utf-8", "surrogatepass"))


@given(scraps.map(str.encode) | bodies)
def test_what_orjson_accepts_the_strict_decoder_accepts(body: bytes) -> None:
    """Orjson never accepts what the strict decoder refuses; else the extra would change what is a day."""
    try:
        quick = orjson.loads(body)
    except ValueError:
        assume(False)  # noqa: FBT003 - hypothesis knows no keyword for it
        raise
    assert _as_doubles(quick) == _as_doubles(read_strictly(body))


def _as_doubles(value: Any) -> Any:  # noqa: ANN401 - a JSON document is of any type
    """Return the document with all numbers as floats: orjson reads integers beyond 64 bits so."""
    if isinstance(value, list):
        return [_as_doubles(item) for item in value]
    if isinstance(value, dict):
        return {name: _as_doubles(item) for name, item in value.items()}
    return float(value) if type(value) is int else value
