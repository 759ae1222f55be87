"""A user's transport, whose exceptions are translated and whose responses are checked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from hourlyclicks.errors import HourlyClicksError, UsageError
from hourlyclicks.model.http import Response
from hourlyclicks.transport.translate import translate

if TYPE_CHECKING:
    from hourlyclicks.model.http import Request
    from hourlyclicks.transport.protocol import Transport


class TranslatingTransport:
    """A user's transport whose exceptions are translated.

    Args:
        transport: the transport.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def send(self, request: Request) -> Response:
        """See `Transport.send`."""
        task = asyncio.current_task()
        cancelling = 0 if task is None else task.cancelling()
        try:
            response = await self._transport.send(request)
        except HourlyClicksError:
            raise
        except asyncio.CancelledError as error:
            if task is not None and task.cancelling() > cancelling:
                raise
            failure = translate(error, host=request.url.host or "")
        except Exception as error:  # noqa: BLE001 - a user's transport can raise anything
            failure = translate(error, host=request.url.host or "")
        else:
            if _is_whole(response):
                return response
            failure = UsageError(
                "the transport returned no Response with a status (int), headers of text and a body (bytes)",
                fatal=True,
            )
        raise failure

    async def close(self) -> None:
        """See `Transport.close`."""
        await self._transport.close()


def _is_whole(response: object) -> bool:
    """Return whether the return value of a user's transport is a valid response."""
    if not isinstance(response, Response):
        return False
    parts: dict[str, Any] = attrs.asdict(response, recurse=False)
    status, headers, body = parts["status"], parts["headers"], parts["body"]
    if not (isinstance(status, int) and isinstance(body, bytes) and isinstance(headers, Mapping)):
        return False
    return all(isinstance(text, str) for field in headers.items() for text in field)
