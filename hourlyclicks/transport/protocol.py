"""What a transport is, and how long it may take. Needs no HTTP library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import attrs

from hourlyclicks.model.checks import check_amount

if TYPE_CHECKING:
    from hourlyclicks.model.http import Request, Response


class Transport(Protocol):
    """What can carry a request to the API."""

    async def send(self, request: Request) -> Response:
        """Send a request once and read the whole response.

        A transport that gives a request up, because of a timeout or because it is cancelled, while it may
        still reach the server, says so with `Request.may_arrive`; its place under the limits is held for so
        long. What else it raises than the errors below is translated into a `TransportError`.

        Raises:
            TransportError: there was no complete response.
            DecodeError: the body is larger than any answer.
        """
        ...

    async def close(self) -> None:
        """Give up what is owned; may be called twice."""
        ...


@attrs.frozen
class Timeout:
    """How long one request may take, in seconds.

    Args:
        total: for everything, from the request to the last byte of the response.
        connect: for the connection to a new socket.
        read: from the connection to the end of the headers, and between two pieces of the body.
    """

    total: float = 30.0
    connect: float = 10.0
    read: float = 20.0

    def __attrs_post_init__(self) -> None:
        for name, seconds in attrs.asdict(self).items():
            check_amount(f"Timeout.{name}", seconds)
