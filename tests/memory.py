"""Where the files of the tests are: in memory as a rule, on the disk in a thorough run."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.sizes import THOROUGH

_MEMORY = Path("/dev/shm")  # noqa: S108 - each user of it makes a folder of its own
_ENOUGH = 2 << 30


def temporary_root() -> str | None:
    """Return the folder for temporary folders; ``None``: that of the system.

    Each commit of a store waits for the disk. On one where that takes 7 ms, it takes 0.06 ms in memory.
    """
    if THOROUGH or not _MEMORY.is_dir() or shutil.disk_usage(_MEMORY).free < _ENOUGH:
        return None
    return str(_MEMORY)
