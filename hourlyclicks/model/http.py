"""A request and a response as values, so that the code that decides about them needs no network.

They are not frozen, since each day makes both, and a frozen one costs more than twice as much.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from yarl import URL


@attrs.define(eq=False, repr=False)
class Request:
    """One GET.

    Args:
        url: the address.
        headers: the header fields; they hold the API key and are therefore kept out of the repr.
        may_arrive: the seconds for which it may still reach the server after a timeout or a cancellation;
            written by the transport, before it raises.
        unsent: whether it certainly has not reached the server; written by the transport, before it raises.
        held_back: whether the transport did not try to send it, so that it counts neither as a request nor
            against the limit; written by the transport, before it raises.
        parameters: what is added to the query of the address, ready to be sent. A `yarl.URL` of its own for
            every day would be a good part of the cost of a request.
    """

    _url: URL
    headers: Mapping[str, str]
    may_arrive: float = 0.0
    _parameters: str = ""
    unsent: bool = False
    held_back: bool = False

    @property
    def url(self) -> URL:
        """The whole address."""
        if "%" in self._parameters:  # `extend_query` takes half as long, but escapes it once more
            return URL(f"{self._url.origin()}{self.target}", encoded=True)
        return self._url.extend_query(self._parameters) if self._parameters else self._url

    @property
    def origin(self) -> tuple[str, str]:
        """Scheme and authority of the address."""
        return self._url.scheme, self._url.raw_authority

    @property
    def target(self) -> str:
        """What stands on the request line: path and query (RFC 9112, origin form)."""
        if not self._parameters:
            return self._url.raw_path_qs
        separator = "&" if self._url.raw_query_string else "?"
        return f"{self._url.raw_path_qs}{separator}{self._parameters}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Request) and (self.url, self.headers) == (other.url, other.headers)

    __hash__ = None  # type: ignore[assignment]  # it can be changed

    def __repr__(self) -> str:
        return f"Request(url={self.url!r}, may_arrive={self.may_arrive})"


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
