"""Replace a file by a complete one, and never delete complete data.

The new content is written beside the file and takes its place by a rename. Where a rename is refused (a file
that is mounted into a container, a folder with the sticky bit, a folder one may not write), the content is
copied into the file instead. When that fails too, the new content stays where it is, and the error names it.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, AnyStr

from hourlyclicks.files.devices import descriptor_of, is_special

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

_NOT_RESERVED = {errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENODEV}
"""What a file system says that cannot reserve space."""


class KeptError(OSError):
    """The file could not be replaced; its new content is complete, in another file.

    Args:
        why: what the operating system said.
        kept: where the content is.
    """

    def __init__(self, why: OSError, kept: Path) -> None:
        super().__init__(why.errno, why.strerror)
        self.kept = kept


def replacing(path: Path) -> AbstractContextManager[IO[str]]:
    """Open a file for text in UTF-8 that takes its place only when it is complete.

    A new file can be read by its owner only; one that is replaced keeps its mode and, where that is allowed,
    its owner. What is no plain file, such as a device or a pipe, is written to directly.

    Raises:
        KeptError: the file could not be replaced, but the new content is kept.
        OSError: it cannot be written; an old file is untouched.
    """
    return _replacing(path, _as_text)


def replacing_bytes(path: Path) -> AbstractContextManager[IO[bytes]]:
    """Open a file for bytes, as `replacing` does for text."""
    return _replacing(path, _as_bytes)


def _as_text(where: Path | int) -> IO[str]:
    return open(where, "w", encoding="utf-8", newline="")  # noqa: PTH123 - a descriptor has no path


def _as_bytes(where: Path | int) -> IO[bytes]:
    return open(where, "wb")  # noqa: PTH123 - as above


@contextmanager
def _replacing(path: Path, opened: Callable[[Path | int], IO[AnyStr]]) -> Iterator[IO[AnyStr]]:
    if (number := descriptor_of(path)) is not None or is_special(path):
        with opened(path if number is None else os.dup(number)) as stream:
            yield stream
        return
    target = Path(os.path.realpath(path))
    handle, name = _draft(target)
    try:
        with opened(handle) as stream:
            yield stream
            stream.flush()
            _keep_mode(stream.fileno(), target)
            os.fsync(stream.fileno())
    except BaseException:
        name.unlink(missing_ok=True)
        raise
    _settle(name, target)


def check_replaceable(path: Path) -> None:
    """Raise `OSError` for a file that cannot be replaced; some of that shows only at the end."""
    if (number := descriptor_of(path)) is not None:
        os.write(number, b"")
        return
    if is_special(path):
        return
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, f"there is no folder {target.parent}")
    try:
        status = target.stat()
    except FileNotFoundError:  # any other error, such as a name that is too long, will not go away
        status = None
    if _may_rename(target.parent, status) and not _is_mounted_read_only(target, status):
        return
    if status is None or not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "permission denied")


def _may_rename(folder: Path, status: os.stat_result | None) -> bool:
    """Return whether a file of this status, or a new one, may get another content by a rename."""
    if not os.access(folder, os.W_OK | os.X_OK):
        return False
    above = folder.stat()
    if status is None or os.name != "posix" or not above.st_mode & stat.S_ISVTX:
        return True
    return os.geteuid() in {0, status.st_uid, above.st_uid}


def _is_mounted_read_only(target: Path, status: os.stat_result | None) -> bool:
    """Return whether the file itself is a read-only mount, as ``docker run -v FILE:FILE:ro`` makes it."""
    return status is not None and os.name == "posix" and bool(os.statvfs(target).f_flag & os.ST_RDONLY)


def _draft(target: Path) -> tuple[int, Path]:
    """Make an empty file, readable by its owner only: beside the target, or where temporary files go."""
    try:
        handle, name = tempfile.mkstemp(prefix=".hourlyclicks-", dir=target.parent)
    except OSError:
        if not os.access(target, os.W_OK):
            raise
        handle, name = tempfile.mkstemp(prefix="hourlyclicks-", suffix=target.suffix)
    return handle, Path(name)


def _keep_mode(handle: int, target: Path) -> None:
    """Give a file the mode of the one it will replace, and its owner where that is allowed.

    If the group cannot be kept, the file's own group gets no more than all others have.
    """
    if os.name != "posix":
        return
    try:
        old = target.stat()
    except OSError:
        return
    mode = stat.S_IMODE(old.st_mode) & 0o777
    try:
        os.fchown(handle, -1, old.st_gid)
    except OSError:
        mode = (mode & 0o707) | (mode & 0o007) << 3
    with suppress(OSError):
        os.fchmod(handle, mode)
        os.fchown(handle, old.st_uid, -1)


def _settle(draft: Path, target: Path) -> None:
    """Let a complete file take the place of the target, or copy it there."""
    try:
        os.replace(draft, target)  # noqa: PTH105 - a test has it fail
    except OSError as error:
        try:
            _copy(draft, target)
        except OSError as another:
            raise KeptError(error if another.errno == errno.ENOENT else another, draft) from None
        draft.unlink(missing_ok=True)


def _copy(draft: Path, target: Path) -> None:
    """Write the content of a file into another one that is there, once there is space for it."""
    with draft.open("rb") as source, target.open("r+b") as sink:
        size, before = os.fstat(source.fileno()).st_size, os.fstat(sink.fileno()).st_size
        try:
            _reserve(sink.fileno(), size)
        except OSError:
            sink.truncate(before)
            raise
        shutil.copyfileobj(source, sink)
        sink.flush()
        sink.truncate(size)
        os.fsync(sink.fileno())


def _reserve(handle: int, size: int) -> None:
    """Set space aside, so that a full disk is noticed before old content is overwritten."""
    if not size or not hasattr(os, "posix_fallocate"):
        return
    try:
        os.posix_fallocate(handle, 0, size)
    except OSError as error:
        if error.errno not in _NOT_RESERVED:
            raise
