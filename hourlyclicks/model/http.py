"""A request and a response as values, so that what decides about them needs no network."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yarl import URL


class Request(NamedTuple):
    """One GET.

    Args:
        url: where to.
        headers: the header fields; they hold the API key and are therefore kept out of the repr.
    """

    url: URL
    headers: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Request(url={self.url!r})"


class Response(NamedTuple):
    """What came back, whole.

    Args:
        status: the HTTP status.
        headers: the header fields; looked up without regard to case. Kept out of the repr, like the body.
        body: the decoded bytes (after gzip or deflate).
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Response(status={self.status!r})"
