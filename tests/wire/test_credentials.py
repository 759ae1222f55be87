"""A rejection of the key is distinguished from a rejection of a day."""

from __future__ import annotations

import datetime as dt
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.errors import ApiError
from hourlyclicks.model.targets import Group, Link
from hourlyclicks.wire.credentials import speaks_of_key
from tests.cases import every_case

DAY = dt.date(2025, 4, 20)


def rejection(message: str, *, code: int | None = 1013, link: str | None = None) -> ApiError:
    """Return a rejection of a day, of a link if one is named."""
    error = ApiError(message, code=code, status=200)
    return error if link is None else error.about(DAY, Link(link, "https://vvd.bz"))


@pytest.mark.parametrize("code", [401, 403])
def test_two_codes_are_enough(code: int) -> None:
    """The codes that repeat the statuses of a bad key need no words."""
    assert speaks_of_key(rejection("", code=code))


ABOUT_THE_KEY = [
    "Invalid API key",
    "invalid api_key",
    "The API-Key is missing.",
    "Unknown key.",
    "no such key",
    "Your key has expired",
    "This key is not valid any more",
    "key was revoked",
    "The key is not registered.",
    "key not recognized",
    "Missing access token",
    "Invalid token",
    "Unauthorized",
    "unauthorised",
    "You are not authorized.",
    "Authentication failed",
    "please authenticate",
    "Bad credentials",
    "Authorization header required",
    "API key 'abc***' is not registered",
    "API 키가 유효하지 않습니다.",
    "유효하지 않은 키입니다.",
    "인증키를 확인해 주세요",
    "인증에 실패하였습니다.",
    "인가되지 않은 요청입니다",
    "만료된 키",
    "키가 유효하지 않습니다",
    unicodedata.normalize("NFD", "인증 실패"),
    "\uff21\uff30\uff29 key",
]


@every_case("message", ABOUT_THE_KEY)
def test_messages_about_the_key(message: str) -> None:
    """English and Korean words for the key, the authentication and its failure are recognised."""
    assert speaks_of_key(rejection(message))
    assert speaks_of_key(rejection(message, link="kYdr"))
    assert speaks_of_key(rejection(message, link="key"))


ABOUT_SOMETHING_ELSE = [
    "",
    "No such link.",
    "No such link: key",
    "No such link: monkey-keyboard",
    'No such link: "invalid-api-key"',
    "No such link: 'Unauthorized'",
    "keyword is too long",
    "Duplicate key for link",
    "invalid key 'ymd'",
    "no such key 'ymd'",
    "missing key 'linkId'",
    "the link key is invalid",
    "Too many requests",
    "maintenance",
    "this author has no links",
    "기간이 올바르지 않습니다.",
    "잘못된 키워드입니다",
    "쿠키가 유효하지 않습니다",
    "이 링크에 대한 권한이 없습니다",
    "존재하지 않는 링크입니다",
]


@every_case("message", ABOUT_SOMETHING_ELSE)
def test_messages_about_something_else(message: str) -> None:
    """A key in a quotation, within another word, or of something else is no API key."""
    assert not speaks_of_key(rejection(message))
    assert not speaks_of_key(rejection(message, link="kYdr"))


@pytest.mark.parametrize("link", ["invalid-api-key", "API-KEY-2024", "unauthorized", "인증"])
def test_the_id_of_the_link_does_not_count(link: str) -> None:
    """A link id that reads like "key" is only quoted by the message."""
    assert not speaks_of_key(rejection(f"No such link: {link}", link=link))
    assert speaks_of_key(rejection(f"Bad credentials for {link}", link=link))


def test_a_gateway_tells_nothing() -> None:
    """Without a code of the API, an answer says nothing about the key."""
    assert not speaks_of_key(rejection("Invalid API key", code=None))
    assert not speaks_of_key(rejection("Unauthorized", code=None))


def test_other_targets_have_no_id() -> None:
    """The error of a group is judged by its message alone."""
    assert speaks_of_key(rejection("Invalid API key").about(DAY, Group(1)))


IDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)


@given(st.text(max_size=200), st.integers(), IDS)
def test_no_message_is_too_strange(message: str, code: int, link: str) -> None:
    """Any message is accepted."""
    assert speaks_of_key(rejection(message, code=code, link=link)) in {True, False}
