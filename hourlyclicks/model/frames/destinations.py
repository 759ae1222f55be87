"""Where a binary file is written: a path, or an address that fsspec knows, such as ``s3://bucket/key``.

Either way there is no file of that name before it is complete. A local file is written beside its place and
renamed. To other places fsspec writes within a transaction, which is committed at the end.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from hourlyclicks.errors import UsageError
from hourlyclicks.files.replace import replacing_bytes
from hourlyclicks.model.extras import needing

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def writing(where: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a file that is there only when it is complete; a new local one can be read by its owner only.

    Args:
        where: a path, or an address with ``://``.

    Raises:
        UsageError: fsspec is not installed (``hourlyclicks[parquet]``), or it does not know the address.
        OSError: it cannot be written; an old file is untouched.
    """
    folder, name = place_of(where)
    with folder.transaction(), folder.writing(name) as stream:
        yield stream


def place_of(where: str | os.PathLike[str]) -> tuple[LocalFolder | RemoteFolder, str]:
    """Return what writes files at an address or a path, and the name it has for this one."""
    text = os.fspath(where)
    if not isinstance(text, str):
        raise UsageError(f"a file is named by text or a path, not {where!r}")
    if "://" not in text:
        return LocalFolder(), text
    with needing("fsspec", extra="parquet"):
        from fsspec.core import url_to_fs  # noqa: PLC0415 - an extra
        from fsspec.implementations.local import LocalFileSystem  # noqa: PLC0415 - as above
    try:
        # An instance of its own: a transaction concerns all files of one.
        system, name = url_to_fs(text, skip_instance_cache=True)
    except (ImportError, ValueError) as error:  # of a library that is not installed; of an unknown protocol
        raise UsageError(f"cannot write to {text.partition('://')[0]}://: {error}") from None
    if isinstance(system, LocalFileSystem):
        return LocalFolder(), name
    return RemoteFolder(system), name


class LocalFolder:
    """Writes local files."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do nothing: each file is replaced as a whole when it is complete."""
        yield

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        """Open a file."""
        with replacing_bytes(Path(name)) as stream:
            yield stream

    def make(self, name: str) -> None:
        """Make a folder, with those above it, if it is not there."""
        Path(name).mkdir(parents=True, exist_ok=True)


class RemoteFolder:
    """Writes files with fsspec.

    Args:
        system: the file system.
    """

    def __init__(self, system: Any) -> None:  # noqa: ANN401 - fsspec has no types
        self._system = system

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Let all files be there only at the end, and none after an error."""
        with self._system.transaction:
            yield

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        """Open a file."""
        with self._system.open(name, "wb") as stream:
            yield stream

    def make(self, name: str) -> None:
        """Make a folder, where there are folders."""
        self._system.makedirs(name, exist_ok=True)
