"""The address of a PostgreSQL database: valid parameters, and the part that may be shown."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, unquote

from hourlyclicks._version import __version__
from hourlyclicks.errors import UsageError
from hourlyclicks.model.checks import check_name

_LIBPQ = {
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "hostaddr",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "load_balance_hosts",
    "max_protocol_version",
    "min_protocol_version",
    "oauth_client_id",
    "oauth_client_secret",
    "oauth_issuer",
    "oauth_scope",
    "options",
    "replication",
    "require_auth",
    "requirepeer",
    "requiressl",
    "scram_client_key",
    "scram_server_key",
    "servicefile",
    "sslcertmode",
    "sslcompression",
    "sslkeylogfile",
    "sslsni",
    "tcp_user_timeout",
}
"""Parameters of libpq. asyncpg would pass them on as settings of the server, which does not know them."""


def check_address(dsn: str) -> None:
    """Check an address; the message does not repeat its values.

    Raises:
        UsageError: it holds a parameter that only libpq knows, or a character NUL.
    """
    for name in parse_qs(dsn.partition("?")[2], keep_blank_values=True):
        known = name.lower()
        if known in _LIBPQ:
            raise UsageError(
                f"the address of a PostgreSQL store cannot have the parameter {known!r}, which only libpq "
                "knows; leave it out"
            )
    if "\0" in unquote(dsn):
        raise UsageError("the address of a PostgreSQL store must not hold the character NUL")


def has_application_name(dsn: str) -> bool:
    """Return whether an address names the application."""
    return "application_name" in parse_qs(dsn.partition("?")[2])


def application_name(name: str | None = None) -> str:
    """Return the name under which an operator of the server sees a connection.

    Args:
        name: what follows after the version. The server cuts the whole off after 63 bytes.

    Raises:
        UsageError: it is blank, or holds the character NUL.
    """
    if name is None:
        return f"hourlyclicks {__version__}"
    check_name("name", name)
    return f"hourlyclicks {__version__} {name}"


def place_of(dsn: str) -> str:
    """Return the host and the database of an address, unless they could be a password."""
    address, _, options = dsn.partition("://")[2].partition("?")
    place = address.rpartition("@")[2]
    if "@" in options or not re.fullmatch(r"[\w.,:\[\]-]*(/[\w.-]*)?", place):
        return "PostgreSQL"
    host, _, name = place.partition("/")
    known = parse_qs(options)
    host = host or known.get("host", [""])[0]
    name = name or known.get("dbname", known.get("database", [""]))[0]
    return "postgresql://" + host + (f"/{name}" if name else "")
