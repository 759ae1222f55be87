"""Requests have exactly the right parameters, and go to the right place in a safe way."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from hourlyclicks import errors
from hourlyclicks._version import __version__
from hourlyclicks.model.targets import Account, Group, Link, Query
from hourlyclicks.wire.request import ApiKey, Origin
from tests.cases import every_case
from tests.wire.asking import build_request

if TYPE_CHECKING:
    from hourlyclicks.model.targets import Target

CANARY = "CANARY/0123+456%789"
KEY = ApiKey(CANARY)
ORIGIN = Origin.of("https://vivoldi.com", KEY)
DAY = dt.date(2025, 4, 20)
PATH = "/api/statistics/v2/clicks-by-hour"
no_surrogates = st.characters(exclude_categories=["Cs"], exclude_characters="\0")


@pytest.mark.parametrize(
    ("target", "parameters"),
    [
        (Account(), ""),
        (Group(12), "grpIdx=12&"),
        (Group(0), "grpIdx=0&"),
        (Link("kYdr", "https://vvd.bz"), "linkId=kYdr&domain=https%3A%2F%2Fvvd.bz&"),
        (Link("한글", "https://vvd.im"), "linkId=%ED%95%9C%EA%B8%80&domain=https%3A%2F%2Fvvd.im&"),
        (
            Link("a/b+c%d&e#f g?h=i", "http://x.kr:81"),
            "linkId=a%2Fb%2Bc%25d%26e%23f%20g%3Fh%3Di&domain=http%3A%2F%2Fx.kr%3A81&",
        ),
        (Link("%2F", "https://vvd.bz"), "linkId=%252F&domain=https%3A%2F%2Fvvd.bz&"),
    ],
    ids=str,
)
def test_the_url_of_a_day(target: Target, parameters: str) -> None:
    """The target comes first, percent-encoded, and then the day."""
    url = build_request(Query(DAY, target), ORIGIN).url
    assert f"https://vivoldi.com{PATH}?{parameters}ymd=2025-04-20" == str(url)
    assert f"{PATH}?{parameters}ymd=2025-04-20" == url.raw_path_qs


@given(st.text(no_surrogates, min_size=1), st.dates())
def test_any_link_id_arrives_as_it_is(link: str, day: dt.date) -> None:
    """A server that decodes the query string gets any id unchanged."""
    url = build_request(Query(day, Link(link, "https://vvd.bz")), ORIGIN).url
    expected = [("linkId", link), ("domain", "https://vvd.bz"), ("ymd", f"{day:%Y-%m-%d}".rjust(10, "0"))]
    assert expected == parse_qsl(url.raw_query_string, strict_parsing=True, keep_blank_values=True)
    assert url.raw_query_string.isascii()
    assert "+" not in url.raw_query_string


def test_the_headers_of_a_request() -> None:
    """They have the key, the user agent and the encodings, and are the same for every day."""
    headers = build_request(Query(DAY, Account()), ORIGIN).headers
    expected = {
        "Authorization": f"APIKey {CANARY}",
        "User-Agent": f"hourlyclicks/{__version__}",
        "Accept": "application/json",
        "Accept-Encoding": "gzip, deflate",
        "Cache-Control": "no-cache",
    }
    assert expected == dict(headers)
    assert expected["Accept"] == headers["accept"]
    assert headers is build_request(Query(DAY + dt.timedelta(1), Group(1)), ORIGIN).headers


def test_nothing_that_holds_the_key_shows_it() -> None:
    """The key is in the Authorization header and in no repr, and never in the URL."""
    request = build_request(Query(DAY, Account()), ORIGIN)
    for shown in (ORIGIN, ORIGIN.headers, dict(ORIGIN.headers), request, request.url, request.headers):
        assert CANARY not in repr(shown)
    assert CANARY not in str(ORIGIN)
    assert "CANARY" not in str(request.url)


@pytest.mark.parametrize("brand", ["Acme", "acme-reports/2.1 (+https://acme.example)", "~", "x" * 256])
def test_the_brand_comes_before_our_name(brand: str) -> None:
    """The user agent names the user's application first, then this package."""
    origin = Origin.of("https://vivoldi.com", KEY, brand)
    assert f"{brand} hourlyclicks/{__version__}" == origin.headers["User-Agent"]


