"""TLS on the loopback device: a server's certificate, and clients that trust it."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp.connector

if TYPE_CHECKING:
    import pytest

CERTS = Path(__file__).parent / "certs"


def serving() -> ssl.SSLContext:
    """Return the server's side."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTS / "loopback.cert.pem", CERTS / "loopback.key.pem")
    return context


def trusting() -> ssl.SSLContext:
    """Return the side of a client that trusts the certificate."""
    return ssl.create_default_context(cafile=CERTS / "loopback.cert.pem")


def trust(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all sessions of a test trust the certificate."""
    monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", trusting())
