"""Translation of network exceptions into the errors of this package.

All exceptions of a session, its connector, its resolver and its trace hooks are handled here. Network
failures are retryable. Permanent failures, such as a bad certificate, are fatal, and so is an unknown
exception: it would occur again for each day.

The original exception is neither kept nor quoted, since it may contain the key. Of an unknown one, the
message has the class and the place where it was raised.
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
    """The connection ended before an answer. Replaces exceptions on which aiohttp sends a request again."""


class StaleConnection(NotSentAgain):
    """A reused connection ended before the first byte of an answer."""


class UnaskedAnswer(NotSentAgain):
    """An answer was there before the request was sent; it may belong to an earlier one."""


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
    (UnaskedAnswer, "protocol", "{host} sent an answer before it was asked"),
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
"""More precise messages than "is not HTTP"; aiohttp shows them only as the cause of its exception."""

_NOT_AT_A_PORT = (
    aiohttp.ClientConnectorDNSError,
    aiohttp.ClientProxyConnectionError,
    aiohttp.ClientSSLError,
)
"""Failures to connect that are not about the port of the host."""
_USUAL_PORTS = {80, 443}

_PERMANENT = (
    aiohttp.ClientConnectorCertificateError,
    aiohttp.ServerFingerprintMismatch,
    ssl.SSLCertVerificationError,
)
"""Permanent failures, even after a good connection."""


def translate(error: BaseException, *, host: str, reached: bool = False) -> HourlyClicksError:
    """Translate an exception, the most specific row first.

    Args:
        error: the exception.
        host: the host of the request.
        reached: whether there was ever a connection to it. Before that, a TLS failure and a proxy that asks
            for a password are fatal; afterwards they may be temporary.
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
        _message(error, text.format(host=_place(error, host)), host),
        kind=kind,
        fatal=_is_fatal(error, kind, reached=reached),
    )
    failure.stale = isinstance(error, StaleConnection)
    return failure


def _misuse(error: BaseException) -> str:
    """Return why a session can never send a request, if so."""
    if type(error) is ValueError and "AUTHORIZATION" in str(error).upper():
        return (
            "the session brings credentials of its own (auth=, or trust_env with a netrc entry for {host}),"
            " which collide with the API key"
        )
    if isinstance(error, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        return "the session cannot reach a URL of {host}"
    return ""


def _worst(group: BaseExceptionGroup[BaseException], *, host: str, reached: bool) -> HourlyClicksError:
    """Translate an exception group, as tasks of a resolver raise it: a permanent failure takes precedence."""
    errors = [translate(error, host=host, reached=reached) for error in group.exceptions]
    return next((error for error in errors if not error.retryable), errors[0])


def _row(error: BaseException) -> tuple[TransportKind, str] | None:
    """Find the row of an exception, or of the one that it was raised from."""
    for cause in _causes(error):
        for kind in _KINDS:
            if isinstance(cause, kind[0]) and (cause is error or isinstance(cause, OSError | EOFError)):
                return kind[1:]
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and its chain of explicit causes."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__


def _message(error: BaseException, text: str, host: str) -> str:
    """Return the message, with the reason if it cannot contain the key."""
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
    reason = _tls_reason(error)
    return f"{text}: {reason}" if reason else text


def _place(error: BaseException, host: str) -> str:
    """Return the host, with the port if the connection failed at an unusual one, such as a simulator's."""
    if not isinstance(error, aiohttp.ClientConnectorError) or isinstance(error, _NOT_AT_A_PORT):
        return host
    port = getattr(error, "port", None)
    if port is None or port in _USUAL_PORTS:
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _is_of_proxy(error: aiohttp.ClientConnectorDNSError, host: str) -> bool:
    """Return whether the name of the proxy was looked up; a host name beyond ASCII has two spellings."""
    looked_up: str = getattr(error, "host", host)
    return host.isascii() and looked_up.lower() != host.lower()


def _tls_reason(error: BaseException) -> str:
    """Return OpenSSL's reason for a failure; it contains names and certificates, but no headers."""
    inner: object = error
    if isinstance(error, aiohttp.ClientSSLError):
        inner = getattr(error, "certificate_error", None) or getattr(error, "os_error", None)
    if not isinstance(inner, ssl.SSLError):
        return ""
    reason = getattr(inner, "verify_message", None) or getattr(inner, "reason", None)
    return ascii(str(reason or ""))[1:-1][:_LONGEST]


def _is_fatal(error: BaseException, kind: TransportKind, *, reached: bool) -> bool:
    """Return whether a retry is useless."""
    if isinstance(error, _PERMANENT):
        return True
    if reached:
        return False
    status = getattr(error, "status", None) if isinstance(error, aiohttp.ClientHttpProxyError) else None
    return kind == "tls" or status == _PROXY_AUTHENTICATION
