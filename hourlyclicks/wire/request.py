"""Values into requests.

All that does not change from day to day is made once: the headers belong to the `Origin`, and so do the
addresses of targets. What remains per request is to add the days.
"""

from __future__ import annotations

import ipaddress
import re
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

import attrs
from multidict import CIMultiDict, CIMultiDictProxy, istr
from yarl import URL

from hourlyclicks._version import __version__
from hourlyclicks.errors import UsageError
from hourlyclicks.model.http import Request
from hourlyclicks.model.targets import Group, Link
from hourlyclicks.wire.key import ApiKey, Secret
from hourlyclicks.wire.names import AUTHORIZATION_SCHEME, DOMAIN, GROUP, LINK_ID

if TYPE_CHECKING:
    from collections.abc import Callable

    from hourlyclicks.model.targets import Target

__all__ = ["ApiKey", "Origin", "build_request"]

PRODUCT = f"hourlyclicks/{__version__}"
"""Our own product token; the vendor rejects agents it cannot identify."""

_BRAND = r"[\x21-\x7e](?:[\x20-\x7e]{0,254}[\x21-\x7e])?"
_UNFIT_FOR_URL = r"[\x00-\x20\x7f-\xa0\\]"


@attrs.frozen
class Origin:
    """Where requests go, and which client sends them. Make one with `Origin.of`, which checks its parts.

    Args:
        base_url: what the paths of the API are appended to; no slash at its end.
        api_key: the key of the account.
        user_agent: the whole ``User-Agent``.
    """

    base_url: URL
    api_key: ApiKey
    user_agent: str

    @classmethod
    def of(
        cls, base_url: str | URL, api_key: ApiKey, user_agent: str | None = None, *, allow_http: bool = False
    ) -> Origin:
        """Check the parts and put them together.

        Args:
            base_url: https, or http for this very machine; a path is kept as a prefix.
            api_key: the key of the account.
            user_agent: the name of the user's application, which is sent before our own.
            allow_http: whether http is good enough for any host; the key then travels in clear.

        Raises:
            UsageError: the URL or the name is invalid.
        """
        return cls(_base_url(base_url, allow_http=allow_http), api_key, _user_agent(user_agent))

    @cached_property
    def headers(self) -> CIMultiDictProxy[str]:
        """The headers of every request; the value with the key hides itself in a repr."""
        return CIMultiDictProxy(
            CIMultiDict(
                {
                    istr("Authorization"): Secret(f"{AUTHORIZATION_SCHEME} {self.api_key.reveal()}"),
                    istr("User-Agent"): self.user_agent,
                    istr("Accept"): "application/json",
                    istr("Accept-Encoding"): "gzip, deflate",
                    istr("Cache-Control"): "no-cache",
                }
            )
        )

    @cached_property
    def address(self) -> Callable[[str, Target], URL]:
        """Finds the address of a target at a path, to which only the days are to be added; caches many."""
        return lru_cache(maxsize=1024)(self._address)

    def _address(self, path: str, target: Target) -> URL:
        return URL.build(
            scheme=self.base_url.scheme,
            authority=self.base_url.raw_authority,
            path=self.base_url.raw_path.rstrip("/") + path,
            query_string=_parameters(target),
            encoded=True,
        )


def build_request(origin: Origin, path: str, target: Target, days: str) -> Request:
    """Return the request that asks for days of one target.

    Of the parameters of a target everything but letters, digits and ``_.-~`` is percent-encoded in UTF-8, so
    that a link id arrives as it is, whatever it holds.

    Args:
        origin: where the API is, and which client asks.
        path: the path of the endpoint.
        target: the target.
        days: the parameters that name the days, ready to be sent.
    """
    return Request(origin.address(path, target), origin.headers, parameters=days)


def _parameters(target: Target) -> str:
    """Return what a target adds to an address, ready to be sent."""
    match target:
        case Link(id=link, domain=domain):
            pairs = {LINK_ID: link, DOMAIN: domain}
            return "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs.items())
        case Group(idx=idx):
            return f"{GROUP}={idx}"
        case _:
            return ""


def _base_url(value: str | URL, *, allow_http: bool) -> URL:
    """Check a base URL. Errors do not repeat it, since it may hold a password."""
    text = str(value)
    _check_spelling(text)
    try:
        url = URL(text)
    except ValueError:
        raise UsageError("base_url is not a URL") from None
    if url.scheme not in {"http", "https"} or not url.raw_host:
        raise UsageError("base_url begins with https:// and the name of a host")
    if url.scheme == "http" and not allow_http and not _is_loopback(url.raw_host):
        raise UsageError(
            "base_url must be https, since the API key would travel in clear; http is for this machine only,"
            " or with allow_http=True"
        )
    return url.with_path(url.raw_path.rstrip("/") or "/", encoded=True)


def _check_spelling(text: str) -> None:
    """Reject what a URL parser would silently drop."""
    if re.search(_UNFIT_FOR_URL, text):
        raise UsageError("base_url holds a space, a control character or a backslash")
    if "@" in text.partition("//")[2].partition("/")[0]:
        raise UsageError("base_url must not hold a user name or password")
    if "?" in text or "#" in text:
        raise UsageError("base_url must not hold a query or fragment")


def _is_loopback(host: str) -> bool:
    if host.rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_brand(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(_BRAND, value) is not None


def _user_agent(brand: str | None) -> str:
    if brand is None:
        return PRODUCT
    if not _is_brand(brand):
        raise UsageError("user_agent is 1 to 256 visible ASCII characters; spaces may stand between them")
    return f"{brand} {PRODUCT}"
