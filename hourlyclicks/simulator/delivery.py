"""An answer, and its delivery: complete, or with a fault.

A fault is a value that turns an `Answer` into a `Delivery`. The socket server and the in-process transport
both carry out deliveries, and do not know faults.
"""

from __future__ import annotations

import http
from typing import Literal, Protocol, TypeAlias

import attrs

Headers: TypeAlias = tuple[tuple[str, str], ...]
End: TypeAlias = Literal["keep", "close", "reset", "hang"]

_PHRASES = {status.value: status.phrase for status in http.HTTPStatus}


@attrs.frozen
class Answer:
    """An answer of the upstream.

    Args:
        status: the HTTP status.
        headers: the header fields, without framing.
        body: the bytes on the wire, compressed if a header says so.
    """

    status: int
    headers: Headers
    body: bytes

    def with_header(self, name: str, value: str) -> Answer:
        """Return the answer with an additional field, or with another value of it."""
        kept = tuple(field for field in self.headers if field[0].lower() != name.lower())
        return attrs.evolve(self, headers=(*kept, (name, value)))


@attrs.frozen(kw_only=True)
class Delivery:
    """How an answer is sent. By default: completely, and the connection stays open.

    Args:
        answer: the answer.
        delay: seconds before the first byte.
        raw: bytes to send in place of the answer, HTTP or not.
        head: whether the status line and the headers are sent.
        sent: how many bytes of the body are sent; ``None``: all.
        sized: whether a ``Content-Length`` announces the whole body; else it ends with the connection.
        drip: seconds between one byte and the next; 0: all at once.
        end: what happens to the connection afterwards: kept, closed, reset, or left hanging.
    """

    answer: Answer
    delay: float = 0.0
    raw: bytes | None = None
    head: bool = True
    sent: int | None = None
    sized: bool = True
    drip: float = 0.0
    end: End = "keep"

    @property
    def plain(self) -> bool:
        """Whether it is an ordinary answer, except perhaps for its delay."""
        return self.raw is None and self.end == "keep" and not self.drip

    @property
    def body(self) -> bytes:
        """The part of the body that is sent."""
        return self.answer.body[: self.sent]

    @property
    def complete(self) -> bool:
        """Whether the answer looks complete to the client."""
        cut = self.sized and len(self.body) < len(self.answer.body)
        return self.head and self.end in {"keep", "close"} and not cut

    def wire(self) -> bytes:
        """Return all bytes that are sent."""
        if self.raw is not None:
            return self.raw
        return self._head() + self.body if self.head else b""

    def _head(self) -> bytes:
        answer = self.answer
        framing = ("Content-Length", str(len(answer.body))) if self.sized else ("Connection", "close")
        lines = [
            f"HTTP/1.1 {answer.status} {_PHRASES.get(answer.status, 'Odd')}",
            *(f"{n}: {v}" for n, v in (*answer.headers, framing)),
        ]
        return "\r\n".join([*lines, "", ""]).encode()


class Fault(Protocol):
    """A fault of an answer. You can write your own: any value with this method works."""

    def deliver(self, answer: Answer) -> Delivery:
        """Return the delivery of the answer that the upstream would give."""
        ...
