"""Foreign text is shown harmless, short and without the key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.wire.key import ApiKey
from hourlyclicks.wire.sanitize import LIMIT, excerpt, excerpt_of_body

KEY = ApiKey("CANARY/0123456789+abc")


def test_printable_text_is_shown_as_it_is() -> None:
    """Printable text of any script is not changed."""
    expected = "기간이 올바르지 않습니다. <b>naïve</b> \\ '\" 😀"
    assert expected == excerpt(expected)


@pytest.mark.parametrize(
    ("char", "shown"),
    [
        ("\n", r"\n"),
        ("\r", r"\r"),
        ("\t", r"\t"),
        ("\0", r"\x00"),
        ("\x1b", r"\x1b"),
        ("\x7f", r"\x7f"),
        ("\x9b", r"\x9b"),
        ("\u202e", r"\u202e"),
        ("\u2066", r"\u2066"),
        ("\u200b", r"\u200b"),
        ("\u2028", r"\u2028"),
        ("\ufeff", r"\ufeff"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_what_steers_a_terminal_is_escaped(char: str, shown: str) -> None:
    """Control, ANSI, bidirectional and invisible characters, and lone surrogates, are escaped."""
    assert f"a{shown}b" == excerpt(f"a{char}b")


@given(st.text(alphabet=st.characters()) | st.binary(), st.integers(0, 300))
def test_any_content_becomes_one_printable_line(content: str | bytes, limit: int) -> None:
    """Any excerpt is printable and no longer than the limit."""
    shown = excerpt(content, limit)
    assert shown.isprintable()
    assert len(shown) <= limit


def test_the_cut_is_at_the_limit() -> None:
    """200 characters are shown, and no escape sequence is cut."""
    assert excerpt("x" * 1000) == "x" * LIMIT
    assert excerpt("x" * (LIMIT - 1) + "\x1b" + "y" * 9) == "x" * (LIMIT - 1)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32-be"])
def test_a_body_is_read_in_its_encoding(encoding: str) -> None:
    """A body of any encoding of JSON is shown as text, and the key found in it."""
    body = f'{{"code": 1, "key": "{KEY.reveal()}"}}'.encode(encoding)
    assert excerpt(body, key=KEY) == '{"code": 1, "key": "***"}'


def test_broken_bytes_are_replaced() -> None:
    """Bytes that are no text are shown as the replacement character."""
    assert excerpt(b"a\xffb") == "a\ufffdb"


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"<h1>\r\n\tBusy</h1>\n\x1b[31m  later\n", "<h1> Busy</h1> [31m later"),
        ("점검 중입니다\n".encode(), "점검 중입니다"),
        (b'{"a": "' + b"x" * 500, '{"a": "' + "x" * 113),
        (b"\x1f\x8b\x08\x00\xff\xfe" * 100, "600 bytes that are no text"),
        (b" \n", ""),
    ],
    ids=["a page", "any script", "JSON", "no text", "blank"],
)
def test_a_body_is_a_line_to_read(body: bytes, shown: str) -> None:
    """Blanks take the place of control characters, JSON is short, and other bytes are only counted."""
    assert excerpt_of_body(body) == shown


@given(st.text(alphabet=st.characters()).map(lambda text: text.encode("utf-8", "replace")) | st.binary())
def test_any_body_is_one_printable_line(body: bytes) -> None:
    """It is no longer than the limit."""
    shown = excerpt_of_body(body, key=KEY)
    assert shown.isprintable()
    assert len(shown) <= LIMIT


HUGE = 1 << 20


@pytest.mark.parametrize(
    "text",
    [
        "x" * HUGE,
        "\x01" * HUGE,
        KEY.reveal()[:-1] * (HUGE // 20),
        "%43" * (HUGE // 3),
        KEY.reveal() * (HUGE // 21),
    ],
    ids=["one character", "control characters", "the key but for its end", "escapes", "the key"],
)
@pytest.mark.parametrize("encoding", [None, "utf-8", "utf-16"])
def test_the_rest_of_a_large_text_is_not_looked_at(
    text: str, encoding: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is looked for only in what may be shown of a text."""
    seen: list[tuple[int, int | None]] = []
    scrub = ApiKey.scrub

    def watched(key: ApiKey, given: str, limit: int | None = None) -> str:
        seen.append((len(given), limit))
        return scrub(key, given, limit)

    monkeypatch.setattr(ApiKey, "scrub", watched)
    shown = excerpt(text if encoding is None else text.encode(encoding), key=KEY)
    assert len(shown) <= LIMIT
    assert KEY.reveal() not in shown
    assert seen == [(LIMIT + KEY.reach, LIMIT)]


@pytest.mark.parametrize("spell", ["&#x000000{:x};", "&#000000{};", "%25252525{:x}", "\\u00{:x}", "{:c}"])
@pytest.mark.parametrize("before", range(LIMIT - 3, LIMIT + 1))
def test_no_part_of_an_escaped_key_survives_the_cut(spell: str, before: int) -> None:
    """A key across the cut is recognised also in its longest spelling."""
    echo = "".join(spell.format(ord(char)) for char in KEY.reveal())
    assert excerpt("." * before + echo + "!", key=KEY) == ("." * before + "***")[:LIMIT]


@pytest.mark.parametrize("before", range(LIMIT - 25, LIMIT + 2))
def test_no_part_of_the_key_survives_the_cut(before: int) -> None:
    """A key across the cut is replaced before the text is cut."""
    shown = excerpt("." * before + KEY.reveal() + "." * 50, key=KEY)
    assert set(shown) <= {".", "*"}