@every_case(
    "brand", ["", " ", " x", "x ", "a\r\nX: y", "a\n", "a\tb", "é", "한글", "a\x7f", "x" * 257, 5, b"x"]
)
def test_a_brand_that_is_no_header_is_refused(brand: str) -> None:
    """A brand is visible ASCII, so that it cannot add headers."""
    with pytest.raises(errors.UsageError, match="user_agent"):
        Origin.of("https://vivoldi.com", KEY, brand)


@every_case(
    ("base_url", "expected"),
    [
        ("https://vivoldi.com", "https://vivoldi.com" + PATH),
        ("https://vivoldi.com/", "https://vivoldi.com" + PATH),
        ("HTTPS://VIVOLDI.com:443", "https://vivoldi.com" + PATH),
        (URL("https://vivoldi.com"), "https://vivoldi.com" + PATH),
        ("https://proxy.example:8443/to/vivoldi/", "https://proxy.example:8443/to/vivoldi" + PATH),
        ("https://proxy.example/a%2Fb/@x", "https://proxy.example/a%2Fb/@x" + PATH),
        ("https://한글.kr", "https://xn--bj0bj06e.kr" + PATH),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443" + PATH),
        ("http://localhost:8080", "http://localhost:8080" + PATH),
        ("http://LOCALHOST.", "http://localhost." + PATH),
        ("http://127.0.0.1:1", "http://127.0.0.1:1" + PATH),
        ("http://127.8.9.1", "http://127.8.9.1" + PATH),
        ("http://[::1]:8080", "http://[::1]:8080" + PATH),
    ],
)
def test_the_base_url_comes_before_the_path(base_url: str | URL, expected: str) -> None:
    """A base URL keeps its port and prefix; http is allowed for this machine."""
    url = build_request(Query(DAY, Account()), Origin.of(base_url, KEY)).url
    assert f"{expected}?ymd=2025-04-20" == str(url)


@every_case(
    "base_url",
    [
        "http://vivoldi.com",
        "http://localhost.vivoldi.com",
        "http://127.0.0.1.vivoldi.com",
        "http://10.0.0.1",
        "http://128.0.0.1",
        "http://[2001:db8::1]",
        "http://0.0.0.0",
    ],
)
def test_http_needs_to_be_allowed(base_url: str) -> None:
    """The key is sent over http to another machine only if the user allows it."""
    with pytest.raises(errors.UsageError, match="must be https"):
        Origin.of(base_url, KEY)
    assert URL(base_url) == Origin.of(base_url, KEY, allow_http=True).base_url


@every_case(
    ("base_url", "why"),
    [
        ("https://user:hunter2@vivoldi.com", "user name"),
        ("https://user@vivoldi.com", "user name"),
        ("https://@vivoldi.com", "user name"),
        (URL("https://user:hunter2@vivoldi.com"), "user name"),
        ("https://vivoldi.com?hunter2", "query"),
        ("https://vivoldi.com/?", "query"),
        ("https://vivoldi.com#hunter2", "fragment"),
        ("https://vivoldi.com/#", "fragment"),
        ("https://vivoldi.com/hunter2 x", "space"),
        (" https://vivoldi.com", "space"),
        ("https://vivoldi.com\n", "control"),
        ("https://vivoldi.com\\hunter2", "backslash"),
        ("ftp://hunter2.com", "https"),
        ("file:///hunter2", "https"),
        ("vivoldi.com", "https"),
        ("//vivoldi.com", "https"),
        ("https://", "not a URL|https"),
        ("https:///hunter2", "https"),
        ("https://vivoldi.com:99999", "not a URL"),
        ("https://:443", "not a URL"),
        ("https://[::1", "not a URL"),
        ("", "https"),
        (None, "https"),
        (5, "https"),
    ],
)
@every_case("allow_http", [False, True])
def test_a_bad_base_url_is_refused(base_url: str, why: str, *, allow_http: bool) -> None:
    """Anything but scheme, host, port and path is an error without a quotation, which may have a password."""
    with pytest.raises(errors.UsageError, match=why) as caught:
        Origin.of(base_url, KEY, allow_http=allow_http)
    assert "hunter2" not in str(caught.value)


def test_origins_are_equal_by_their_parts() -> None:
    """What an origin has computed is not compared."""
    one, other = Origin.of("https://vivoldi.com", KEY), Origin.of("https://vivoldi.com/", ApiKey(CANARY))
    assert one.headers
    assert one == other
    assert hash(one) == hash(other)
