"""Failures of the way to the server, translated into errors of ours.

Whatever a session, its connector, its resolver or its trace hooks raise ends here. What is the network's
fault may be repeated. What cannot get better, such as a bad certificate, is fatal, and so is an exception
of an unknown kind: it would come again with each day.

The original is neither kept nor quoted, since it may hold the key. Of one that was not foreseen, its class
is named and the place it was raised at.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import TYPE_CHECKING

import aiohttp
from aiohttp.http_exceptions import ContentEncodingError, HttpProcessingError, LineTooLong

from hourlyclicks.errors import DecodeError, HourlyClicksError, TransportError, UsageError, name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hourlyclicks.errors import TransportKind

LARGEST_BODY = 1 << 20
"""Bytes after decompression. A day of 24 rows has about 1,500."""

_PROXY_AUTHENTICATION = 407
_LONGEST = 200


class NotSentAgain(aiohttp.ClientError):
    """The connection ended before it answered. Stands in for what makes aiohttp send a request again."""


class StaleConnection(NotSentAgain):
    """A connection that had been used before ended before the first byte of an answer."""


class TooLargeError(ValueError):
    """The body is larger than any answer."""


_KINDS: tuple[tuple[type[BaseException], TransportKind, str], ...] = (
    (aiohttp.ClientConnectorDNSError, "dns", "cannot resolve {host}"),
    (aiohttp.ClientConnectorCertificateError, "tls", "the certificate of {host} is not valid"),
    (ssl.SSLCertVerificationError, "tls", "the certificate of {host} is not valid"),
    (aiohttp.ServerFingerprintMismatch, "tls", "{host} shows another certificate than expected"),
    (aiohttp.ClientSSLError, "tls", "no TLS connection to {host} could be made"),
    (aiohttp.ConnectionTimeoutError, "timeout", "connecting to {host} took too long"),
    (asyncio.TimeoutError, "timeout", "{host} took too long to answer"),
    (aiohttp.ClientProxyConnectionError, "connect", "cannot connect to the proxy on the way to {host}"),
    (aiohttp.ClientHttpProxyError, "connect", "the proxy on the way to {host} refused the connection"),
    (aiohttp.ClientConnectorError, "connect", "cannot connect to {host}"),
    (NotSentAgain, "disconnected", "{host} closed the connection before it answered"),
    (aiohttp.ClientConnectionError, "disconnected", "the connection to {host} broke off"),
    (aiohttp.ClientPayloadError, "disconnected", "the answer of {host} breaks off"),
    (aiohttp.ClientResponseError, "protocol", "what {host} answered is not HTTP"),
    (aiohttp.ClientError, "protocol", "what {host} answered is not HTTP"),
    (HttpProcessingError, "protocol", "what {host} answered is not HTTP"),  # without the C parser
    (socket.gaierror, "dns", "cannot resolve {host}"),
    (OSError, "disconnected", "the connection to {host} broke off"),
    (EOFError, "disconnected", "the connection to {host} broke off"),
    (UnicodeEncodeError, "dns", "cannot resolve {host}: no host can have this name"),
    (UnicodeDecodeError, "protocol", "what {host} answered is not HTTP"),
    (UnicodeError, "dns", "cannot resolve {host}: no host can have this name"),
    (ValueError, "protocol", "what {host} answered cannot be read"),
)

_UNREADABLE: tuple[tuple[type[BaseException], str], ...] = (
    (LineTooLong, "a header of what {host} answered is too long"),
    (ContentEncodingError, "{host} answered in an encoding that was not asked for"),
)
"""What else "is not HTTP" can mean; aiohttp tells it only as the cause of its exception."""

_LATCHING = (
    aiohttp.ClientConnectorCertificateError,
    aiohttp.ServerFingerprintMismatch,
    ssl.SSLCertVerificationError,
)
"""What is as bad the next time, even if there was a good connection before."""


def translate(error: BaseException, *, host: str, reached: bool = False) -> HourlyClicksError:
    """Turn what was raised on the way into an error of ours, the most specific row first.

    Args:
        error: what was raised.
        host: the host that was asked.
        reached: whether there was ever a connection to it. Before that, TLS that fails and a proxy that
            asks for a password are fatal; afterwards they may be a passing trouble.
    """
    if isinstance(error, HourlyClicksError):
        return error
    if isinstance(error, BaseExceptionGroup):
        return _worst(error, host=host, reached=reached)
    if isinstance(error, TooLargeError):
        return DecodeError((f"the body is larger than {LARGEST_BODY} bytes",), retryable=False)
    misuse = _misuse(error)
    if misuse:
        return UsageError(misuse.format(host=host), fatal=True)
    found = _row(error)
    if found is None:
        return TransportError(f"asking {host} failed with {name_of(error)}", kind="other", fatal=True)
    kind, text = found
    failure = TransportError(
        _told(error, text.format(host=host), host), kind=kind, fatal=_is_fatal(error, kind, reached=reached)
    )
    failure.stale = isinstance(error, StaleConnection)
    return failure


def _misuse(error: BaseException) -> str:
    """Say why a session can never carry a request, if that is so."""
    if type(error) is ValueError and "AUTHORIZATION" in str(error).upper():
        return (
            "the session brings credentials of its own (auth=, or trust_env with a netrc entry for {host}),"
            " which collide with the API key"
        )
    if isinstance(error, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        return "the session cannot reach a URL of {host}"
    return ""


def _worst(group: BaseExceptionGroup[BaseException], *, host: str, reached: bool) -> HourlyClicksError:
    """Translate a group, as tasks of a resolver raise it: into what cannot be repeated, if that is in it."""
    errors = [translate(error, host=host, reached=reached) for error in group.exceptions]
    return next((error for error in errors if not error.retryable), errors[0])


def _row(error: BaseException) -> tuple[TransportKind, str] | None:
    """Find what is known of an exception, or of the one that it was raised from."""
    for cause in _causes(error):
        for kind in _KINDS:
            if isinstance(cause, kind[0]) and (cause is error or isinstance(cause, OSError | EOFError)):
                return kind[1:]
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and what it was explicitly raised from, step by step."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__


def _told(error: BaseException, text: str, host: str) -> str:
    """Say what happened, with the reason where there is one that cannot hold the key."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        status = getattr(error, "status", None)
        asks = ": it asks for a user name and a password that it accepts"
        return f"{text} (HTTP {status})" + (asks if status == _PROXY_AUTHENTICATION else "")
    if isinstance(error, aiohttp.ClientResponseError | HttpProcessingError):
        for cause in _causes(error):
            for kind, other in _UNREADABLE:
                if isinstance(cause, kind):
                    return other.format(host=host)
    if isinstance(error, aiohttp.ClientConnectorDNSError) and _is_of_proxy(error, host):
        return f"cannot resolve the name of the proxy on the way to {host}"
    reason = _reason(error)
    return f"{text}: {reason}" if reason else text


def _is_of_proxy(error: aiohttp.ClientConnectorDNSError, host: str) -> bool:
    """Return whether another name was looked up than that of the host; one beyond ASCII has two spellings."""
    looked_up: str = getattr(error, "host", host)
    return host.isascii() and looked_up.lower() != host.lower()


def _reason(error: BaseException) -> str:
    """Return what OpenSSL says about a failure; it knows names and certificates, but no headers."""
    inner: object = error
    if isinstance(error, aiohttp.ClientSSLError):
        inner = getattr(error, "certificate_error", None) or getattr(error, "os_error", None)
    if not isinstance(inner, ssl.SSLError):
        return ""
    reason = getattr(inner, "verify_message", None) or getattr(inner, "reason", None)
    return ascii(str(reason or ""))[1:-1][:_LONGEST]


def _is_fatal(error: BaseException, kind: TransportKind, *, reached: bool) -> bool:
    """Return whether it is no use to ask again."""
    if isinstance(error, _LATCHING):
        return True
    if reached:
        return False
    status = getattr(error, "status", None) if isinstance(error, aiohttp.ClientHttpProxyError) else None
    return kind == "tls" or status == _PROXY_AUTHENTICATION
