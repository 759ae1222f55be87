"""The key is not shown anywhere."""

from __future__ import annotations

import copy
import html
import json
import pickle
import re
import string
import traceback
from typing import TYPE_CHECKING
from urllib.parse import quote

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.errors import UsageError
from hourlyclicks.model.fingerprints import fingerprint_of
from hourlyclicks.wire.key import ApiKey, Secret
from hourlyclicks.wire.request import Origin
from tests.cases import every_case

if TYPE_CHECKING:
    from collections.abc import Callable

CANARY = "CANARY-0123456789"
VISIBLE = "".join(map(chr, range(0x21, 0x7F)))
keys = st.text(VISIBLE, min_size=8, max_size=40)


@attrs.frozen
class Holder:
    """An object with a key in it."""

    key: ApiKey


@given(keys)
def test_a_key_is_kept_as_it_is(text: str) -> None:
    """A key of visible ASCII characters is accepted and unchanged."""
    assert text == ApiKey(text).reveal()


@pytest.mark.parametrize("length", [8, 512])
def test_the_shortest_and_the_longest_key(length: int) -> None:
    """Keys have 8 to 512 characters."""
    assert length == len(ApiKey("k" * length).reveal())


@every_case(
    "text",
    [
        "",
        "CANARY7",
        "C" * 513,
        "CANARY 0123",
        "CANARY-0123\n",
        "\nCANARY-0123",
        "CANARY-0123\r\nX: y",
        "CANARY-\x00123",
        "CANARY-한글-0123",
        "CANARY-\x7f0123",
        "CANARY-é0123",
        None,
        b"CANARY-0123",
        12345678,
    ],
)
def test_what_cannot_be_a_key_is_refused_without_repeating_it(text: str) -> None:
    """Neither the error nor a traceback with locals shows what was given."""
    with pytest.raises(UsageError, match="8 to 512 visible ASCII") as caught:
        ApiKey(text)
    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack
    ours = [frame for frame in frames if frame.filename.endswith("key.py") and "test_" not in frame.filename]
    assert ours
    for shown in (str(caught.value), repr(caught.value), *(str(frame.locals) for frame in ours)):
        assert "CANAR" not in shown
        assert "CCCC" not in shown


SHOWINGS: dict[str, Callable[[ApiKey], object]] = {
    "str": str,
    "repr": repr,
    "format": lambda key: f"{key}",
    "format with a width": lambda key: f"{key:>30}",
    "format repr": lambda key: f"{key!r}",
    "percent": lambda key: "%s %r" % (key, key),  # noqa: UP031 - the old way shows keys as well
    "vars": vars,
    "in a list": lambda key: [key],
    "in an attrs class": Holder,
    "attrs.asdict": lambda key: attrs.asdict(Holder(key)),
    "secret repr": lambda key: repr(Secret(key.reveal())),
    "headers": lambda key: {"Authorization": Secret(key.reveal())},
    "copy": lambda key: copy.deepcopy(Holder(copy.copy(key))),
}


@every_case("show", SHOWINGS.values())
def test_no_way_of_showing_shows_the_key(show: Callable[[ApiKey], object]) -> None:
    """No conversion to text shows the key."""
    assert CANARY not in repr(show(ApiKey(CANARY)))
    assert CANARY not in str(show(ApiKey(CANARY)))


