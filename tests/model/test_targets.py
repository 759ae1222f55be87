import copy
import datetime as dt
import pickle
from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hourlyclicks.errors import UsageError
from hourlyclicks.model.targets import Account, Group, Link, Query, Target, as_target
from tests.cases import every_case
from tests.model.strategies import FIRST, TARGETS


@pytest.mark.parametrize("target", TARGETS)
def test_targets_are_values(target: Target) -> None:
    """A target pickles and copies into an equal one, and can be a key."""
    assert {target} == {copy.copy(target), copy.deepcopy(target), pickle.loads(pickle.dumps(target))}  # noqa: S301 - our own bytes


def test_targets_differ() -> None:
    """No two of the three kinds are equal, nor do they print alike."""
    assert len(set(TARGETS)) == len({str(target) for target in TARGETS}) == 3


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (Account(), "account"),
        (Group(7), "group 7"),
        (Link("서울/+", "https://vvd.bz"), "https://vvd.bz/서울/+"),
    ],
)
def test_targets_print_as_people_know_them(target: Target, text: str) -> None:
    """A link prints as its address, the others in words."""
    assert text == str(target)


@pytest.mark.parametrize("idx", [-1, 1.0, "7", True, None])
def test_a_group_has_a_whole_number(idx: int) -> None:
    """A negative number, a fraction, text, a bool and None are no group numbers."""
    with pytest.raises(UsageError, match=r"Group\.idx must be a whole number from 0"):
        Group(idx)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_a_link_id_is_kept_as_it_is(text: str) -> None:
    """A link id may have any characters, which stay unchanged."""
    assert text == Link(text, "https://vvd.bz").id


@pytest.mark.parametrize("text", ["", None, 5, b"kYdr"])
def test_a_link_has_an_id(text: str) -> None:
    """An empty id, and what is no text, is refused."""
    with pytest.raises(UsageError, match=r"Link\.id must be a non-empty string"):
        Link(text, "https://vvd.bz")


@pytest.mark.parametrize("text", ["a\ud83d", "\udc00", "\0", "a\0b"])
def test_what_cannot_travel_is_no_link_id(text: str) -> None:
    """Lone surrogates, which no URL can hold, and NUL, which no database holds, are errors."""
    with pytest.raises(UsageError, match="NUL or half of a surrogate pair") as caught:
        Link(text, "https://vvd.bz")
    assert str(caught.value).isascii()
    with pytest.raises(UsageError):
        as_target(f"https://vvd.bz/{text}")


@pytest.mark.parametrize(
    "text",
    ["https://vvd.bz", "https://vvd.bz/", "HTTPS://VVD.BZ", "https://vvd.bz:443", "https://vvd.bz:443/"],
)
def test_a_domain_has_one_spelling(text: str) -> None:
    """The same domain written otherwise is the same link."""
    assert Link("kYdr", "https://vvd.bz") == Link("kYdr", text)


@pytest.mark.parametrize("text", ["http://vvd.bz", "https://vvd.im", "https://vvd.bz:8443"])
def test_domains_differ_by_scheme_host_and_port(text: str) -> None:
    """Each of the three makes another link."""
    assert Link("kYdr", "https://vvd.bz") != Link("kYdr", text)


@every_case(
    "text",
    [
        "", "vvd.bz", "//vvd.bz", "ftp://vvd.bz", "https://", "https://vvd.bz/kYdr", "https://vvd.bz?x=1",
        "https://vvd.bz#top", "https://me@vvd.bz", "https://vvd.bz:port", "https://[::1", "mailto:x", None, 5,
    ],
)  # fmt: skip
def test_a_domain_is_an_origin(text: str) -> None:
    """A domain without a scheme, with another one than http(s), or with anything behind it is refused."""
    with pytest.raises(UsageError, match="the domain of a link"):
        Link("kYdr", text)


ORIGINS = st.sampled_from(
    [
        "https://vvd.bz",
        "http://vvd.bz",
        "https://vvd.bz:8443",
        "https://서울.kr",
        "https://[::1]",
        "http://10.0.0.1:80",
    ]
)
LINK_IDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
ANY_TARGET = st.one_of(
    st.just(Account()), st.builds(Group, st.integers(0, 10**18 - 1)), st.builds(Link, LINK_IDS, ORIGINS)
)


@given(ANY_TARGET)
def test_a_target_is_read_as_it_prints(target: Target) -> None:
    """The text of any target stands for it and for no other."""
    assert as_target(str(target)) == target


@pytest.mark.parametrize(
    "target",
    [Link(text, "https://vvd.bz") for text in ["/", "//a", "?x=1#y", "@me", "a\nb\n", "\n", " ", "account"]],
)
def test_a_link_id_may_look_like_anything(target: Target) -> None:
    """It is read unchanged, slashes and line ends included."""
    assert as_target(str(target)) == target


@every_case(
    "text",
    [
        "", "Account", "account ", "accounts", "group", "group ", "group x", "group -1", "group 1 ",
        "group 1.0", "group \u0661", "vvd.bz/kYdr", "https://vvd.bz", "https://vvd.bz/", "ftp://vvd.bz/kYdr", "https:///kYdr",
        "https://me@vvd.bz/kYdr", "https://vvd.bz?x/kYdr", "https://vvd.bz/\ud800",
    ],
)  # fmt: skip
def test_a_text_that_no_target_prints_is_refused(text: str) -> None:
    """It is an error."""
    with pytest.raises(UsageError):
        as_target(text)


def test_a_query_is_a_value() -> None:
    """The same day of the same target is the same query."""
    assert len({Query(FIRST, target) for target in (*TARGETS, *TARGETS)}) == 3


def test_the_types_of_a_query_can_be_resolved() -> None:
    """Its annotations resolve to a date and to the kinds of targets."""
    assert get_type_hints(Query) == {"day": dt.date, "target": Target}
