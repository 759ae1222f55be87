"""Bodies are read strictly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.wire import document
from hourlyclicks.wire.document import MAX_DEPTH, UnreadableError, read_strictly
from tests.cases import every_case

ANSWERS = Path(__file__).parent / "answers"


@every_case("name", sorted(path.name for path in ANSWERS.glob("*.json")))
def test_recorded_answers_are_read(name: str) -> None:
    """Every recorded JSON body, in any encoding, is read as the standard library reads it."""
    body = (ANSWERS / name).read_bytes()
    assert json.loads(body) == read_strictly(body)


@every_case(
    ("body", "problem"),
    [
        (b"", "the body is empty"),
        (b" \r\n\t", "the body is empty"),
        (b"<!DOCTYPE html>", "HTML, not JSON"),
        (b"\n <html>", "HTML, not JSON"),
        (b"\xef\xbb\xbf<html>", "HTML, not JSON"),
        (b"{", "not JSON: "),
        (b'{"code":0,"result":[{"ymd":"2025-04-2', "not JSON: "),
        (b'{"code":0}{"code":0}', "not JSON: "),
        (b'{"code":0,}', "not JSON: "),
        (b"{'code':0}", "not JSON: "),
        (b'{"code":00}', "not JSON: "),
        (b'{"code":+1}', "not JSON: "),
        (b'{"code":0} \x00', "not JSON: "),
        (b'"\x1b"', "not JSON: "),
        (b"undefined", "not JSON: "),
        (b"NaN", "not JSON: NaN"),
        (b'{"a":[Infinity]}', "not JSON: Infinity"),
        (b"-Infinity", "not JSON: -Infinity"),
        (b'"\xff"', "not valid utf-8 at byte 1"),
        (b'"\xc0\xaf"', "not valid utf-8 at byte 1"),
        (b'"\xed\xa0\x80"', "not valid utf-8 at byte 1"),
        (b'"\xe1\x84', "not valid utf-8 at byte 1"),
        (b"\xff\xfe[\x00]\x00\x00", "not valid utf-16 at byte "),
        (b"\xff\xfe\x00\xd8", "not valid utf-16 at byte 2"),
    ],
)
def test_what_is_not_json_may_be_better_next_time(body: bytes, problem: str) -> None:
    """A broken body, a page or an empty answer is a retryable error."""
    with pytest.raises(UnreadableError) as caught:
        read_strictly(body)
    assert str(caught.value).startswith(problem)
    assert caught.value.retryable


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"1e400", "a number is too large"),
        (b'{"any":[-1E+999]}', "a number is too large"),
        (b"9" * 400 + b".5", "a number is too large"),
        (b"1" * 5000, "a number has too many digits"),
        (b'{"any":-' + b"1" * 5000 + b"}", "a number has too many digits"),
    ],
)
def test_numbers_beyond_reckoning_are_refused(body: bytes, problem: str) -> None:
    """A number out of range is a final error, wherever it stands."""
    with pytest.raises(UnreadableError) as caught:
        read_strictly(body)
    assert (problem, False) == (str(caught.value), caught.value.retryable)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b"[" * 200_000 + b"]" * 200_000,
        b"[" * 900 + b"]" * 900,
        b'{"code":0,"result":[],"x":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}",
        ("[" * 2000).encode("utf-16"),
    ],
    ids=lambda body: f"{body[:30]!r} {len(body)}",
)
def test_nesting_has_an_end(body: bytes) -> None:
    """A body that nests without end is a final error, and does not exhaust the stack."""
    with pytest.raises(UnreadableError) as caught:
        read_strictly(body)
    assert (str(caught.value), caught.value.retryable) == ("nested more than 64 deep", False)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * MAX_DEPTH + b"]" * MAX_DEPTH,
        b"[" + b"[]," * 500 + b"{}]",
        b'["' + b"[{" * 500 + b'"]',
        b'["\\"' + b"[{" * 500 + b'\\\\"]',
        b'{"[[[":"' + b"]" * 500 + b'","x":["' + b"[" * 500 + b'"]}',
    ],
    ids=lambda body: f"{body[:30]!r} {len(body)}",
)
def test_only_nesting_counts(body: bytes) -> None:
    """Many brackets side by side, or in strings, are no nesting."""
    assert json.loads(body) == read_strictly(body)


def test_a_string_cut_short_is_no_nesting() -> None:
    """Brackets in a string that never ends do not make a truncated body a nested one."""
    with pytest.raises(UnreadableError) as caught:
        read_strictly(b'["' + b"[" * 500)
    assert caught.value.retryable


def _array(items: list[str]) -> str:
    return f"[{','.join(items)}]"


def _depth(value: object) -> int:
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


@given(
    st.recursive(st.sampled_from(["1", '"[{"', '"\\\\"', '"\\""']), lambda inner: st.lists(inner).map(_array))
)
def test_depth_is_counted_right(text: str) -> None:
    """The depth found without recursion is the depth of the document."""
    depth = _depth(json.loads(text))
    limits = range(max(0, depth - 1), depth + 2)
    assert [limit < depth for limit in limits] == [document._is_deeper_than(limit, text) for limit in limits]
