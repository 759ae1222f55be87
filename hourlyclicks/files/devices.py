"""Paths that name no plain file: devices, pipes, and descriptors of this process."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_DESCRIPTOR = re.compile(
    r"/(?:dev/fd|proc/(?:self|thread-self|(?P<process>\d+))/fd)/(?P<number>\d{1,9})", re.ASCII
)
_STREAMS = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
_MOST_LINKS = 40


def descriptor_of(path: Path) -> int | None:
    """Return which descriptor of this process a path names, as ``/dev/stdout`` or ``/dev/fd/63`` do.

    Opening such a name again would truncate a file that is being appended to.
    """
    text = os.path.abspath(path)  # noqa: PTH100 - resolves no link, but dots
    for _ in range(_MOST_LINKS):
        if text in _STREAMS:
            return _STREAMS[text]
        found = _DESCRIPTOR.fullmatch(text)
        if found is not None:
            return int(found["number"]) if found["process"] in {None, str(os.getpid())} else None
        try:
            text = os.path.normpath(os.path.join(os.path.dirname(text), os.readlink(text)))  # noqa: PTH115, PTH118, PTH120 - text in, text out
        except (OSError, ValueError):
            return None
    return None


def is_special(path: Path) -> bool:
    """Return whether a path is a device or a pipe."""
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)  # noqa: PTH110, PTH112, PTH113 - those of pathlib raise where a folder may not be entered


def is_device(path: Path) -> bool:
    """Return whether a path is a device, or a descriptor of this process: a file beside it makes no sense."""
    return descriptor_of(path) is not None or (is_special(path) and not path.is_fifo())
