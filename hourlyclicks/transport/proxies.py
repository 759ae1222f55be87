"""Proxies, and the data that they can see.

With https, the proxy opens a tunnel and sees only the name of the host. With plain http, it receives the
whole request with the API key. So a proxy is allowed for https only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.request import getproxies, getproxies_environment, proxy_bypass

from yarl import URL

from hourlyclicks.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


def proxy_url(proxy: str | URL) -> URL:
    """Check the URL of a proxy. Errors do not repeat it, since it may contain a password.

    Raises:
        UsageError: it is invalid.
    """
    try:
        url = URL(proxy)
        usable = bool(url.raw_host) and url.port is not None
    except (ValueError, TypeError):
        raise UsageError("proxy is not a URL; write it as http://user:password@host:port") from None
    if url.scheme.startswith("socks"):
        raise UsageError("a SOCKS proxy needs a session whose connector knows it: Client(session=...)")
    if url.scheme not in {"http", "https"} or not usable:
        raise UsageError("proxy begins with http:// or https:// and the name of a host")
    return url


def check_exposure(url: URL, proxy: URL | None) -> None:
    """Check that no proxy would see the API key.

    Args:
        url: the address of a request.
        proxy: the proxy; ``None``: one that the environment names.

    Raises:
        UsageError: the request would pass through it unencrypted.
    """
    if url.scheme != "http":
        return
    if proxy is not None:
        raise UsageError("a proxy would see the API key, since base_url is http: use https", fatal=True)
    if "http" in getproxies() and not proxy_bypass(url.host or ""):
        raise UsageError(
            "the proxy that http_proxy names would see the API key, since base_url is http:"
            " name its host in no_proxy, or use a session without trust_env",
            fatal=True,
        )


def environment_proxy(base_url: str) -> str | None:
    """Return the proxy that the environment names for https, as ``HTTPS_PROXY`` or ``ALL_PROXY``.

    Args:
        base_url: the address of the API; its host may be excluded by ``NO_PROXY``.
    """
    try:
        url = URL(base_url)
    except ValueError:
        return None  # reported when the client is made
    proxies: Mapping[str, str] = getproxies_environment()
    named = proxies.get("https") or proxies.get("all")
    if not named or url.scheme != "https" or proxy_bypass(url.host or ""):
        return None
    return named if "://" in named else f"http://{named}"
