"""Valid names for the file of a store; errors about other names do not repeat them."""

from __future__ import annotations

import re

from hourlyclicks.errors import UsageError

_OF_SQLITE = re.compile(r"\s*(:memory:|file:)", re.IGNORECASE)
_OF_SQLITE_HINTS = {
    ":memory:": "a store in memory (:memory:) keeps nothing: name a file, or leave the store out",
    "file:": "SQLite's URIs (file:…) are not read: write the path without file: and without options",
}
_KEYWORDS = re.compile(
    r"\s*(host|hostaddr|port|dbname|database|user|password|passfile|service|sslmode|sslrootcert|options"
    r"|application_name|connect_timeout|target_session_attrs|client_encoding)\s*=",
    re.IGNORECASE,
)
"""How a string of libpq keywords begins."""
_SCHEME = re.compile(r"\s*([a-z][a-z0-9+.-]+):/", re.IGNORECASE)
_SCHEME_ONLY = re.compile(r"\s*(postgres(ql)?(\+\w+)?|sqlite(\+\w+)?|https?):", re.IGNORECASE)
_USER = re.compile(r"(?!/[^/]|[.~])[^?#]*:.*@", re.DOTALL)
"""A user and a password, unless it is a path that begins with ``/``, ``.`` or ``~``."""
_PASSWORD = re.compile(r"(?<![a-z])\w*(password|passwd|pwd)\s*=", re.IGNORECASE)


def holds_password(text: str) -> bool:
    """Return whether a text seems to hold a password.

    Args:
        text: the name of a file, or an address.
    """
    return bool(re.search(r"://[^@]*:.*@", text, re.DOTALL) or _PASSWORD.search(text))


def check_name(text: str) -> None:
    """Check that the name of a file is not another kind of address.

    Args:
        text: the name.

    Raises:
        UsageError: it is no path; the message does not repeat the name, since it may hold a password.
    """
    why = _objection(text)
    if not why and text.endswith("/"):
        why = "the name of the store ends with / as that of a folder does: add the name of a file"
    if why:
        raise UsageError(
            f"{why}; a store is the path of a file, or an address that begins with postgresql://"
        )


def _objection(text: str) -> str | None:
    if not text.strip():
        return "the name of the store is empty"
    of_sqlite = _OF_SQLITE.match(text)
    if of_sqlite:
        return _OF_SQLITE_HINTS[of_sqlite.group(1).lower()]
    if _KEYWORDS.match(text) or _PASSWORD.search(text):
        return "keywords such as host=… are not read: write postgresql://user@host:port/database"
    found = _SCHEME.match(text) or _SCHEME_ONLY.match(text)
    if found:
        return _hint(found.group(1).lower())
    if _USER.match(text):
        return "this may be an address with a user and a password, and lacks its beginning: postgresql://"
    return None


def _hint(scheme: str) -> str:
    if scheme.startswith("sqlite"):
        return f"an address with {scheme}: is not read: write the path alone, clicks.db in place of sqlite:///clicks.db"
    if scheme.startswith("postgres"):
        return f"an address with {scheme}: is not read: write postgresql://user@host:port/database"
    return "an address of this kind is no store"
