"""Errors of asyncpg and of a PostgreSQL server: which of them are temporary, and how they are described."""

from __future__ import annotations

import ssl

import asyncpg

FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""The exceptions of asyncpg, timeouts included."""

_TEMPORARY = {
    "0A000",  # a statement was planned before the tables were changed
    "25P03",  # idle in a transaction for too long
    "40001",  # could not be serialized
    "40P01",  # deadlock
    "53300",  # too many connections
    "55P03",  # a lock was not available
    "57014",  # the statement took too long
    "57P01",  # the server was shut down
    "57P02",  # it crashed
    "57P03",  # it is starting up
    "57P05",  # idle for too long
}
"""The codes of temporary errors; those of class 08, about connections, are temporary as well."""

_PROTOCOL = "08P01"
_PERMANENT = (
    "unsupported startup parameter",
    "statement pooling mode",
    "no such database",
    "no such user",
    "does not exist",
    "authentication failed",
)
"""Texts of permanent errors of PgBouncer; all of its errors have the same code."""

_NO_TABLES = "its tables were dropped: start again to make them anew"
_DEPENDENTS = (
    "its tables cannot be migrated while other objects depend on them: drop these, start again, and create"
    " them anew"
)
_MESSAGES = {
    "22021": "it cannot store a character of the text",
    "22P05": "it cannot store a character of the text",
    "25006": "it cannot be written",
    "23503": "what it held was deleted while it was in use: start again to request the missing days",
    "28000": "the server rejects the user",
    "28P01": "the server rejects the user or the password",
    "3D000": "there is no such database",
    "3F000": _NO_TABLES,
    "42501": "the user is not allowed to do that",
    "42P01": _NO_TABLES,
    "53100": "the disk is full",
}


def is_temporary(error: Exception) -> bool:
    """Return whether an operation that failed with an error may succeed later."""
    if isinstance(error, asyncpg.PostgresError):
        code = error.sqlstate or ""
        if code == _PROTOCOL:
            return not any(words in str(error) for words in _PERMANENT)
        return code in _TEMPORARY or code.startswith("08")
    return not isinstance(error, ValueError | ssl.SSLCertVerificationError)


def describe_error(error: Exception) -> str:
    """Return the message for an error; it names no address."""
    if isinstance(error, asyncpg.DependentObjectsStillExistError):
        return f"{_DEPENDENTS} ({(error.detail or '').partition(chr(10))[0]})"
    if isinstance(error, asyncpg.PostgresError):
        return _MESSAGES.get(error.sqlstate or "") or str(error).partition("\n")[0]
    if isinstance(error, TimeoutError):
        return "it does not answer"
    if isinstance(error, OSError):
        return f"it cannot be reached: {error.strerror or error}"
    return str(error) or type(error).__name__
