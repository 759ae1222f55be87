"""Foreign text is shown harmless, short and without the key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.wire.key import ApiKey
from hourlyclicks.wire.sanitize import LIMIT, excerpt, excerpt_of_body
from tests.cases import every_case

KEY = ApiKey("CANARY/0123456789+abc")


def test_printable_text_is_shown_as_it_is() -> None:
    """Printable text of any script is not changed."""
    expected = "기간이 올바르지 않습니다. <b>naïve</b> \\ '\" 😀"
    assert expected == excerpt(expected)


@every_case(
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


@every_case(
    ("body", "shown"),
    [
        (b"Busy\r\n\t\x1b[31m  later\n", "Busy [31m later"),
        (b"<h1>\r\n\tBusy</h1>\n\x1b[31m  later\n", "Busy [31m later"),
        (b"a < b, <3", "a < b, <3"),
        (b"<3", "<3"),
        ("점검 중입니다\n".encode(), "점검 중입니다"),
        (b'{"a": "' + b"x" * 500, '{"a": "' + "x" * 113),
        (b"\x1f\x8b\x08\x00\xff\xfe" * 100, "600 bytes that are no text"),
        (b" \n", ""),
    ],
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


@every_case(
    ("page", "words"),
    [
        ("<html>\n<head><title>502 Bad Gateway</title></head>\n<body><h1>no</h1>", "502 Bad Gateway"),
        (
            "<!DOCTYPE html><TITLE lang=en>Sign&nbsp;in &ndash; H\u00f4tel</TITLE>",
            "Sign in – H\u00f4tel",
        ),
        ("<!doctype html><title></title><h1>Forbidden</h1><p>by <b>rule</b> 7", "Forbidden by rule 7"),
        ("<html><style>p {}</style><script>if (a<b) {}</script><!-- <p>x --><p>Wait", "Wait"),
        ("<html>" + "<meta name=x>" * 40 + "<title>Far away</title>", "Far away"),
        ("<html><title>never closed", "never closed"),
        ("<html><p>&#27;[31mred&#x202e;", "[31mred"),
        ("<html><a href='" + "x" * 9000, ""),
        ("<html><title>" + "x" * 9000, "x" * 150),
    ],
)
@every_case("encoding", ["utf-8", "utf-16"])
def test_a_page_is_shown_by_its_title(page: str, words: str, encoding: str) -> None:
    """Without a title it is its text; scripts, styles, comments and tags are never shown."""
    shown = excerpt_of_body(page.encode(encoding), key=KEY)
    assert shown == (f'an HTML page, "{words}"' if words else "an HTML page")


def test_xml_is_shown_without_tags() -> None:
    """An answer of an object store, say, is its text."""
    body = b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'
    assert excerpt_of_body(body) == "AccessDenied Access Denied"
    assert excerpt_of_body(b"<?xml version='1.0'?><a/>") == "<?xml version='1.0'?><a/>"


@pytest.mark.parametrize("unseen", ["&shy;", "&#8203;", "\u200d", "<wbr>", "<!-- -->", "<style>p {}</style>"])
def test_a_key_that_a_page_lets_be_broken_is_found(unseen: str) -> None:
    """What a browser does not show is not between the halves of a word."""
    key = KEY.reveal()
    page = f"<html><p>no key {key[:9]}{unseen}{key[9:]}"
    assert excerpt_of_body(page.encode(), key=KEY) == 'an HTML page, "no key ***"'


HTML_PIECES = st.sampled_from(
    [
        "<html>",
        "<title>",
        "</title>",
        "<!--",
        "-->",
        "<script>",
        "</script>",
        "<p",
        ">",
        "&lt;",
        "&#27;",
        "<",
        "x ",
        "\n",
    ]
)


@given(st.lists(HTML_PIECES, max_size=60).map("".join), st.integers(0, 60))
def test_any_page_is_one_printable_line_without_the_key(page: str, place: int) -> None:
    """Wherever the key is in a page, and however it is broken."""
    shown = excerpt_of_body(f"<html>{page[:place]}{KEY.reveal()}{page[place:]}".encode(), key=KEY)
    assert shown.isprintable()
    assert len(shown) <= LIMIT
    assert "CANARY" not in shown


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


@every_case("spell", ["&#x000000{:x};", "&#000000{};", "%25252525{:x}", "\\u00{:x}", "{:c}"])
@every_case("before", range(LIMIT - 3, LIMIT + 1))
def test_no_part_of_an_escaped_key_survives_the_cut(spell: str, before: int) -> None:
    """A key across the cut is recognised also in its longest spelling."""
    echo = "".join(spell.format(ord(char)) for char in KEY.reveal())
    assert excerpt("." * before + echo + "!", key=KEY) == ("." * before + "***")[:LIMIT]


@every_case("before", range(LIMIT - 25, LIMIT + 2))
def test_no_part_of_the_key_survives_the_cut(before: int) -> None:
    """A key across the cut is replaced before the text is cut."""
    shown = excerpt("." * before + KEY.reveal() + "." * 50, key=KEY)
    assert set(shown) <= {".", "*"}
