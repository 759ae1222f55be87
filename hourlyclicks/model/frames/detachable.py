"""A stream for libraries that write the end of a file when their objects are collected."""

from __future__ import annotations

import io
from typing import IO


class DetachableStream:
    """Passes bytes on to a stream, until it is abandoned.

    pyarrow and zipfile write the end of a file when a writer is collected. After an error that would make a
    file that looks complete, or fail again; so after an error they write to nowhere.

    Args:
        stream: where the bytes go; it stays open.
    """

    closed = False

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream: IO[bytes] | None = stream

    def abandon(self) -> None:
        """Pass nothing on any more."""
        self._stream = None

    def write(self, data: bytes) -> int:
        """Write bytes."""
        return len(data) if self._stream is None else self._stream.write(data)

    def tell(self) -> int:
        """Return the position; an `OSError` where there is none, as in a pipe."""
        return 0 if self._stream is None else self._stream.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position."""
        return 0 if self._stream is None else self._stream.seek(offset, whence)

    def flush(self) -> None:
        """Do nothing; the stream is flushed by what has opened it."""

    def close(self) -> None:
        """Do nothing, for the same reason."""
