"""What is removed around an API key, and what is wrong with one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks import UsageError
from hourlyclicks.wire.key import ApiKey, Secret
from hourlyclicks.wire.pasted_key import KEY_FORM, text_of, unwrap_key

KEY = "canary-key-31415926"
keys = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="\"'`"), min_size=8)
blanks = st.text(st.sampled_from(" \t\r\n\v\f\u00a0\ufeff\u200b"))


@given(keys.filter(lambda key: "KEY=" not in key), blanks, blanks)
def test_a_bare_key_is_itself(key: str, before: str, after: str) -> None:
    """Any key is found, also with invisible characters around it."""
    assert unwrap_key(before + key + after, "it") == key
    for pair in ('""', "''", "``", "\u201c\u201d"):
        assert unwrap_key(f"{before}{pair[0]}{key}{pair[1]}{after}", "it") == key


@pytest.mark.parametrize(
    "text",
    [f"HOURLYCLICKS_API_KEY={KEY}", f"export API_KEY='{KEY}'", f'KEY = "{KEY}"\n', f"# a comment\n\n{KEY}\n"],
)
def test_a_line_for_the_environment_holds_a_key(text: str) -> None:
    """The name in front, comments and empty lines are removed."""
    assert unwrap_key(text, "it") == KEY


def test_equals_signs_belong_to_a_key() -> None:
    """A key that ends like base64, or begins with a name, is left as it is."""
    for key in ("c2VjcmV0LWtleQ==", "tenant=42;secret", "#42-secret-key", "KEY==12345678"):
        assert unwrap_key(key, "it") == key


@pytest.mark.parametrize("text", ["", " \r\n", '""', "''", "KEY=", 'KEY=""', "\ufeff"])
def test_nothing_is_no_key(text: str) -> None:
    """An empty text, in any wrapping, holds no key."""
    assert unwrap_key(text, "it") == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{KEY} {KEY}", "it has a blank in it"),
        (f"APIKey {KEY}", "it has a blank in it"),
        (f"{KEY}\n{KEY}", "it has several lines"),
        (f"{KEY}\x07{KEY}", "it has a control character in it"),
        (f"{KEY}\x7f.", "it has a control character in it"),
        (f"{KEY}é", "it has a character in it that is not ASCII"),
        (f'"{KEY}', "it has a quotation mark at one end only"),
        (f"{KEY}'", "it has a quotation mark at one end only"),
        ("short", "it is shorter than 8 characters"),
        ("x" * 513, "it is longer than 512 characters"),
    ],
)
def test_what_is_wrong_is_named(text: str, words: str) -> None:
    """The error says what is wrong and what a key is, and does not quote it."""
    with pytest.raises(UsageError) as caught:
        unwrap_key(text, "it")
    assert str(caught.value) == f"{words}; {KEY_FORM}"


@given(st.text())
def test_what_comes_out_is_a_key_or_nothing(text: str) -> None:
    """Any text is an error, empty, or a valid key, which hides itself."""
    try:
        key = unwrap_key(text, "it")
    except UsageError:
        return
    assert isinstance(key, Secret)
    if key:
        ApiKey(key)


@given(st.binary())
def test_any_file_has_a_text(content: bytes) -> None:
    """Any content of a file can be read."""
    assert isinstance(text_of(content), Secret)