@every_case("value", [ApiKey(CANARY), Secret(CANARY), Holder(ApiKey(CANARY))])
@every_case("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_key_cannot_be_pickled(value: object, protocol: int) -> None:
    """No pickle holds a key."""
    with pytest.raises(TypeError, match="not written into pickles"):
        pickle.dumps(value, protocol)


def test_a_secret_is_sent_in_clear() -> None:
    """The header has the whole key."""
    assert CANARY == str(Secret(CANARY)) == f"{Secret(CANARY)}"
    assert CANARY.encode() == Secret(CANARY).encode()


def test_keys_are_equal_by_their_text() -> None:
    """Two keys of one text are equal, and a key is not a string."""
    assert ApiKey(CANARY) == ApiKey(CANARY)
    assert hash(ApiKey(CANARY)) == hash(ApiKey(CANARY))
    assert ApiKey(CANARY) != ApiKey(CANARY + "0")
    assert ApiKey(CANARY) != CANARY
    assert copy.copy(key := ApiKey(CANARY)) is key
    assert copy.deepcopy(key) is key


SPELLINGS: dict[str, Callable[[str], str]] = {
    "clear": str,
    "percent": lambda text: quote(text, safe=""),
    "percent, lower case": lambda text: re.sub("%..", lambda code: code[0].lower(), quote(text, safe="")),
    "percent, every character": lambda text: "".join(f"%{ord(char):02X}" for char in text),
    "percent, twice": lambda text: quote(quote(text, safe=""), safe=""),
    "percent, as in a path": quote,
    "json": lambda text: json.dumps(text)[1:-1],
    "json, slashes too": lambda text: json.dumps(text)[1:-1].replace("/", r"\/"),
    "json, codes": lambda text: "".join(f"\\u{ord(char):04x}" for char in text),
    "html": html.escape,
    "html, decimal": lambda text: "".join(f"&#{ord(char)};" for char in text),
    "html, hexadecimal": lambda text: "".join(f"&#x{ord(char):X};" for char in text),
    "python": lambda text: "".join(f"\\x{ord(char):02x}" for char in text),
}


@given(text=keys, before=st.sampled_from(["", "key=", "한글 "]), after=st.sampled_from(["", "&x=1", "\n"]))
def test_a_key_is_scrubbed_in_any_spelling(text: str, before: str, after: str) -> None:
    """A server that repeats the key, escaped or not, does not get it into an error."""
    key = ApiKey(text)  # what it looks for is compiled once
    scrubbed = {name: key.scrub(f"{before}{spell(text)}{after}") for name, spell in SPELLINGS.items()}
    assert dict.fromkeys(SPELLINGS, f"{before}***{after}") == scrubbed


def test_every_occurrence_is_scrubbed() -> None:
    """A key that occurs twice is scrubbed twice."""
    assert ApiKey(CANARY).scrub(f"a {CANARY}, b {CANARY}") == "a ***, b ***"


def test_a_row_of_backslashes_is_no_trap() -> None:
    """Looking for a key is quick, even in text that nearly matches everywhere."""
    key = ApiKey("\\" * 100 + "x")
    assert "***" == key.scrub("\\" * 100 + "x") == key.scrub("\\" * 200 + "x")
    text = "\\" * 3000
    assert text == key.scrub(text)


@given(st.text(string.ascii_lowercase + " %&\\;#", max_size=60))
def test_text_without_the_key_is_not_changed(text: str) -> None:
    """No other text is scrubbed."""
    assert text == ApiKey(CANARY).scrub(text)


# -- fingerprints -----------------------------------------------------------------------------------------

SALTS = st.binary(min_size=32, max_size=32)


@given(keys, SALTS)
def test_a_fingerprint_tells_nothing(text: str, salt: bytes) -> None:
    """It is 32 hexadecimal digits, the same for a key and a salt, and does not reveal the key."""
    found = ApiKey(text).fingerprint(salt)
    assert re.fullmatch("[0-9a-f]{32}", found)
    assert found == ApiKey(text).fingerprint(salt)
    assert text not in found


@given(keys, keys, SALTS, SALTS)
def test_fingerprints_differ(one: str, other: str, salt: bytes, pepper: bytes) -> None:
    """Another key or another store has another fingerprint."""
    assert (ApiKey(one).fingerprint(salt) == ApiKey(other).fingerprint(salt)) == (one == other)
    assert (ApiKey(one).fingerprint(salt) == ApiKey(one).fingerprint(pepper)) == (salt == pepper)


@given(keys, st.text(), SALTS)
def test_a_name_takes_the_place_of_the_key(key: str, account: str, salt: bytes) -> None:
    """A name has its own fingerprint, even if it is spelled like a key."""
    assert fingerprint_of(account, salt) != ApiKey(key).fingerprint(salt)
    assert fingerprint_of(key, salt) != ApiKey(key).fingerprint(salt)
    assert (fingerprint_of(account, salt) == fingerprint_of(key, salt)) == (account == key)


def test_a_header_with_the_key_can_be_copied() -> None:
    """A deep copy of headers hides the key as the original does."""
    headers = Origin.of("https://clicks.example", ApiKey(CANARY)).headers
    copied = copy.deepcopy(dict(headers))
    assert copied == dict(headers)
    assert copy.copy(copied["Authorization"]) is copied["Authorization"]
    assert CANARY not in repr(copied)
    with pytest.raises(TypeError, match="not written into pickles"):
        pickle.dumps(copied)
