"""Faults, as values, one class for each kind.

Each is a `Fault`: it gets the answer that the upstream would give and returns
its delivery. A `Script` decides which request gets which fault.
"""

from __future__ import annotations

import functools
import gzip
import zlib
from typing import Literal, TypeAlias

import attrs

from hourlyclicks.simulator.delivery import Answer, Delivery, End, Headers
from hourlyclicks.simulator.faulty_envelopes import Envelope, LostDays, WrongDay

__all__ = [
    "BAD_CHUNK",
    "BAD_HEADER",
    "BAD_STATUS_LINE",
    "DOUBLE_LENGTH",
    "GARBAGE",
    "HTML",
    "HUGE_HEADER",
    "NOTHING",
    "NOT_GZIP",
    "Body",
    "Bomb",
    "Close",
    "Drip",
    "Envelope",
    "Gzipped",
    "Hang",
    "Headed",
    "Late",
    "LostDays",
    "Moment",
    "Oversize",
    "Raw",
    "Reset",
    "Status",
    "Truncated",
    "Unsized",
    "WrongDay",
    "nested",
    "redirect",
    "retry_after",
]

Moment: TypeAlias = Literal["before", "headers", "body"]
"""When a connection breaks: before the answer, after its headers, or in the middle of its body."""


def _broken(answer: Answer, when: Moment, end: End) -> Delivery:
    sent = {"before": 0, "headers": 0, "body": len(answer.body) // 2}[when]
    return Delivery(answer=answer, head=when != "before", sent=sent, end=end)


@attrs.frozen
class Reset:
    """The connection is reset (RST)."""

    when: Moment = "before"

    def deliver(self, answer: Answer) -> Delivery:
        """See `Fault.deliver`."""
        return _broken(answer, self.when, "reset")


@attrs.frozen
class Close:
    """The connection is closed (FIN) without a byte, or too early."""

    when: Moment = "before"

    def deliver(self, answer: Answer) -> Delivery:
        """See `Fault.deliver`."""
        return _broken(answer, self.when, "close")


@attrs.frozen
class Hang:
    """The server falls silent and keeps the connection open."""

    when: Moment = "before"

    def deliver(self, answer: Answer) -> Delivery:
        """See `Fault.deliver`."""
        return _broken(answer, self.when, "hang")


@attrs.frozen
class Late:
    """The answer is sent after so many seconds."""

    seconds: float = 5.0

    def deliver(self, answer: Answer) -> Delivery:
        """See `Fault.deliver`."""
        return Delivery(answer=answer, delay=self.seconds)


@attrs.frozen
class Drip:
    """The answer is sent byte by byte, so many seconds apart."""

    seconds: float = 1.0

    def deliver(self, answer: Answer) -> Delivery:
        """See `Fault.deliver`."""
        return Delivery(answer=answer, drip=self.seconds)


@attrs.frozen
class Truncated:
    """The body is truncated.

    Args:
        how: ``"length"``: in the middle, though ``Content-Length`` promises all of it; ``"close"``: in
            the middle, and nothing promised more; ``"gzip"``: a gzip stream without its end, in a complete
            message.
    """

    how: Literal["length", "close", "gzip"] = "length"

    def deliver(self, answer: Answer) -> Delivery:
        """See `Fault.deliver`."""
        if self.how == "gzip":
            packed = _gzipped(answer)
            return Delivery(answer=attrs.evolve(packed, body=packed.body[: len(packed.body) // 2]))
        sent = len(answer.body) // 2
        return Delivery(answer=answer, sent=sent, sized=self.how == "length", end="close")


@attrs.frozen
class Unsized:
    """A good answer without ``Content-Length``: it ends with the connection. Not a real fault."""

    def deliver(self, answer: Answer) -> Delivery:
        """See `Fault.deliver`."""
        return Delivery(answer=answer, sized=False, end="close")


@attrs.frozen
class Gzipped:
    """A good answer, compressed. Not a real fault."""

    def deliver(self, answer: Answer) -> Delivery:
        """See `Fault.deliver`."""
        return Delivery(answer=_gzipped(answer))


@attrs.frozen
class Status:
    """Another status, with a body of its own.

    Args:
        status: the HTTP status.
        headers: more header fields.
        body: the body, an HTML page by default.
    """

    status: int = 500
    headers: Headers = ()
    body: bytes = b"<html><body><h1>The simulator was told to say so</h1></body></html>\n"

    def deliver(self, answer: Answer) -> Delivery:  # noqa: ARG002 - the answer is dropped
        """See `Fault.deliver`."""
        headers = (("Content-Type", "text/html"), *self.headers)
        return Delivery(answer=Answer(self.status, headers, self.body))


def retry_after(value: str, status: int = 429) -> Status:
    """Return a 429 with any ``Retry-After``: seconds, an HTTP date, or an invalid value."""
    return Status(status, headers=(("Retry-After", value),))


def redirect(location: str, status: int = 302) -> Status:
    """Return a redirect."""
    return Status(status, headers=(("Location", location),))


@attrs.frozen
class Body:
    """Another body, with the status and headers of the answer.

    Args:
        body: the bytes.
        content_type: their ``Content-Type``; empty: none.
    """

    body: bytes
    content_type: str = "application/json; charset=utf-8"

    def deliver(self, answer: Answer) -> Delivery:
        """See `Fault.deliver`."""
        headers = (("Content-Type", self.content_type),) if self.content_type else ()
        return Delivery(answer=attrs.evolve(answer, headers=headers, body=self.body))


GARBAGE = Body(b'\x00\xff\xfe{"code":0,\x80"message', "application/json")
HTML = Body(b"<!doctype html><html><body>Please sign in to this network.</body></html>", "text/html")
NOTHING = Body(b"")


def nested(depth: int = 200_000) -> Body:
    """Return a body of so many opening brackets."""
    return Body(b"[" * depth)


@attrs.frozen
class Headed:
    """A good answer with more header fields, such as ``Set-Cookie``."""

    headers: Headers = (("Set-Cookie", "session=1; Path=/"),)

    def deliver(self, answer: Answer) -> Delivery:
        """See `Fault.deliver`."""
        return Delivery(answer=attrs.evolve(answer, headers=(*answer.headers, *self.headers)))


@attrs.frozen
class Bomb:
    """A small body that decompresses to so many MiB."""

    mebibytes: int = 64

    def deliver(self, answer: Answer) -> Delivery:
        """See `Fault.deliver`."""
        packed = attrs.evolve(answer, body=_bomb(self.mebibytes))
        return Delivery(answer=packed.with_header("Content-Encoding", "gzip"))


@attrs.frozen
class Oversize:
    """The right answer, padded with blanks in front to so many bytes."""

    size: int = 2 << 20

    def deliver(self, answer: Answer) -> Delivery:
        """See `Fault.deliver`."""
        return Delivery(answer=attrs.evolve(answer, body=answer.body.rjust(self.size)))


@attrs.frozen
class Raw:
    """Any bytes in place of an HTTP answer.

    In-process, where there is no parser, the client gets the error that the answer is not HTTP.

    Args:
        data: the bytes.
        end: what happens to the connection afterwards.
    """

    data: bytes
    end: End = "close"

    def deliver(self, answer: Answer) -> Delivery:
        """See `Fault.deliver`."""
        return Delivery(answer=answer, raw=self.data, end=self.end)


_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
BAD_STATUS_LINE = Raw(b"HTPP/one fine day\r\n\r\n")
BAD_CHUNK = Raw(_OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n")
BAD_HEADER = Raw(_OK + b"no colon in here\r\n\r\n{}")
HUGE_HEADER = Raw(_OK + b"X-Huge: " + b"x" * 70_000 + b"\r\nContent-Length: 2\r\n\r\n{}")
DOUBLE_LENGTH = Raw(_OK + b"Content-Length: 2\r\nContent-Length: 5\r\n\r\n{}")
NOT_GZIP = Raw(_OK + b"Content-Encoding: gzip\r\nContent-Length: 8\r\n\r\nnot gzip")


@functools.lru_cache(maxsize=4)
def _bomb(mebibytes: int) -> bytes:
    """Compress blanks piece by piece, so that making the bomb takes little memory."""
    packer = zlib.compressobj(wbits=31)
    pieces = [packer.compress(b" " * (1 << 20)) for _ in range(mebibytes)]
    return b"".join([*pieces, packer.flush()])


def _gzipped(answer: Answer) -> Answer:
    packed = attrs.evolve(answer, body=gzip.compress(answer.body, mtime=0))
    return packed.with_header("Content-Encoding", "gzip")
