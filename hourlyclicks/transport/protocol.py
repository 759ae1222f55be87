"""The interface of a transport, and its time limits. Needs no HTTP library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import attrs

from hourlyclicks.model.checks import check_amount

if TYPE_CHECKING:
    from hourlyclicks.model.http import Request, Response


class Transport(Protocol):
    """Sends requests to the API."""

    async def send(self, request: Request) -> Response:
        """Send a request once and read the whole response.

        A transport that gives up a request, because of a timeout or a cancellation, while the request may
        still reach the server, sets `Request.may_arrive`; its slot is held for that time. One that knows that
        the request was not sent, sets `Request.unsent`, so that no `RequestDone` event counts it; one that
        has not even tried sets `Request.held_back`, so that no report counts it either. Other exceptions than
        the errors below are translated into a `TransportError`.

        Raises:
            TransportError: there was no complete response.
            DecodeError: the body is larger than any answer.
        """
        ...

    async def close(self) -> None:
        """Close the owned resources; may be called twice."""
        ...


@attrs.frozen
class Timeout:
    """How long one request may take, in seconds.

    Args:
        total: from the request to the last byte of the response.
        connect: for a new connection.
        read: from the connection to the end of the headers, and between two pieces of the body.
    """

    total: float = 30.0
    connect: float = 10.0
    read: float = 20.0

    def __attrs_post_init__(self) -> None:
        for name, seconds in attrs.asdict(self).items():
            check_amount(f"Timeout.{name}", seconds)
