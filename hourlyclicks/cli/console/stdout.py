"""The standard output, and what happens when it cannot be written."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from hourlyclicks.cli.exits import OUTPUT, CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator


DISK_ERRORS = {
    *(errno.ENOSPC, errno.EFBIG, errno.EIO, errno.EBADF, errno.ENXIO),
    getattr(errno, "EDQUOT", errno.ENOSPC),
}
"""What a disk, or a terminal that is gone, has to say when something is written to it."""


@contextmanager
def writing_to_stdout() -> Iterator[None]:
    """Say it in a sentence when stdout cannot be written.

    Raises:
        CommandError: it cannot.
        BrokenPipeError: its reader has ended; that ends the command without a message.
    """
    if sys.stdout is None:
        raise CommandError("cannot write to stdout: it is closed", OUTPUT)
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise cannot_write(error) from None


def cannot_write(error: OSError) -> CommandError:
    """Return what to say when stdout cannot be written, and try it no more."""
    forget_stdout()
    return CommandError(f"cannot write to stdout: {error.strerror}", OUTPUT)


def flush_stdout() -> None:
    """Write what is still buffered; see `writing_to_stdout`."""
    if sys.stdout is not None:
        with writing_to_stdout():
            pass


def forget_stdout() -> None:
    """Send what is still buffered nowhere, so that the interpreter does not stumble over it at its end."""
    with suppress(OSError):  # a stream without a descriptor, as in a test
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
