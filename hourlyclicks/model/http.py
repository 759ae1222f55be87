"""A request and a response as values, so that the code that decides about them needs no network.

They are not frozen, since each day makes both, and a frozen one costs more than twice as much.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from yarl import URL


@attrs.define
class Request:
    """One GET.

    Args:
        url: the address.
        headers: the header fields; they hold the API key and are therefore kept out of the repr.
        may_arrive: the seconds for which it may still reach the server after a timeout or a cancellation;
            written by the transport, before it raises.
    """

    url: URL
    headers: Mapping[str, str] = attrs.field(repr=False)
    may_arrive: float = 0.0


@attrs.define
class Response:
    """A complete response.

    Args:
        status: the HTTP status.
        headers: the header fields; looked up without regard to case.
        body: the decoded bytes (after gzip or deflate).
        connection: the connection it was received on; its method ``discard``, if it has one, closes it.
    """

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    connection: object = attrs.field(default=None, repr=False, eq=False)

    def discard(self) -> None:
        """Close its connection, so that the next request uses another one."""
        discard = getattr(self.connection, "discard", None)  # not every connection can be closed by itself
        if discard is not None:
            discard()
